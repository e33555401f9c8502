import { CAUSES } from '../loadtest/proof/cause.ts';
import { CONTROLS } from '../loadtest/proof/control.ts';
import { formatTable } from './markdown-table.ts';

/** The causes and the controls, for docs/does-my-rollout-drop-requests.md. */
export function formatCausesDoc(): string {
  return [
    '## Causes and fixes\n',
    'A loss is blamed on one of these, and on nothing else.\n',
    ...Object.values(CAUSES).flatMap(({ title, shows, fix }) => [
      `### ${title}\n`,
      `${shows}\n`,
      `**Fix.** ${fix}\n`,
    ]),
    '## Controls\n',
    'A proof says nothing lost; a control shows that it would have noticed. `--control NAME` takes one safeguard away for one run, `--with-controls` each of them in turn after the proof. preStop and lame duck stand in for one another where clients open new connections: where one alone loses nothing, `--with-controls` takes both away. A control that loses no more than the proof does not show its safeguard to matter under that load. One that is inconclusive, or stands beside a proof that is, leaves that undecided; so does one that loses more than a proof with losses, but no more than chance may.\n',
    'On a Deployment, a safeguard that it does not have is left out. `lame-duck` and `in-flight` are variables of this service: they are taken away where the container sets them in its `env`, or is this service by the names of its manifests (container `microservice`, pod label `app.kubernetes.io/name: microservice`). ConfigMaps are not looked into. Of a `--command` they are taken away where the environment sets them. What another server waits after SIGTERM is taken away by hand.\n',
    formatTable(
      ['Control', 'What is missing then', 'On a Deployment it', 'On the local fleet it'],
      Object.entries(CONTROLS).map(([id, { lacks, onCluster, onFleet }]) => [
        `\`${id}\``,
        lacks,
        onCluster,
        onFleet,
      ]),
    ),
  ].join('\n');
}

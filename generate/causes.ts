import { CAUSES } from '../loadtest/proof/cause.ts';
import { SAFEGUARDS } from '../loadtest/proof/safeguard.ts';
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
    'A proof says nothing lost; a control shows that it would have noticed. `--without SAFEGUARD` takes one safeguard away for one run, `--with-controls` each of them in turn after the proof. preStop and lame duck stand in for one another where clients open new connections: where one alone loses nothing, `--with-controls` takes both away. A control that loses no more than the proof does not show its safeguard to matter under that load. One that is inconclusive, or stands beside a proof that is, leaves that undecided; so does one that loses more than a proof with losses, but no more than chance may.\n',
    'On a Deployment, a safeguard that it does not have is left out. `lame-duck` and `in-flight` are variables of this service: they are taken away where the container sets them in its `env`, or is this service by the names of its manifests (container `microservice`, pod label `app.kubernetes.io/name: microservice`). ConfigMaps are not looked into. Of a `--command` they are taken away where the environment sets them. For any other server, `--without env:NAME=VALUE` sets the variable that shortens what it waits after SIGTERM, known to be read or not, and `--without preStop=2s` makes preStop a sleep of that time. On a Deployment both are a rollout of its pod template, and another one back at the end; on the local fleet they are the environment and the preStop of the replicas.\n',
    formatTable(
      ['Control', 'What is missing then', 'On a Deployment it', 'On the local fleet it'],
      Object.entries(SAFEGUARDS).map(([id, { lacks, onCluster, onFleet }]) => [
        `\`${id}\``,
        lacks,
        onCluster,
        onFleet,
      ]),
    ),
  ].join('\n');
}

import { stringify } from 'yaml';
import type { DeploymentChange } from '../proof/deployment-change.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import { toPreStop } from './pre-stop.ts';

/**
 * The change as a strategic merge patch, which `patches` of a kustomization.yaml and `kubectl patch --patch-file` take.
 * A preStop hook that does more than wait is left to its owner, and named in a comment.
 * https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
 */
export function toFixPatch(deployment: Json, container: string, change: DeploymentChange): string {
  const { preStopMs, graceMs, isSurged } = change;
  const root = new Field(deployment);
  const name = root.get('metadata', 'name').text() ?? '';
  const own = root
    .get('spec', 'template', 'spec', 'containers')
    .items()
    .find((each) => each.get('name').text() === container);
  const isOurs = own === undefined || isWait(own);
  const pod = {
    ...(graceMs === null ? {} : { terminationGracePeriodSeconds: graceMs / 1_000 }),
    ...(preStopMs === null || !isOurs
      ? {}
      : { containers: [{ name: container, lifecycle: { preStop: toSleep(preStopMs) } }] }),
  };
  const patch = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      ...(isSurged
        ? { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }
        : {}),
      ...(Object.keys(pod).length === 0 ? {} : { template: { spec: pod } }),
    },
  };
  const comment =
    preStopMs === null || isOurs
      ? ''
      : `# The preStop hook of container ${container} does more than wait: make it ${preStopMs / 1_000} s long yourself.\n`;
  return `${comment}${stringify(patch)}`;
}

/** A handler has one kind: the others must go for the sleep to come. */
function toSleep(ms: number) {
  return { exec: null, httpGet: null, tcpSocket: null, sleep: { seconds: ms / 1_000 } };
}

function isWait(container: Field): boolean {
  const preStop = toPreStop(container);
  return preStop.kind === 'none' || (preStop.kind === 'known' && preStop.endsServerAfterMs === null);
}

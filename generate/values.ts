import type { Manifest } from './render.ts';

interface Value {
  what: string;
  /** Where it stands: the kind, then the path of each part. Parts are joined as the separator says. */
  kind: string;
  paths: readonly string[];
  separator?: string;
  reason: string;
}

const POD = 'spec.template.spec';
const CONTAINER = `${POD}.containers.0`;

/** What an operator may want to change, with the reason for what it is. The table of docs/tune.md. */
const VALUES: readonly Value[] = [
  {
    what: 'Pods, least to most',
    kind: 'HorizontalPodAutoscaler',
    paths: ['spec.minReplicas', 'spec.maxReplicas'],
    separator: ' to ',
    reason: 'Three pods outlive a node, and a rollout of one of them.',
  },
  {
    what: 'CPU that adds pods, % of the request',
    kind: 'HorizontalPodAutoscaler',
    paths: ['spec.metrics.0.containerResource.target.averageUtilization'],
    reason: 'Of the container, not of the pod: a sidecar without requests breaks the sum of the pod.',
  },
  {
    what: 'Seconds of calm before pods go',
    kind: 'HorizontalPodAutoscaler',
    paths: ['spec.behavior.scaleDown.stabilizationWindowSeconds'],
    reason: 'Up at once, down slowly: each pod that goes has connections to hand over.',
  },
  {
    what: 'CPU, request / limit',
    kind: 'Deployment',
    paths: [`${CONTAINER}.resources.requests.cpu`, `${CONTAINER}.resources.limits.cpu`],
    separator: ' / ',
    reason: 'One thread answers and one computes: a limit of 2 cannot throttle the first.',
  },
  {
    what: 'Memory, request = limit',
    kind: 'Deployment',
    paths: [`${CONTAINER}.resources.limits.memory`],
    reason: 'It cannot be compressed, and the collectors of the runtimes do not aim below the limit.',
  },
  {
    what: 'maxUnavailable, maxSurge',
    kind: 'Deployment',
    paths: ['spec.strategy.rollingUpdate.maxUnavailable', 'spec.strategy.rollingUpdate.maxSurge'],
    separator: ', ',
    reason: 'Never fewer pods than asked for.',
  },
  {
    what: 'minReadySeconds',
    kind: 'Deployment',
    paths: ['spec.minReadySeconds'],
    reason: 'A pod that fails in its first seconds stops the rollout before an old one goes.',
  },
  {
    what: 'progressDeadlineSeconds',
    kind: 'Deployment',
    paths: ['spec.progressDeadlineSeconds'],
    reason: 'After it a rollout that does not get on is reported as failed.',
  },
  {
    what: 'preStop, seconds',
    kind: 'Deployment',
    paths: [`${CONTAINER}.lifecycle.preStop.sleep.seconds`],
    reason: 'Longer than the slowest way by which the removal of an endpoint is learnt.',
  },
  {
    what: 'Lame duck / drain timeout, ms',
    kind: 'ConfigMap',
    paths: ['data.LAME_DUCK_MS', 'data.DRAIN_TIMEOUT_MS'],
    separator: ' / ',
    reason: 'Keep-alive connections are told to close; then the longest request may finish.',
  },
  {
    what: 'Grace period, seconds',
    kind: 'Deployment',
    paths: [`${POD}.terminationGracePeriodSeconds`],
    reason: 'It starts before preStop: 10 + 2 + 25, and 8 in reserve.',
  },
];

/** One row a value: what it is, what each overlay renders, why. */
export function toValueRows(overlays: readonly (readonly Manifest[])[]): string[][] {
  return VALUES.map(({ what, kind, paths, separator = '', reason }) => [
    what,
    ...overlays.map((manifests) => {
      const manifest = manifests.find((candidate) => candidate.kind === kind);
      return paths.map((path) => read(manifest, path)).join(separator);
    }),
    reason,
  ]);
}

function read(manifest: unknown, path: string): string {
  let value = manifest;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`${path} is not rendered`);
  return String(value);
}

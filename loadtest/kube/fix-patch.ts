import { stringify } from 'yaml';
import type { DeploymentChange } from '../proof/deployment-change.ts';
import { toContainers } from './container.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import type { LiveWorkload } from './live-workload.ts';
import { toPreStop } from './pre-stop.ts';
import { CONTAINERS } from './safeguard-containers.ts';
import { WORKLOADS, type WorkloadKind } from './workload-kind.ts';

const ROLLING = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

/** The fields of the spec that bring a new pod before an old one goes; a text: why there are none. */
const SURGE: Record<WorkloadKind, (workload: Field) => Json | string> = {
  Deployment: () => ({ strategy: ROLLING }),
  StatefulSet: () =>
    'A StatefulSet ends each pod before its successor starts: add replicas, so that the others carry the load.',
  DaemonSet: (workload) =>
    toContainers(workload.get('spec', 'template', 'spec')).some(hasHostPort)
      ? 'Two pods of a DaemonSet cannot share a hostPort: maxSurge needs a pod without one.'
      : { updateStrategy: ROLLING },
  Rollout: (workload) => {
    const strategy = workload.get('spec', 'strategy');
    return strategy.get('blueGreen').exists
      ? 'A blueGreen Rollout has all new pods before it switches to them: add replicas.'
      : { strategy: { canary: { maxSurge: 1, maxUnavailable: 0 } } };
  },
};

/**
 * The change as a patch of the workload, which `patches` of a kustomization.yaml and `kubectl patch --patch-file` take: a
 * strategic merge patch, or a JSON patch for a custom resource, whose lists the former would replace. A preStop hook that
 * does more than wait is left to its owner, and named in a comment, as is what cannot be done to that kind.
 * https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
 */
export function toFixPatch(
  { kind, name, original }: Pick<LiveWorkload, 'kind' | 'name' | 'original'>,
  container: string,
  change: DeploymentChange,
): string {
  const { preStopMs, graceMs, isSurged } = change;
  const root = new Field(original);
  const containers = root.get(...CONTAINERS).items();
  const index = containers.findIndex((each) => each.get('name').text() === container);
  const own = containers[index];
  const isOurs = own === undefined || isWait(own);
  const surge = isSurged ? SURGE[kind](root) : {};
  const sleep = preStopMs === null || !isOurs ? null : { sleep: { seconds: preStopMs / 1_000 } };
  const grace = graceMs === null ? null : graceMs / 1_000;
  const comments = [
    ...(preStopMs === null || isOurs
      ? []
      : [
          `The preStop hook of container ${container} does more than wait: make it ${preStopMs / 1_000} s long yourself.`,
        ]),
    ...(typeof surge === 'string' ? [surge] : []),
  ];
  const wanted = { index, container, sleep, grace, surge: typeof surge === 'string' ? {} : surge };
  const { group, version } = WORKLOADS[kind];
  const patch =
    group === 'apps'
      ? { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec: toMergedSpec(wanted) }
      : toOperations(wanted, own);
  return `${comments.map((comment) => `# ${comment}\n`).join('')}${stringify(patch)}`;
}

/** Null: that stays as it is. */
interface Wanted {
  readonly index: number;
  readonly container: string;
  readonly sleep: Json | null;
  /** In seconds. */
  readonly grace: number | null;
  readonly surge: Json;
}

function toMergedSpec({ container, sleep, grace, surge }: Wanted): Json {
  // A handler has one kind: the others must go for the sleep to come.
  const preStop = { exec: null, httpGet: null, tcpSocket: null, ...sleep };
  const pod = {
    ...(grace === null ? {} : { terminationGracePeriodSeconds: grace }),
    ...(sleep === null ? {} : { containers: [{ name: container, lifecycle: { preStop } }] }),
  };
  return { ...surge, ...(Object.keys(pod).length === 0 ? {} : { template: { spec: pod } }) };
}

/** https://www.rfc-editor.org/rfc/rfc6902: `add` replaces a member that is there. */
function toOperations({ index, sleep, grace, surge }: Wanted, own: Field | undefined): readonly Json[] {
  const add = (path: string, value: unknown) => ({ op: 'add', path, value });
  const lifecycle = Object.fromEntries(
    own
      ?.get('lifecycle')
      .entries()
      .map(([hook, { value }]) => [hook, value]) ?? [],
  );
  const limits = new Field(surge).get('strategy', 'canary').entries();
  return [
    ...limits.map(([limit, { value }]) => add(`/spec/strategy/canary/${limit}`, value)),
    ...(grace === null ? [] : [add('/spec/template/spec/terminationGracePeriodSeconds', grace)]),
    ...(sleep === null
      ? []
      : [add(`/${CONTAINERS.join('/')}/${index}/lifecycle`, { ...lifecycle, preStop: sleep })]),
  ];
}

function isWait(container: Field): boolean {
  const preStop = toPreStop(container);
  return preStop.kind === 'none' || (preStop.kind === 'known' && preStop.endsServerAfterMs === null);
}

function hasHostPort(container: Field): boolean {
  const ports = container.get('ports').items();
  return ports.some((port) => port.get('hostPort').exists);
}

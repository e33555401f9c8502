import { stringify } from 'yaml';
import type { ManifestChange } from '../proof/manifest-change.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import type { LiveWorkload } from './live-workload.ts';
import { toPreStop } from './pre-stop.ts';
import { CONTAINERS } from './safeguard-containers.ts';
import { WORKLOADS } from './workload-kind.ts';

/**
 * The change as a patch of the workload, which `patches` of a kustomization.yaml and `kubectl patch --patch-file` take: a
 * strategic merge patch, or a JSON patch for a custom resource, whose lists the former would replace. A preStop hook that
 * does more than wait is left to its owner, and named in a comment, as is what cannot be done to that kind.
 * https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
 */
export function toFixPatch(
  { kind, name, original }: Pick<LiveWorkload, 'kind' | 'name' | 'original'>,
  container: string,
  change: ManifestChange,
): string {
  const { preStopMs, graceMs, isSurged } = change;
  const root = new Field(original);
  const containers = root.get(...CONTAINERS).items();
  const index = containers.findIndex((each) => each.get('name').text() === container);
  const own = containers[index];
  const isOurs = own === undefined || isWait(own);
  const surge = isSurged ? WORKLOADS[kind].toSurge(root) : null;
  const sleep = preStopMs === null || !isOurs ? null : { sleep: { seconds: preStopMs / 1_000 } };
  const grace = graceMs === null ? null : graceMs / 1_000;
  const comments = [
    ...(preStopMs === null || isOurs
      ? []
      : [
          `The preStop hook of container ${container} does more than wait: make it ${preStopMs / 1_000} s long yourself.`,
        ]),
    ...(surge === null || surge.spec !== null ? [] : [surge.advice]),
  ];
  const wanted = { index, container, sleep, grace, surge: surge?.spec ?? {} };
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

import type { PodEvent, ProbeFailure } from '../proof/timeline.ts';

/** Why pods come and go. The closed list: reports, metrics and docs take the reasons from here. */
export const REPLACEMENT_REASONS = {
  rollout: 'pods of another revision take over: a new image, a restart, an undo',
  'scale-up': 'more replicas are wanted; who wrote the number is named',
  'scale-down': 'fewer replicas are wanted; who wrote the number is named',
  eviction: 'a drain, a taint, or a kubelet short of memory or disk evicts the pod',
  preemption: 'the scheduler makes room for a pod of higher priority',
  deletion: 'somebody deletes the pod; Kubernetes does not keep who',
  crash: 'the container exits without being asked to; the exit code is named',
  'out-of-memory': 'the kernel kills the container for want of memory',
  'liveness-probe': 'the kubelet restarts the container because its liveness or startup probe fails',
  'node-lost': 'the node is no longer ready, or no longer there',
  unknown: 'a pod is added, and nothing tells why',
} as const satisfies Record<string, string>;

export type ReplacementReason = keyof typeof REPLACEMENT_REASONS;

/** One reason, and the pods that came or went for it. */
export interface Replaced {
  readonly reason: ReplacementReason;
  /** With names and numbers: `scale from 3 to 5 by kubectl`. */
  readonly text: string;
  /** In the order of the times. */
  readonly pods: readonly string[];
}

/** What was wanted of the workload, as it changed. */
export type WorkloadChange = {
  readonly atMs: number /** Who wrote it; null: not known. */;
  readonly by: string | null;
} & (
  | { readonly kind: 'replicas'; readonly from: number; readonly to: number }
  /** @property what for example `image web:1 to web:2` or `restart` */
  | { readonly kind: 'template'; readonly what: string }
);

/** A pod that comes or goes; what follows of the same pod is part of it. */
export type Incident = { readonly atMs: number; readonly pod: string; readonly version: string | null } & (
  | { readonly kind: 'added' }
  /** `graceMs` is null where it went at once. */
  | {
      readonly kind: 'removed';
      readonly graceMs: number | null;
      readonly disruption: string | null;
      readonly lostNode: string | null;
    }
  | {
      readonly kind: 'exited';
      readonly code: number | null;
      readonly isOomKilled: boolean;
      /** For which the kubelet killed it; null: for none. */
      readonly failedProbe: ProbeFailure['probe'] | null;
      readonly disruption: string | null;
      readonly lostNode: string | null;
    }
  | { readonly kind: 'node-lost'; readonly node: string }
);

/**
 * The kubelet kills within the grace period of the container after the probe has failed for the last time. For those
 * that are not told to be killed: where a pod has many events, the kubelet drops more.
 */
const PROBE_MS = 60_000;

interface KnownPod {
  version: string | null;
  node: string | null;
  isTerminating: boolean;
  isNodeLost: boolean;
  disruption: string | null;
  /** The last that its container may yet be killed for, until that time; null: none. */
  failed: { readonly probe: ProbeFailure['probe']; readonly untilMs: number } | null;
}

/**
 * What happened to pods from that time on, from all that is known of them. Pure.
 * @param events in the order of their times
 */
export function toIncidents(events: readonly PodEvent[], fromMs: number): Incident[] {
  const pods = new Map<string, KnownPod>();
  const incidents: Incident[] = [];
  for (const event of events) {
    const { pod, atMs } = event;
    // What is gone already goes for good: an evicted pod stays as an object, which may be deleted at any time.
    if (event.kind === 'gone' && !pods.has(pod)) continue;
    const known = pods.get(pod) ?? toUnknownPod();
    pods.set(pod, known);
    const incident = toIncident(event, known);
    if (incident !== null && atMs >= fromMs) incidents.push(incident);
    if (event.kind === 'gone') pods.delete(pod);
  }
  return incidents;
}

function toUnknownPod(): KnownPod {
  return {
    version: null,
    node: null,
    isTerminating: false,
    isNodeLost: false,
    disruption: null,
    failed: null,
  };
}

/** Null: nothing comes or goes. Brings what is known up to date. */
function toIncident(event: PodEvent, known: KnownPod): Incident | null {
  const { pod, atMs } = event;
  const { version, disruption } = known;
  const lostNode = known.isNodeLost ? known.node : null;
  switch (event.kind) {
    case 'scheduled':
      known.version = event.version;
      known.node = event.node;
      return { kind: 'added', atMs, pod, version: event.version };
    case 'probe-failed': {
      const untilMs = event.isKill ? Number.POSITIVE_INFINITY : atMs + PROBE_MS;
      if (untilMs >= (known.failed?.untilMs ?? 0)) known.failed = { probe: event.probe, untilMs };
      return null;
    }
    case 'disrupted':
      known.disruption = event.reason;
      return null;
    case 'ready':
      known.isNodeLost = false;
      return null;
    case 'node-lost':
      known.isNodeLost = true;
      return { kind: 'node-lost', atMs, pod, version, node: known.node ?? '' };
    case 'terminating':
      known.isTerminating = true;
      return { kind: 'removed', atMs, pod, version, graceMs: event.graceMs, disruption, lostNode };
    case 'gone':
      return known.isTerminating
        ? null
        : { kind: 'removed', atMs, pod, version, graceMs: null, disruption, lostNode };
    case 'exited': {
      if (known.isTerminating) return null;
      const { code, isOomKilled = false } = event;
      const { failed } = known;
      const failedProbe = failed !== null && atMs <= failed.untilMs ? failed.probe : null;
      known.failed = null;
      return { kind: 'exited', atMs, pod, version, code, isOomKilled, failedProbe, disruption, lostNode };
    }
    default:
      return null;
  }
}

/** What is known around the pods of a replacement. */
export interface ReplacementEvidence {
  /** In the order of their times. */
  readonly events: readonly PodEvent[];
  /** When the replacement began. */
  readonly fromMs: number;
  readonly changes: readonly WorkloadChange[];
  /** The number of a revision whose pods have that version; null: not known. */
  revisionOf(version: string): string | null;
}

/** A controller acts on what is wanted within moments, and a watch may tell the pods first. */
const CHANGE_MS = 10_000;

/** Who makes room for what: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
const DISRUPTION_REASONS: Readonly<Record<string, readonly [ReplacementReason, string]>> = {
  EvictionByEvictionAPI: ['eviction', 'eviction, as by a drain'],
  PreemptionByScheduler: ['preemption', 'preemption by a pod of higher priority'],
  DeletionByTaintManager: ['eviction', 'eviction by a taint'],
  TerminationByKubelet: ['eviction', 'eviction by the kubelet'],
  DeletionByPodGC: ['node-lost', 'the node is no longer there'],
};

/**
 * Why pods came and went, in the order in which the reasons first showed. A pod that takes the place of another has
 * the reason of that one. Pure.
 */
export function toReplaced({ events, fromMs, changes, revisionOf }: ReplacementEvidence): Replaced[] {
  const incidents = toIncidents(events, fromMs);
  const recent = changes.filter(({ atMs }) => atMs >= fromMs - CHANGE_MS);
  const before = new Set(versionsBefore(events, fromMs));
  const added = incidents.filter((incident) => incident.kind === 'added');
  const newVersions = new Set(added.map(({ version }) => version).filter((version) => !before.has(version)));
  const newest = added.at(-1)?.version ?? null;
  const isOld = (version: string | null) => version !== null && newest !== null && version !== newest;
  // An autoscaler may take back what somebody else has asked for.
  const up = toScale(recent, ({ from, to }) => to - from);
  const down = toScale(recent, ({ from, to }) => from - to);
  let toAdd = up.pods;
  let toRemove = down.pods;
  const found = new Map<string, { reason: ReplacementReason; text: string; pods: Set<string> }>();

  function tell(reason: ReplacementReason, text: string, pod: string): void {
    const known = found.get(`${reason} ${text}`) ?? { reason, text, pods: new Set() };
    found.set(`${reason} ${text}`, known);
    known.pods.add(pod);
  }

  const rollout = () => toRolloutText(recent, newest, revisionOf);
  for (const incident of incidents) {
    const { pod, version } = incident;
    if (incident.kind === 'added') {
      if (version !== null && newVersions.has(version) && before.size > 0) tell('rollout', rollout(), pod);
      else if (toAdd > 0) {
        toAdd -= 1;
        tell('scale-up', up.text, pod);
      }
      continue;
    }
    if (incident.kind === 'node-lost') tell('node-lost', `node ${incident.node} lost`, pod);
    else if (incident.kind === 'exited') tell(...toExitReason(incident), pod);
    else {
      const disrupted = toDisruptionReason(incident);
      if (disrupted !== null) tell(...disrupted, pod);
      else if (isOld(version)) tell('rollout', rollout(), pod);
      else if (toRemove > 0) {
        toRemove -= 1;
        tell('scale-down', down.text, pod);
      } else if (newVersions.has(version)) tell('rollout', rollout(), pod);
      else if (incident.graceMs === null || incident.graceMs === 0) {
        tell('deletion', 'deletion without a grace period', pod);
      } else tell('deletion', 'deletion', pod);
    }
  }
  if (found.size === 0) for (const { pod } of added) tell('unknown', 'pods were added', pod);
  return [...found.values()].map(({ reason, text, pods }) => ({ reason, text, pods: [...pods] }));
}

/** The versions of the pods that were there before. */
function versionsBefore(events: readonly PodEvent[], fromMs: number): (string | null)[] {
  const versions = new Map<string, string | null>();
  for (const event of events) {
    if (event.atMs >= fromMs) break;
    if (event.kind === 'scheduled') versions.set(event.pod, event.version);
    if (event.kind === 'gone') versions.delete(event.pod);
  }
  return [...versions.values()];
}

type Scale = Extract<WorkloadChange, { kind: 'replicas' }>;

/** How many pods were wanted more (or fewer) in one direction, and from which number to which, by whom. */
function toScale(
  changes: readonly WorkloadChange[],
  toPods: (scale: Scale) => number,
): { readonly pods: number; readonly text: string } {
  const scales = changes.filter((change) => change.kind === 'replicas').filter((scale) => toPods(scale) > 0);
  const by = [...new Set(scales.flatMap((scale) => scale.by ?? []))].join(' and ');
  return {
    pods: scales.reduce((sum, scale) => sum + toPods(scale), 0),
    text: `scale from ${scales[0]?.from} to ${scales.at(-1)?.to}${formatBy(by)}`,
  };
}

function toRolloutText(
  changes: readonly WorkloadChange[],
  version: string | null,
  revisionOf: (version: string) => string | null,
): string {
  const change = changes.findLast(({ kind }) => kind === 'template');
  const revision = version === null ? null : revisionOf(version);
  const name = revision === null ? (version === null ? '' : ` to ${version}`) : ` to revision ${revision}`;
  if (change?.kind !== 'template') return `rollout${name}`;
  return `rollout${name} (${change.what})${formatBy(change.by ?? '')}`;
}

function formatBy(by: string): string {
  return by === '' ? '' : ` by ${by}`;
}

function toExitReason({
  code,
  isOomKilled,
  failedProbe,
  disruption,
  lostNode,
}: Extract<Incident, { kind: 'exited' }>): [ReplacementReason, string] {
  if (disruption === 'TerminationByKubelet') return ['eviction', 'eviction by the kubelet'];
  // What a node has lost ends as far as is known when it is back.
  if (lostNode !== null) return ['node-lost', `node ${lostNode} lost`];
  if (isOomKilled) return ['out-of-memory', 'out of memory'];
  if (failedProbe !== null) return ['liveness-probe', `${failedProbe} probe failed`];
  return ['crash', code === null ? 'crash' : `crash with exit code ${code}`];
}

/** Null: it was not disrupted by Kubernetes itself. */
function toDisruptionReason({
  disruption,
  lostNode,
}: Extract<Incident, { kind: 'removed' }>): readonly [ReplacementReason, string] | null {
  if (disruption === null) return null;
  if (lostNode !== null && ['DeletionByTaintManager', 'DeletionByPodGC'].includes(disruption)) {
    return ['node-lost', `node ${lostNode} lost`];
  }
  return DISRUPTION_REASONS[disruption] ?? ['eviction', `disruption ${disruption}`];
}

import type { Clock } from '../cli/clock.ts';
import { toAuthority } from '../engine/target.ts';
import { forgetPast } from '../observe/pod-memory.ts';
import type { WorkloadChange } from '../observe/replacement.ts';
import { withoutPort } from '../proof/name-field.ts';
import type { Mark, Scene } from '../proof/scene.ts';
import type { PodEvent } from '../proof/timeline.ts';
import { type Api, toApiFault } from './api.ts';
import { createDirectProbes, type DirectProbeOptions } from './direct-probes.ts';
import { Field } from './field.ts';
import { type Json, numberAt, textAt } from './json.ts';
import { nameOf } from './object.ts';
import { ownerUids } from './owner.ts';
import { createOwnership } from './ownership.ts';
import { canWatchNodes } from './permission.ts';
import { toPodAddress } from './pod-address.ts';
import type { PodIdentities } from './pod-identity.ts';
import { createPodObserver } from './pod-observer.ts';
import { toProbeFailure } from './probe-failure.ts';
import { createWarnings } from './warnings.ts';
import { startWatch, type Watch } from './watch.ts';
import { toWatchPaths, type WatchedObjects, type WatchedResource } from './watch-paths.ts';
import { toWorkloadChanges } from './workload-changes.ts';
import { WORKLOADS } from './workload-kind.ts';

interface WatchedWorkload extends WatchedObjects {
  /** Of the workload. */
  readonly uid: string;
  readonly container: string;
  /** Of the pods, where the traffic goes, as a number or by its name; null: not known. */
  readonly port: number | string | null;
  /** How pods are probed directly; null: not at all. */
  readonly direct: DirectProbeOptions | null;
  readonly clock: Clock;
}

/** Everything around one workload that a proof has to know of, from `start` on. */
export interface ClusterWatch extends Pick<PodIdentities, 'podAt' | 'identitiesOf'> {
  readonly events: readonly PodEvent[];
  readonly marks: readonly Mark[];
  /** Why events may be missing or stamped late, and when that was found. */
  readonly gaps: readonly Mark[];
  /** What was wanted of the workload, as it changed. */
  readonly changes: readonly WorkloadChange[];
  /** The workload as it is; null: it is gone. */
  readonly workload: Json | null;
  /** The number of the revision whose pods have that version; null: not known. */
  revisionOf(version: string): string | null;
  mark(text: string): void;
  /** Is it a pod of the workload, and not of another behind the same Service? */
  isOwn(pod: string): boolean;
  /** Resolves when all is known as it is now. */
  start(): Promise<void>;
  /** Begins to probe pods directly, where their addresses answer from here. Returns in words whether they do. */
  startProbes(): Promise<string>;
  /** Holds what is known against fresh lists. */
  confirm(): Promise<void>;
  /** Drops what is of no use for anything after that time. */
  forgetPast(beforeMs: number): void;
}

type OnChange = (change: 'seen' | 'deleted', object: Json, atMs: number) => void;

const CONFIRM_MS = 5_000;
/** For everything to be listed once. */
const WATCH_TIMEOUT_MS = 60_000;
/** The kubelet reports the end of a container once a second, and the watch takes its time. */
export const WATCH_SLACK_MS = 1_500;
/** Of a ReplicaSet: which rollout of its workload it came with, or was gone back to with. */
const REVISIONS = ['deployment.kubernetes.io/revision', 'rollout.argoproj.io/revision'];

/** Watches pods, endpoints, nodes, ReplicaSets, HPAs and warnings until the signal is aborted. */
export function createClusterWatch(
  api: Api,
  { uid, container, port, direct, clock, ...objects }: WatchedWorkload,
  signal: AbortSignal,
): ClusterWatch {
  let events: PodEvent[] = [];
  let marks: Mark[] = [];
  let gaps: Mark[] = [];
  let changes: WorkloadChange[] = [];
  let workload: Json | null = null;
  const revisions = new Map<string, string>();
  const watches: Watch[] = [];
  const warnings = createWarnings((mark) => void marks.push(mark));
  const probes =
    direct === null ? null : createDirectProbes(direct, (event) => void events.push(event), clock);
  signal.addEventListener('abort', () => probes?.stop());
  const take = (event: PodEvent) => {
    // What the probes still tell of it comes before its end, with which its memory ends.
    if (event.kind === 'gone') probes?.forget(event.pod);
    events.push(event);
    if (event.kind === 'endpoint-added') probes?.setServing(event.pod, true);
    if (event.kind === 'endpoint-removed' || event.kind === 'terminating')
      probes?.setServing(event.pod, false);
  };
  const observer = createPodObserver(
    (event) => {
      take(event);
      const endpoint = objects.service === null ? toEndpointEvent(event) : null;
      if (endpoint !== null) take(endpoint);
    },
    container,
    port,
  );
  const ownership = createOwnership(uid);
  let isSynced = false;

  const mark = (text: string) => void marks.push({ atMs: clock.nowMs(), text });
  const markWanted = (path: readonly string[], toSubject: (name: string) => string) =>
    onNumber(path, (name, value) => {
      if (isSynced) mark(`${toSubject(name)} wants ${value}`);
    });

  const markReplicaSet = markWanted(['spec', 'replicas'], (name) => name);
  const handlers: Record<WatchedResource, OnChange> = {
    pods: own((change, object, atMs) => {
      const pod = observer.idOf(object);
      const address = toPodAddress(new Field(object), port);
      if (address !== null) probes?.track(pod, address);
      ownership.seePod(pod, object);
      observer.onPod(change, object, atMs);
    }),
    endpointslices: own((change, object, atMs) => {
      // The Service of its endpoints.
      for (const uid of ownerUids(new Field(object))) warnings.adopt(uid);
      observer.onEndpointSlice(change, object, atMs);
    }),
    workload: own(
      both(
        markWanted(WORKLOADS[objects.workload.kind].wanted, (name) => `${objects.workload.kind} ${name}`),
        onWorkload,
      ),
    ),
    replicasets: own((change, object, atMs) => {
      ownership.seeReplicaSet(object);
      markReplicaSet(change, object, atMs);
      onReplicaSet(change, object);
    }),
    horizontalpodautoscalers: own(markWanted(['status', 'desiredReplicas'], (name) => `HPA ${name}`)),
    events: (change, event, atMs) => {
      if (!isSynced || change !== 'seen') return;
      warnings.hear(event, atMs);
      onProbeEvent(event, atMs);
    },
    kills: (change, event, atMs) => {
      if (isSynced && change === 'seen') onProbeEvent(event, atMs);
    },
    nodes: observer.onNode,
  };

  /** Of a resource of which only what is of the workload is watched. */
  function own(onChange: OnChange): OnChange {
    return (change, object, atMs) => {
      const own = textAt(object, 'metadata', 'uid');
      warnings.adopt(own);
      if (change === 'deleted') warnings.leave(own, atMs);
      onChange(change, object, atMs);
    };
  }

  function onProbeEvent(event: Json, atMs: number): void {
    const failed = toProbeFailure(event);
    if (failed !== null) observer.onProbeFailure(failed, atMs);
  }

  function onWorkload(change: 'seen' | 'deleted', object: Json, atMs: number): void {
    if (workload !== null) changes.push(...toWorkloadChanges(workload, object, objects.hpa, atMs));
    workload = change === 'seen' ? object : null;
  }

  function onReplicaSet(change: 'seen' | 'deleted', object: Json): void {
    const version = textAt(object, 'metadata', 'labels', WORKLOADS[objects.workload.kind].versionLabel);
    const revision =
      REVISIONS.map((name) => textAt(object, 'metadata', 'annotations', name)).find(
        (text) => text !== null,
      ) ?? null;
    if (version === null) return;
    if (change === 'deleted' || revision === null) revisions.delete(version);
    else revisions.set(version, revision);
  }

  async function watch(path: string | null, onChange: OnChange): Promise<void> {
    if (path === null) return;
    const hooks = {
      clock,
      random: Math.random,
      onGap: (text: string) => void gaps.push({ atMs: clock.nowMs(), text }),
      onChange: (change: 'seen' | 'deleted', object: Json) => onChange(change, object, clock.nowMs()),
    };
    const started = startWatch(api, path, hooks, signal);
    await started.synced;
    watches.push(started);
  }

  return {
    get events() {
      return events;
    },
    get marks() {
      return marks;
    },
    get gaps() {
      return gaps;
    },
    get changes() {
      return changes;
    },
    get workload() {
      return workload;
    },
    revisionOf: (version) => revisions.get(version) ?? null,
    mark,
    isOwn: ownership.isOwn,
    podAt: observer.podAt,
    identitiesOf: observer.identitiesOf,
    async start() {
      // Who may not see nodes can prove all but the loss of one.
      const hasNodes = await canWatchNodes(api);
      if (!hasNodes) mark('nodes cannot be watched: the loss of one would not be told');
      const { pods, ...others } = toWatchPaths(objects, hasNodes);
      // Pods before the others, so that a node or an endpoint finds the pods it speaks of.
      await watch(pods, handlers.pods);
      const rest = Object.entries(others) as [Exclude<WatchedResource, 'pods'>, string | null][];
      await Promise.all(rest.map(([resource, path]) => watch(path, handlers[resource])));
      isSynced = true;
    },
    async startProbes() {
      if (probes === null) return 'pods are not probed directly: what they accept is inferred';
      if (port === null) return 'the port of the pods is not known: what they accept is inferred';
      const address = await probes.start();
      return address === null
        ? 'pod addresses do not answer from here: what pods accept is inferred'
        : `pods are probed directly, for example at ${toAuthority(address)}`;
    },
    async confirm() {
      await Promise.all(watches.map((each) => each.confirm(CONFIRM_MS)));
    },
    forgetPast(beforeMs) {
      const isOf = ({ atMs }: { readonly atMs: number }) => atMs >= beforeMs;
      events = forgetPast(events, beforeMs);
      marks = marks.filter(isOf);
      gaps = gaps.filter(isOf);
      changes = changes.filter(isOf);
      const known = new Set(events.map(({ pod }) => pod));
      ownership.keepOnly(known);
      observer.keepOnly(known);
      observer.forgetPast(beforeMs);
      warnings.forgetPast(beforeMs);
    },
  };
}

/** Whom connections and responses lead to, as far as the watch knows. */
export function toPodNames(watch: ClusterWatch): Pick<Scene, 'podOf' | 'podNamed' | 'identitiesOf'> {
  return {
    podOf: ({ remoteAddress, openedMs }) =>
      remoteAddress === null ? null : watch.podAt(remoteAddress, openedMs),
    podNamed: (text, atMs) => watch.podAt(text, atMs) ?? watch.podAt(withoutPort(text), atMs),
    identitiesOf: watch.identitiesOf,
  };
}

/** Not against its user's will, and not for ever. What is watched by then is watched until the end. */
export async function startWatching(
  watch: ClusterWatch,
  stop: AbortController,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const abort = () => stop.abort(signal.reason);
  signal.addEventListener('abort', abort);
  const tooLate = toApiFault(null, `not all could be listed in ${WATCH_TIMEOUT_MS / 1_000} s`);
  const timer = setTimeout(() => stop.abort(tooLate), WATCH_TIMEOUT_MS);
  await watch.start().finally(() => {
    signal.removeEventListener('abort', abort);
    clearTimeout(timer);
  });
}

function both(first: OnChange, second: OnChange): OnChange {
  return (change, object, atMs) => {
    first(change, object, atMs);
    second(change, object, atMs);
  };
}

/** Tells a number of each object when it is seen first, and when it has changed. */
function onNumber(path: readonly string[], tell: (name: string, value: number) => void): OnChange {
  const told = new Map<string, number>();
  return (change, object) => {
    const name = nameOf(new Field(object));
    if (change === 'deleted') {
      told.delete(name);
      return;
    }
    const value = numberAt(object, ...path) ?? 0;
    if (told.get(name) === value) return;
    told.set(name, value);
    tell(name, value);
  };
}

/** Where no slice tells it: what is ready, and not terminating, gets traffic. */
function toEndpointEvent({ kind, atMs, pod }: PodEvent): PodEvent | null {
  if (kind === 'ready') return { atMs, pod, kind: 'endpoint-added' };
  const isEnd = kind === 'unready' || kind === 'terminating' || kind === 'exited' || kind === 'gone';
  return isEnd ? { atMs, pod, kind: 'endpoint-removed' } : null;
}

import type { PodEvent } from '../proof/timeline.ts';
import { at, type Json, listAt, numberAt, textAt } from './json.ts';

/** Turns what the watches see into events of pods. Each call is stamped with the time given. */
export interface PodObserver {
  onPod(change: 'seen' | 'deleted', pod: Json, atMs: number): void;
  onEndpointSlice(change: 'seen' | 'deleted', slice: Json, atMs: number): void;
  onNode(change: 'seen' | 'deleted', node: Json, atMs: number): void;
  /** The pod that had this IP address at that time, or had it last; null: none is known to. */
  podAt(address: string, atMs: number): string | null;
}

/** What was told of a pod so far, so that only changes are told. */
interface Known {
  isScheduled: boolean;
  isStarted: boolean;
  isReady: boolean;
  isTerminating: boolean;
  /** The container that was told to have ended, by its id. */
  ended: string | null;
  node: string | null;
  readonly addresses: Set<string>;
}

/**
 * @param container whose exit is the pod's, when a pod has several; null: its first
 * @param port where it gets traffic, as a number or by its name; null: not known
 */
export function createPodObserver(
  emit: (event: PodEvent) => void,
  container: string | null,
  port: number | string | null,
): PodObserver {
  const known = new Map<string, Known>();
  /** Ready endpoints by slice, and their union as it was told. */
  const slices = new Map<string, ReadonlySet<string>>();
  let endpoints: ReadonlySet<string> = new Set();
  const lostNodes = new Set<string>();
  /** Who had each IP address, and since when, in that order. */
  const holders = new Map<string, { readonly pod: string; readonly fromMs: number }[]>();

  function look(pod: string): Known {
    const found = known.get(pod) ?? {
      isScheduled: false,
      isStarted: false,
      isReady: false,
      isTerminating: false,
      ended: null,
      node: null,
      addresses: new Set<string>(),
    };
    known.set(pod, found);
    return found;
  }

  function seePod(name: string, object: Json, atMs: number): void {
    const isFirstSight = !known.has(name);
    const told = look(name);
    const node = textAt(object, 'spec', 'nodeName');
    if (!told.isScheduled && node !== null) {
      told.isScheduled = true;
      told.node = node;
      emit({
        atMs,
        pod: name,
        kind: 'scheduled',
        version: toVersion(object),
        node,
        isProbed: isProbed(toContainer(object, container), port),
      });
    }
    for (const address of toAddresses(object)) {
      if (told.addresses.has(address)) continue;
      told.addresses.add(address);
      const those = holders.get(address) ?? [];
      holders.set(address, those);
      those.push({ pod: name, fromMs: atMs });
    }
    const status = toContainerStatus(object, container);
    if (!told.isStarted && at(status, 'state', 'running') !== undefined) {
      told.isStarted = true;
      emit({ atMs, pod: name, kind: 'started' });
    }
    const deletedAt = textAt(object, 'metadata', 'deletionTimestamp');
    if (!told.isTerminating && deletedAt !== null) {
      told.isTerminating = true;
      const graceMs = 1_000 * (numberAt(object, 'metadata', 'deletionGracePeriodSeconds') ?? 0);
      emit({
        atMs,
        pod: name,
        kind: 'terminating',
        graceMs,
        preStopMs: Math.min(graceMs, toPreStopMs(object, container)),
      });
    }
    const isReady = listAt(object, 'status', 'conditions').some(
      (condition) => condition.type === 'Ready' && condition.status === 'True',
    );
    if (isReady !== told.isReady) {
      told.isReady = isReady;
      emit({ atMs, pod: name, kind: isReady ? 'ready' : 'unready' });
    }
    // A container that ended and runs again shows its end in `lastState`.
    const last = at(status, 'lastState', 'terminated');
    const ended = at(status, 'state', 'terminated') ?? last;
    if (ended === undefined) return;
    const id = textAt(ended, 'containerID') ?? '';
    if (told.ended === id) return;
    told.ended = id;
    // What ended before anyone looked is no news.
    if (isFirstSight && ended === last) return;
    emit({ atMs, pod: name, kind: 'exited', code: numberAt(ended, 'exitCode'), signal: null });
  }

  function tellEndpoints(atMs: number): void {
    const now = new Set([...slices.values()].flatMap((names) => [...names]));
    for (const pod of now) if (!endpoints.has(pod)) emit({ atMs, pod, kind: 'endpoint-added' });
    for (const pod of endpoints) if (!now.has(pod)) emit({ atMs, pod, kind: 'endpoint-removed' });
    endpoints = now;
  }

  return {
    onPod(change, object, atMs) {
      const name = nameOf(object);
      seePod(name, object, atMs);
      if (change !== 'deleted') return;
      emit({ atMs, pod: name, kind: 'gone' });
      // What happens to its node from now on is not its loss.
      known.delete(name);
    },

    onEndpointSlice(change, slice, atMs) {
      const ready = listAt(slice, 'endpoints').flatMap((endpoint) => {
        const pod = textAt(endpoint, 'targetRef', 'name');
        const isPod = pod !== null && textAt(endpoint, 'targetRef', 'kind') === 'Pod';
        // Absent means unknown, which is to be taken as ready.
        return isPod && at(endpoint, 'conditions', 'ready') !== false ? [pod] : [];
      });
      if (change === 'deleted') slices.delete(nameOf(slice));
      else slices.set(nameOf(slice), new Set(ready));
      tellEndpoints(atMs);
    },

    onNode(change, node, atMs) {
      const name = nameOf(node);
      const isReady =
        change === 'seen' &&
        listAt(node, 'status', 'conditions').some(
          ({ type, status }) => type === 'Ready' && status === 'True',
        );
      if (isReady) lostNodes.delete(name);
      if (isReady || lostNodes.has(name)) return;
      lostNodes.add(name);
      for (const [pod, told] of known) if (told.node === name) emit({ atMs, pod, kind: 'node-lost' });
    },

    podAt: (address, atMs) => holders.get(address)?.findLast(({ fromMs }) => fromMs <= atMs)?.pod ?? null,
  };
}

function nameOf(object: Json): string {
  return textAt(object, 'metadata', 'name') ?? '';
}

/** Those of its own: on the network of its node, it shares them with all that is there. */
function toAddresses(pod: Json): readonly string[] {
  if (at(pod, 'spec', 'hostNetwork') === true) return [];
  const all = [textAt(pod, 'status', 'podIP'), ...listAt(pod, 'status', 'podIPs').map(({ ip }) => ip)];
  return all.filter((ip): ip is string => typeof ip === 'string' && ip !== '');
}

/** Pods of one template share this hash: old and new pods of a rollout differ in it. */
function toVersion(pod: Json): string | null {
  return textAt(pod, 'metadata', 'labels', 'pod-template-hash');
}

function toContainerStatus(pod: Json, container: string | null): Json | undefined {
  const statuses = listAt(pod, 'status', 'containerStatuses');
  return container === null ? statuses[0] : statuses.find(({ name }) => name === container);
}

function toContainer(pod: Json, container: string | null): Json | undefined {
  const containers = listAt(pod, 'spec', 'containers');
  return container === null ? containers[0] : containers.find(({ name }) => name === container);
}

/** Does its readiness probe connect to the port that gets the traffic? */
function isProbed(container: Json | undefined, port: number | string | null): boolean {
  const probe = at(container, 'readinessProbe');
  const toNumber = (given: unknown) =>
    typeof given === 'string'
      ? numberAt(
          listAt(container, 'ports').find(({ name }) => name === given),
          'containerPort',
        )
      : given;
  const asked = ['httpGet', 'tcpSocket', 'grpc'].map((kind) => toNumber(at(probe, kind, 'port')));
  const serving = toNumber(port);
  return typeof serving === 'number' && asked.includes(serving);
}

/** How long preStop takes at least: of a `sleep`, in its own form or as a command. What others take is not known: 0. */
export function toPreStopMs(pod: Json, container: string | null): number {
  const main = toContainer(pod, container);
  const seconds = numberAt(main, 'lifecycle', 'preStop', 'sleep', 'seconds');
  if (seconds !== null) return 1_000 * seconds;
  const command = at(main, 'lifecycle', 'preStop', 'exec', 'command');
  const [, slept] =
    /(?:^|[\s/;&])sleep (\d+(?:\.\d+)?)s?\s*(?:$|;|&&)/.exec(
      Array.isArray(command) ? command.join(' ') : '',
    ) ?? [];
  return slept === undefined ? 0 : 1_000 * Number(slept);
}

import type { PodEvent } from '../proof/timeline.ts';
import { isReady, isTerminating } from './conditions.ts';
import { findNamed } from './container.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import { nameOf } from './object.ts';
import { toPreStop, untilSigtermMs } from './pre-stop.ts';
import { isProbed } from './probe.ts';

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

  function seePod(name: string, object: Field, atMs: number): void {
    const isFirstSight = !known.has(name);
    const told = look(name);
    const own = findNamed(object.get('spec', 'containers'), container);
    const node = object.get('spec', 'nodeName').text();
    if (!told.isScheduled && node !== undefined) {
      told.isScheduled = true;
      told.node = node;
      emit({
        atMs,
        pod: name,
        kind: 'scheduled',
        version: toVersion(object),
        node,
        isProbed: isProbed(own, port),
      });
    }
    for (const address of toAddresses(object)) {
      if (told.addresses.has(address)) continue;
      told.addresses.add(address);
      const those = holders.get(address) ?? [];
      holders.set(address, those);
      those.push({ pod: name, fromMs: atMs });
    }
    const status = findNamed(object.get('status', 'containerStatuses'), container);
    if (!told.isStarted && status.get('state', 'running').exists) {
      told.isStarted = true;
      emit({ atMs, pod: name, kind: 'started' });
    }
    if (!told.isTerminating && isTerminating(object)) {
      told.isTerminating = true;
      const graceMs = 1_000 * (object.get('metadata', 'deletionGracePeriodSeconds').number() ?? 0);
      const preStopMs = untilSigtermMs(toPreStop(own), graceMs);
      emit({ atMs, pod: name, kind: 'terminating', graceMs, preStopMs });
    }
    if (isReady(object) !== told.isReady) {
      told.isReady = isReady(object);
      emit({ atMs, pod: name, kind: told.isReady ? 'ready' : 'unready' });
    }
    // A container that ended and runs again shows its end in `lastState`.
    const now = status.get('state', 'terminated');
    const ended = now.exists ? now : status.get('lastState', 'terminated');
    if (!ended.exists) return;
    const id = ended.get('containerID').text() ?? '';
    if (told.ended === id) return;
    told.ended = id;
    // What ended before anyone looked is no news.
    if (isFirstSight && ended !== now) return;
    emit({ atMs, pod: name, kind: 'exited', code: ended.get('exitCode').number() ?? null, signal: null });
  }

  function tellEndpoints(atMs: number): void {
    const now = new Set([...slices.values()].flatMap((names) => [...names]));
    for (const pod of now) if (!endpoints.has(pod)) emit({ atMs, pod, kind: 'endpoint-added' });
    for (const pod of endpoints) if (!now.has(pod)) emit({ atMs, pod, kind: 'endpoint-removed' });
    endpoints = now;
  }

  return {
    onPod(change, pod, atMs) {
      const object = new Field(pod);
      const name = nameOf(object);
      seePod(name, object, atMs);
      if (change !== 'deleted') return;
      emit({ atMs, pod: name, kind: 'gone' });
      // What happens to its node from now on is not its loss.
      known.delete(name);
    },

    onEndpointSlice(change, object, atMs) {
      const slice = new Field(object);
      const endpoints = slice.get('endpoints').items();
      const ready = endpoints.flatMap((endpoint) => {
        const target = endpoint.get('targetRef');
        // Absent means unknown, which is to be taken as ready.
        const isTarget =
          target.get('kind').text() === 'Pod' && !endpoint.get('conditions', 'ready').isFalse();
        return isTarget ? (target.get('name').text() ?? []) : [];
      });
      if (change === 'deleted') slices.delete(nameOf(slice));
      else slices.set(nameOf(slice), new Set(ready));
      tellEndpoints(atMs);
    },

    onNode(change, object, atMs) {
      const node = new Field(object);
      const name = nameOf(node);
      const isBack = change === 'seen' && isReady(node);
      if (isBack) lostNodes.delete(name);
      if (isBack || lostNodes.has(name)) return;
      lostNodes.add(name);
      for (const [pod, told] of known) if (told.node === name) emit({ atMs, pod, kind: 'node-lost' });
    },

    podAt: (address, atMs) => holders.get(address)?.findLast(({ fromMs }) => fromMs <= atMs)?.pod ?? null,
  };
}

/** Those of its own: on the network of its node, it shares them with all that is there. */
function toAddresses(pod: Field): readonly string[] {
  if (pod.get('spec', 'hostNetwork').isTrue()) return [];
  const status = pod.get('status');
  const all = [
    status.get('podIP'),
    ...status
      .get('podIPs')
      .items()
      .map((each) => each.get('ip')),
  ];
  return all.flatMap((ip) => ip.text() || []);
}

/** Pods of one template share this hash: old and new pods of a rollout differ in it. */
function toVersion(pod: Field): string | null {
  return pod.get('metadata', 'labels', 'pod-template-hash').text() ?? null;
}

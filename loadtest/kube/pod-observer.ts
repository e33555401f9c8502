import type { PodEvent } from '../proof/timeline.ts';
import { isReady } from './conditions.ts';
import { Field } from './field.ts';
import { createIncarnations } from './incarnation.ts';
import type { Json } from './json.ts';
import { nameOf } from './object.ts';
import { type ToldPod, toPodChanges } from './pod-changes.ts';
import { createPodIdentities, type PodIdentities, toIdentities } from './pod-identity.ts';
import type { ContainerProbeFailure } from './probe-failure.ts';
import { createReadyEndpoints, toReadyPods } from './ready-endpoints.ts';

/** Turns what the watches see into events of pods. Each call is stamped with the time given. */
export interface PodObserver extends Pick<PodIdentities, 'podAt' | 'identitiesOf' | 'forgetPast'> {
  /** What the pod is called here; one that comes back under its name is another pod. */
  idOf(pod: Json): string;
  onPod(change: 'seen' | 'deleted', pod: Json, atMs: number): void;
  onEndpointSlice(change: 'seen' | 'deleted', slice: Json, atMs: number): void;
  onNode(change: 'seen' | 'deleted', node: Json, atMs: number): void;
  onProbeFailure(failure: ContainerProbeFailure, atMs: number): void;
  /** Drops the names of pods that are not among these. */
  keepOnly(ids: ReadonlySet<string>): void;
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
  const pods = new Map<string, ToldPod>();
  const identities = createPodIdentities();
  const endpoints = createReadyEndpoints();
  const lostNodes = new Set<string>();
  const incarnations = createIncarnations();
  const idOf = (pod: Field) => incarnations.idOf(nameOf(pod), pod.get('metadata', 'uid').text());

  return {
    idOf: (pod) => idOf(new Field(pod)),

    onPod(change, object, atMs) {
      const field = new Field(object);
      const pod = idOf(field);
      const { told, steps } = toPodChanges(pods.get(pod) ?? null, field, { container, port });
      pods.set(pod, told);
      identities.note(pod, toIdentities(field), atMs);
      for (const step of steps) emit({ atMs, pod, ...step });
      if (change !== 'deleted') return;
      if (!told.isEnded) emit({ atMs, pod, kind: 'gone' });
      // What happens to its node from now on is not its loss.
      pods.delete(pod);
      identities.forget(pod, atMs);
    },

    onEndpointSlice(change, object, atMs) {
      const slice = new Field(object);
      const ready =
        change === 'deleted' ? null : toReadyPods(slice).map(({ name, uid }) => incarnations.idOf(name, uid));
      const { added, removed } = endpoints.tell(nameOf(slice), ready);
      for (const pod of added) emit({ atMs, pod, kind: 'endpoint-added' });
      for (const pod of removed) emit({ atMs, pod, kind: 'endpoint-removed' });
    },

    onNode(change, object, atMs) {
      const node = new Field(object);
      const name = nameOf(node);
      const isThere = change === 'seen' && isReady(node);
      const wasThere = !lostNodes.has(name);
      if (isThere) lostNodes.delete(name);
      else lostNodes.add(name);
      if (isThere === wasThere) return;
      for (const [pod, told] of pods) {
        if (told.node !== name) continue;
        // Where the kubelet alone was not ready, its pods have stayed ready: that is told anew.
        const again = told.isReady ? (['unready', 'ready'] as const) : [];
        for (const kind of isThere ? again : (['node-lost'] as const)) emit({ atMs, pod, kind });
      }
    },

    onProbeFailure({ podUid, container: failed, probe, isKill }, atMs) {
      const pod = identities.podAt(podUid, atMs);
      if (pod === null || !pods.has(pod) || failed !== (container ?? failed)) return;
      emit({ atMs, pod, kind: 'probe-failed', probe, isKill });
    },

    podAt: identities.podAt,
    identitiesOf: identities.identitiesOf,
    forgetPast: identities.forgetPast,
    keepOnly: incarnations.keepOnly,
  };
}

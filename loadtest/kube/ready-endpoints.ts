import type { Field } from './field.ts';

/** A pod as an EndpointSlice names it. */
interface EndpointPod {
  readonly name: string;
  /** Undefined: it does not say. */
  readonly uid: string | undefined;
}

/** The pods that an EndpointSlice sends new connections to. */
export function toReadyPods(slice: Field): readonly EndpointPod[] {
  const endpoints = slice.get('endpoints').items();
  return endpoints.flatMap((endpoint) => {
    const target = endpoint.get('targetRef');
    // Absent means unknown, which is to be taken as ready.
    const isTarget = target.get('kind').text() === 'Pod' && !endpoint.get('conditions', 'ready').isFalse();
    const name = target.get('name').text();
    return isTarget && name !== undefined ? [{ name, uid: target.get('uid').text() }] : [];
  });
}

/** The ready endpoints of a Service: the union of its slices. */
export interface ReadyEndpoints {
  /** What changed since the slices were told last. @param pods those of the slice; null: it is deleted */
  tell(slice: string, pods: readonly string[] | null): EndpointChanges;
}

interface EndpointChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export function createReadyEndpoints(): ReadyEndpoints {
  const slices = new Map<string, readonly string[]>();
  let before: ReadonlySet<string> = new Set();
  return {
    tell(slice, pods) {
      if (pods === null) slices.delete(slice);
      else slices.set(slice, pods);
      const now = new Set([...slices.values()].flat());
      const added = [...now].filter((pod) => !before.has(pod));
      const removed = [...before].filter((pod) => !now.has(pod));
      before = now;
      return { added, removed };
    },
  };
}

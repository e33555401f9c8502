import type { Field } from './field.ts';
import { nameOf } from './object.ts';

/** Which pod a name, a UID or an IP address stands for, and since when. */
export interface PodIdentities {
  /** Takes note of the identities that a pod is seen with for the first time. */
  note(pod: string, identities: readonly string[], atMs: number): void;
  /** Nothing is known of its identities any more but who had them: a pod of that name begins anew. */
  forget(pod: string): void;
  /** The pod that had this name, UID or address at that time, or had it last; null: none is known to. */
  podAt(identity: string, atMs: number): string | null;
  /** All that stands for a pod that is there. */
  identitiesOf(pod: string): readonly string[];
}

export function createPodIdentities(): PodIdentities {
  const noted = new Map<string, Set<string>>();
  /** In the order of the times. */
  const holders = new Map<string, { readonly pod: string; readonly fromMs: number }[]>();
  return {
    note(pod, identities, atMs) {
      const own = noted.get(pod) ?? new Set();
      noted.set(pod, own);
      for (const identity of identities) {
        if (own.has(identity)) continue;
        own.add(identity);
        const those = holders.get(identity) ?? [];
        holders.set(identity, those);
        those.push({ pod, fromMs: atMs });
      }
    },
    forget: (pod) => void noted.delete(pod),
    podAt: (identity, atMs) => holders.get(identity)?.findLast(({ fromMs }) => fromMs <= atMs)?.pod ?? null,
    identitiesOf: (pod) => [...(noted.get(pod) ?? [])],
  };
}

/** Its name, its UID and its addresses. On the network of its node, it shares the addresses with all that is there. */
export function toIdentities(pod: Field): readonly string[] {
  const uid = pod.get('metadata', 'uid').text();
  const own = [nameOf(pod), ...(uid === undefined ? [] : [uid])];
  if (pod.get('spec', 'hostNetwork').isTrue()) return own;
  const status = pod.get('status');
  const ips = status
    .get('podIPs')
    .items()
    .map((each) => each.get('ip'));
  return [...own, ...[status.get('podIP'), ...ips].flatMap((ip) => ip.text() || [])];
}

import type { Field } from './field.ts';
import { nameOf } from './object.ts';

/** Which pod a name, a UID or an IP address stands for, and since when. */
export interface PodIdentities {
  /** Takes note of the identities that a pod is seen with for the first time. */
  note(pod: string, identities: readonly string[], atMs: number): void;
  /** It is gone: nothing is known of its identities any more but who had them. A pod of that name begins anew. */
  forget(pod: string, atMs: number): void;
  /** Drops who had what, of the pods that were gone by then. */
  forgetPast(beforeMs: number): void;
  /** The pod that had this name, UID or address at that time, or had it last; null: none is known to. */
  podAt(identity: string, atMs: number): string | null;
  /** All that stands for a pod that is there. */
  identitiesOf(pod: string): readonly string[];
}

export function createPodIdentities(): PodIdentities {
  const noted = new Map<string, Set<string>>();
  /** Since when the pods are gone that are remembered. */
  const gone = new Map<string, number>();
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
    forget(pod, atMs) {
      noted.delete(pod);
      gone.set(pod, atMs);
    },
    forgetPast(beforeMs) {
      const past = new Set([...gone].flatMap(([pod, atMs]) => (atMs < beforeMs ? [pod] : [])));
      if (past.size === 0) return;
      for (const pod of past) gone.delete(pod);
      for (const [identity, those] of holders) {
        const kept = those.filter(({ pod }) => noted.has(pod) || !past.has(pod));
        if (kept.length === 0) holders.delete(identity);
        else holders.set(identity, kept);
      }
    },
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

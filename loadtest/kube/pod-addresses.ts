import type { Field } from './field.ts';

/** Who had each IP address, and since when. */
export interface PodAddresses {
  /** Takes note of the addresses that a pod is seen with for the first time. */
  note(pod: string, addresses: readonly string[], atMs: number): void;
  /** Nothing is known of its addresses any more but who had them: a pod of that name begins anew. */
  forget(pod: string): void;
  /** The pod that had this IP address at that time, or had it last; null: none is known to. */
  podAt(address: string, atMs: number): string | null;
}

export function createPodAddresses(): PodAddresses {
  const noted = new Map<string, Set<string>>();
  /** In the order of the times. */
  const holders = new Map<string, { readonly pod: string; readonly fromMs: number }[]>();
  return {
    note(pod, addresses, atMs) {
      const own = noted.get(pod) ?? new Set();
      noted.set(pod, own);
      for (const address of addresses) {
        if (own.has(address)) continue;
        own.add(address);
        const those = holders.get(address) ?? [];
        holders.set(address, those);
        those.push({ pod, fromMs: atMs });
      }
    },
    forget: (pod) => void noted.delete(pod),
    podAt: (address, atMs) => holders.get(address)?.findLast(({ fromMs }) => fromMs <= atMs)?.pod ?? null,
  };
}

/** Those of its own: on the network of its node, it shares them with all that is there. */
export function toAddresses(pod: Field): readonly string[] {
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

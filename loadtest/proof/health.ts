import type { Outcome } from '../engine/outcome.ts';
import type { Collector } from '../load/collector.ts';
import type { OutcomeCounts } from '../load/record.ts';

/** Whether each endpoint has answered ok: a target is not disrupted before that. */
export interface Health {
  /** Has each endpoint been ok at least once? */
  isServing(): boolean;
  /** Why the target is not fit to be disrupted; null: it is. */
  fault(): string | null;
}

/** @param endpoints in the order in which settlements count them */
export function createHealth(endpoints: readonly { readonly name: string }[]): Health & Collector {
  const counts = endpoints.map((): Partial<Record<Outcome, number>> => ({}));
  return {
    add({ endpoint, outcome }) {
      const own = counts[endpoint];
      if (own !== undefined) own[outcome] = (own[outcome] ?? 0) + 1;
    },
    isServing: () => counts.every(({ ok }) => ok !== undefined),
    fault: () => toHealthFault(endpoints, counts),
  };
}

/** Names the endpoints that answered, but never ok, or says that no request was ok at all; null: neither. */
export function toHealthFault(
  endpoints: readonly { readonly name: string }[],
  counts: readonly OutcomeCounts[],
): string | null {
  const lame = endpoints.flatMap(({ name }, index) => {
    const outcomes = Object.entries(counts[index] ?? {});
    if (outcomes.length === 0 || outcomes.some(([outcome]) => outcome === 'ok')) return [];
    return [`${name} was never ok (${outcomes.map(([outcome, count]) => `${count} ${outcome}`).join(', ')})`];
  });
  if (lame.length > 0) return lame.join(', ');
  return counts.some(({ ok }) => ok !== undefined) ? null : 'no request was ok';
}

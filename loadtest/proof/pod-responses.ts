import type { Settlement } from '../engine/settlement.ts';
import type { Collector } from '../load/collector.ts';

/** What the load saw of the pods. Times are ms since the load began. */
export interface PodResponses {
  /** When each pod first gave an ok response on any endpoint. */
  readonly answered: ReadonlyMap<string, number>;
  /** Where the request was sent from to which each pod gave it; null: from one place alone. */
  readonly answeredFrom: ReadonlyMap<string, string | null>;
  /** When the pod first gave an ok response on this endpoint, or on any if `endpoint` is null; null: never. */
  firstOkMs(pod: string, endpoint: number | null): number | null;
  /** The longest service time among the pod's first ok responses on this endpoint; null: there was none. */
  firstServiceMs(pod: string, endpoint: number): number | null;
  /** The first and last time of an ok response from any pod; null: there was none. */
  readonly okSpan: { readonly firstMs: number; readonly lastMs: number } | null;
}

/** So many responses are a pod's first on an endpoint. */
const FIRST_RESPONSES = 5;

/** @param podOf the pod that a request went to; null: not known */
export function createPodResponses(
  podOf: (settlement: Settlement) => string | null,
): PodResponses & Collector {
  const answered = new Map<string, number>();
  const answeredFrom = new Map<string, string | null>();
  const firstOk = new Map<string, number>();
  const first = new Map<string, { count: number; serviceMs: number }>();
  let okSpan: PodResponses['okSpan'] = null;
  const keepEarliest = (map: Map<string, number>, key: string, ms: number) =>
    void map.set(key, Math.min(ms, map.get(key) ?? ms));

  return {
    add(settlement) {
      const { outcome, sentMs, endMs, endpoint, from } = settlement;
      if (outcome !== 'ok') return;
      okSpan = {
        firstMs: Math.min(endMs, okSpan?.firstMs ?? endMs),
        lastMs: Math.max(endMs, okSpan?.lastMs ?? endMs),
      };
      const pod = podOf(settlement);
      if (pod === null) return;
      // The parts of a load come in no order.
      if (endMs < (answered.get(pod) ?? Number.POSITIVE_INFINITY)) answeredFrom.set(pod, from);
      keepEarliest(answered, pod, endMs);
      keepEarliest(firstOk, `${pod} ${endpoint}`, endMs);
      const own = first.get(`${pod} ${endpoint}`) ?? { count: 0, serviceMs: 0 };
      if (own.count === FIRST_RESPONSES) return;
      first.set(`${pod} ${endpoint}`, {
        count: own.count + 1,
        serviceMs: Math.max(own.serviceMs, endMs - (sentMs ?? endMs)),
      });
    },
    answered,
    answeredFrom,
    firstOkMs: (pod, endpoint) =>
      (endpoint === null ? answered.get(pod) : firstOk.get(`${pod} ${endpoint}`)) ?? null,
    firstServiceMs: (pod, endpoint) => first.get(`${pod} ${endpoint}`)?.serviceMs ?? null,
    get okSpan() {
      return okSpan;
    },
  };
}

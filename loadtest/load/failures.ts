import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { Collector } from './collector.ts';
import type { Phases } from './phases.ts';

/** A request that was not ok, in full. */
export interface Failure extends Settlement {
  /** Phase at its intended time. */
  readonly phase: string;
  /** Phase at its end. */
  readonly endPhase: string;
}

export function withPhases(settlement: Settlement, phases: Phases): Failure {
  return {
    ...settlement,
    phase: phases.at(settlement.intendedMs),
    endPhase: phases.at(settlement.endMs),
  };
}

/** Keeps requests that were not ok. The recorder counts all of them. */
export interface FailureCollector extends Collector {
  /** Of each outcome the first `perOutcome`, in the order of the plan. */
  list(): readonly Settlement[];
}

/** @param perOutcome how many of each outcome are kept */
export function createFailureCollector(perOutcome: number): FailureCollector {
  const kept = new Map<Outcome, Settlement[]>();
  return {
    add(settlement) {
      const { outcome } = settlement;
      if (outcome === 'ok' || perOutcome === 0) return;
      const own = kept.get(outcome) ?? [];
      kept.set(outcome, own);
      own.push(settlement);
      // Requests end in another order than they were planned in. Sorting at each failure would take longer than the
      // request did.
      if (own.length >= 2 * perOutcome) kept.set(outcome, keepFirst(own, perOutcome));
    },
    list: () => keepFirst([...kept.values()].flat(), perOutcome),
  };
}

/** Of each outcome the first `perOutcome`, in the order of the plan. */
export function keepFirst<Kept extends Settlement>(failures: readonly Kept[], perOutcome: number): Kept[] {
  const counts = new Map<Outcome, number>();
  return [...failures]
    .sort((a, b) => a.index - b.index)
    .filter(({ outcome }) => {
      const count = (counts.get(outcome) ?? 0) + 1;
      counts.set(outcome, count);
      return count <= perOutcome;
    });
}

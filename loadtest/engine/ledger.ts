import type { Outcome } from './outcome.ts';
import type { PlannedRequest, Settlement } from './settlement.ts';

/** A request taken from the plan, until it is settled. Only the ledger writes to it. */
export interface Entry {
  readonly request: PlannedRequest;
  /** When it was written, in ms since the run's start; null: not yet. */
  readonly sentMs: number | null;
  readonly isSettled: boolean;
}

/** What only the end of a request can tell; the ledger itself adds the rest. */
export type Ending = Omit<Settlement, 'index' | 'from' | 'endpoint' | 'intendedMs' | 'sentMs' | 'traceId'>;

/** The closed ledger: `planned` = `settled` = the sum of `outcomes`, unless there is a fault. */
export interface LedgerSummary {
  readonly planned: number;
  readonly sent: number;
  readonly settled: number;
  readonly outcomes: ReadonlyMap<Outcome, number>;
  /** Which rule was broken, and the run counts for nothing; null: the ledger balances. */
  readonly fault: string | null;
}

export interface Ledger {
  /** Requests taken from the plan and not settled yet. */
  readonly open: number;
  plan(request: PlannedRequest): Entry;
  /** The request is being written. At most once each, and never after its settlement. */
  send(entry: Entry, nowMs: number): void;
  /** The one way for a request to end. */
  settle(entry: Entry, ending: Ending): void;
  /** Checks that every planned request was settled exactly once, and that no step before broke a rule. */
  close(): LedgerSummary;
}

/** Sums of two numbers below it are exact. */
export const INDEX_MODULUS = 2 ** 52;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Planned → sent → settled, exactly once each. A broken rule does not stop the run, since the other requests'
 * outcomes are worth having: it is kept, and `close` tells it.
 *
 * @param traceIdOf the trace that a request was written with
 */
export function createLedger(
  onSettled: (settlement: Settlement) => void,
  traceIdOf: (request: PlannedRequest) => string | null,
): Ledger {
  let planned = 0;
  let sent = 0;
  let settled = 0;
  // The indices' sums tell two faults that cancel out in the counts: one request settled for another. In a load that
  // goes on for weeks they outgrow what a number counts exactly.
  let plannedIndices = 0;
  let settledIndices = 0;
  const outcomes = new Map<Outcome, number>();
  let violation: string | null = null;

  return {
    get open() {
      return planned - settled;
    },

    plan(request) {
      planned += 1;
      plannedIndices = (plannedIndices + request.index) % INDEX_MODULUS;
      return { request, sentMs: null, isSettled: false };
    },

    send(entry: Writable<Entry>, nowMs) {
      if (entry.sentMs !== null || entry.isSettled) {
        violation ??= `request ${entry.request.index} sent after it was ${entry.isSettled ? 'settled' : 'sent'}`;
        return;
      }
      entry.sentMs = nowMs;
      sent += 1;
    },

    settle(entry: Writable<Entry>, ending) {
      const { index, endpoint, intendedMs } = entry.request;
      if (entry.isSettled) {
        violation ??= `request ${index} settled twice, the second time as ${ending.outcome}`;
        return;
      }
      if (entry.sentMs === null && ending.status !== null) {
        violation ??= `request ${index} answered with ${ending.status} and never sent`;
      }
      entry.isSettled = true;
      settled += 1;
      settledIndices = (settledIndices + index) % INDEX_MODULUS;
      outcomes.set(ending.outcome, (outcomes.get(ending.outcome) ?? 0) + 1);
      const isTold = ending.outcome !== 'ok' && entry.sentMs !== null;
      const traceId = isTold ? traceIdOf(entry.request) : null;
      onSettled({ index, from: null, endpoint, intendedMs, sentMs: entry.sentMs, ...ending, traceId });
    },

    close() {
      const sum = [...outcomes.values()].reduce((total, count) => total + count, 0);
      if (violation === null && (planned !== settled || settled !== sum || sent > planned)) {
        violation = `planned ${planned}, sent ${sent}, settled ${settled}, sum of outcomes ${sum}`;
      }
      if (violation === null && plannedIndices !== settledIndices) {
        violation = 'the settled requests are not the planned ones';
      }
      const fault = violation === null ? null : `the ledger does not balance: ${violation}`;
      return { planned, sent, settled, outcomes, fault };
    },
  };
}

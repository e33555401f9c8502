import type { Outcome } from '../engine/outcome.ts';

/** What a run says of itself, besides its counts. */
interface Conduct {
  /** How late requests went out: the 99th percentile, in ms; NaN where nothing was measured. */
  readonly lagP99Ms: number;
  /** Stopped by the user, with requests still open. */
  readonly isInterrupted: boolean;
}

/**
 * A request that goes out a little late still shows a loss; only its latency is in doubt. This is a small part of the
 * seconds that a request is given, and that endpoints take to change. Beyond it the load was not the one asked for,
 * and timeouts may be its own.
 */
export const MAX_LAG_OF_A_LOSS_MS = 250;

/**
 * Ways to fail that a generator brings about by itself: always, when it is late, and when it is stopped. A target that
 * takes all connections and answers none makes requests that are never sent, too, but others beside them.
 */
const OWN_FAILURES = {
  always: ['not_sent'],
  late: ['timeout', 'connect_timeout'],
  interrupted: ['unfinished'],
} as const satisfies Record<string, readonly Outcome[]>;

/** Whether requests went out so late that losses among them say little of the target. */
export function isLateForLosses({ lagP99Ms }: Pick<Conduct, 'lagP99Ms'>): boolean {
  return lagP99Ms > MAX_LAG_OF_A_LOSS_MS;
}

/** How many of the failures the generator itself may have brought about. */
export function countOwnFailures(
  outcomes: Readonly<Partial<Record<Outcome, number>>>,
  conduct: Conduct,
): number {
  const entries = Object.entries(outcomes) as [Outcome, number][];
  return entries.reduce((sum, [outcome, count]) => sum + (isOwnFailure(outcome, conduct) ? count : 0), 0);
}

/** May the generator itself have brought about a failure of this kind? */
export function isOwnFailure(outcome: Outcome, conduct: Conduct): boolean {
  const own: readonly Outcome[] = [
    ...OWN_FAILURES.always,
    ...(isLateForLosses(conduct) ? OWN_FAILURES.late : []),
    ...(conduct.isInterrupted ? OWN_FAILURES.interrupted : []),
  ];
  return own.includes(outcome);
}

/**
 * The largest share of losses that would still show none among `count` requests in one run of twenty: the exact
 * bound of Clopper and Pearson, which the rule of three, 3/n, comes close to. 1 for no request at all.
 */
export function upperBound95(count: number): number {
  return 1 - 0.05 ** (1 / count);
}

import type { Histogram } from '../load/histogram.ts';

/** How sure a difference must be before it counts as more than noise; of each figure by itself. */
export const CONFIDENCE = 0.99;

/**
 * The middle of the binomial distribution: outside of it lies at most half of the doubt on either side.
 *
 * 100 throws of a coin, at 95 %: heads from 40 to 60.
 *
 * @param confidence what lies within, at least
 */
export function toBinomialRange(
  trials: number,
  probability: number,
  confidence: number,
): readonly [least: number, most: number] {
  if (trials === 0 || probability <= 0) return [0, 0];
  if (probability >= 1) return [trials, trials];
  const odds = probability / (1 - probability);
  const mode = Math.min(trials, Math.floor((trials + 1) * probability));
  // Relative to the mode, so that nothing overflows: P(k + 1) = P(k) · odds · (n − k) / (k + 1).
  const above = toTail((k) => (odds * (trials - k)) / (k + 1), mode, trials, 1);
  const below = toTail((k) => k / (odds * (trials - k + 1)), mode, 0, -1);
  const doubt =
    ((1 + above.reduce((sum, weight) => sum + weight, 0) + below.reduce((sum, weight) => sum + weight, 0)) *
      (1 - confidence)) /
    2;
  return [mode - countWithin(below, doubt), mode + countWithin(above, doubt)];
}

/** Too small to matter beside the mode. */
const NEGLIGIBLE = 1e-18;

/** The weights from the mode, whose own is 1, to the end of its side, as far as they matter. */
function toTail(ratio: (k: number) => number, mode: number, end: number, step: 1 | -1): number[] {
  const weights: number[] = [];
  let weight = 1;
  for (let k = mode; k !== end && weight > NEGLIGIBLE; k += step) {
    weight *= ratio(k);
    weights.push(weight);
  }
  return weights;
}

/** How many of the weights are needed until those beyond are no more than the doubt. */
function countWithin(weights: readonly number[], doubt: number): number {
  let beyond = 0;
  for (let count = weights.length; count > 0; count -= 1) {
    beyond += weights[count - 1] ?? 0;
    if (beyond > doubt) return count;
  }
  return 0;
}

/** Where a percentile lies. Times in ms. */
export interface PercentileRange {
  readonly ms: number;
  readonly leastMs: number;
  /** Null: there are too few values to tell. */
  readonly mostMs: number | null;
}

/**
 * Between which of the values, in their order, the percentile of all such requests lies, without any assumption on how
 * they are distributed: the number of values below it is binomial.
 * (Order statistics: H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed., §7.1.)
 *
 * @param percentile from 0 to 100
 * @returns null where nothing was measured
 */
export function toPercentileRange(
  histogram: Histogram,
  percentile: number,
  confidence: number,
): PercentileRange | null {
  const { count } = histogram;
  if (count === 0) return null;
  const valueMs = (rank: number) => histogram.percentileMs((100 * (rank - 0.5)) / count);
  const [least, most] = toBinomialRange(count, percentile / 100, confidence);
  return {
    ms: histogram.percentileMs(percentile),
    leastMs: least === 0 ? 0 : valueMs(least),
    mostMs: most === count ? null : valueMs(most + 1),
  };
}

/** Do two percentiles differ, each within its own range? Then both ranges must be true: hence half of the doubt. */
export function isPercentileApart(old: Histogram, now: Histogram, percentile: number): boolean {
  const each = (1 + CONFIDENCE) / 2;
  const a = toPercentileRange(old, percentile, each);
  const b = toPercentileRange(now, percentile, each);
  if (a === null || b === null) return false;
  return (a.mostMs !== null && a.mostMs < b.leastMs) || (b.mostMs !== null && b.mostMs < a.leastMs);
}

/** So many of so many requests. */
export interface Share {
  readonly count: number;
  readonly of: number;
}

/**
 * Do two shares differ? If they did not, each of the counted requests would fall to the one or the other in proportion
 * to how many requests there were (the exact conditional test of two rates).
 */
export function isShareApart(old: Share, now: Share): boolean {
  if (old.of === 0 || now.of === 0) return false;
  const [least, most] = toBinomialRange(old.count + now.count, now.of / (old.of + now.of), CONFIDENCE);
  return now.count < least || now.count > most;
}

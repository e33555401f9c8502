/** One question after the time, and its answer; `sentMs` and `receivedMs` on this clock, `thereMs` on the other. */
export interface ClockTrip {
  readonly sentMs: number;
  readonly thereMs: number;
  readonly receivedMs: number;
}

/**
 * How far the other clock is ahead of this one, by the quickest trip, whose answer was read about halfway (RFC 5905 §8).
 * Wrong by half of that trip at the most.
 */
export function toOffsetMs(trips: readonly ClockTrip[]): number {
  const tripMs = ({ sentMs, receivedMs }: ClockTrip) => receivedMs - sentMs;
  const [first, ...rest] = trips;
  if (first === undefined) return 0;
  const best = rest.reduce((least, each) => (tripMs(each) < tripMs(least) ? each : least), first);
  return best.thereMs - (best.sentMs + best.receivedMs) / 2;
}

import type { Settlement } from '../engine/settlement.ts';
import type { Collector } from './collector.ts';
import { MAX_LAG_OF_A_LOSS_MS } from './evidence.ts';

const SECOND_MS = 1_000;

/**
 * How late the generator wrote the request, in ms; null: it never did. Opening a connection is not the generator's
 * delay: it is as long as the way to the target and its handshakes.
 */
export function toLagMs({ sentMs, intendedMs, connection }: Settlement): number | null {
  if (sentMs === null) return null;
  const setupMs = connection === null || connection.reused ? 0 : connection.setupMs;
  return Math.max(0, sentMs - intendedMs - setupMs);
}

/** Finds the times at which the load was too late to be a witness of losses. */
export interface LateSecondCollector extends Collector {
  /** Seconds of the load in which at least half of the requests that went out were late, in order. */
  list(): readonly number[];
}

export function createLateSecondCollector(): LateSecondCollector {
  const seconds = new Map<number, { sent: number; late: number }>();
  return {
    add(settlement) {
      const lagMs = toLagMs(settlement);
      if (lagMs === null) return;
      const second = Math.floor(settlement.intendedMs / SECOND_MS);
      const counts = seconds.get(second) ?? { sent: 0, late: 0 };
      seconds.set(second, counts);
      counts.sent += 1;
      if (lagMs > MAX_LAG_OF_A_LOSS_MS) counts.late += 1;
    },
    list: () =>
      [...seconds]
        .filter(([, { sent, late }]) => 2 * late >= sent)
        .map(([second]) => second)
        .sort((a, b) => a - b),
  };
}

import type { Collector } from '../load/collector.ts';
import type { Successes } from './inference-evidence.ts';

/** Fine enough to tell where a fault begins, and coarse enough for a day of load. */
const SLOT_MS = 50;

/** Counts ok responses by when their requests were sent and whether their connection was fresh, and keeps the last of each connection. */
export function createSuccesses(): Successes & Collector {
  const counts = { fresh: new Map<number, number>(), kept: new Map<number, number>() };
  const lastOk = new Map<number, number>();
  const of = (isFresh: boolean) => (isFresh ? counts.fresh : counts.kept);
  return {
    add({ outcome, sentMs, endMs, connection }) {
      if (outcome !== 'ok' || sentMs === null) return;
      const slot = Math.floor(sentMs / SLOT_MS);
      const own = of(connection?.reused !== true);
      own.set(slot, (own.get(slot) ?? 0) + 1);
      if (connection?.reused === true) lastOk.set(connection.id, endMs);
    },
    slotMs: SLOT_MS,
    lastOkMs: (connectionId) => lastOk.get(connectionId) ?? null,
    count: (slot, isFresh) => of(isFresh).get(slot) ?? 0,
  };
}

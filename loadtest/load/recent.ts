import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { Collector, ConnectionCollector } from './collector.ts';

/** The requests and connections of the last while, and none that are older: it does not grow with time. */
export interface Recent extends Collector, ConnectionCollector {
  /** Shows what was due, or ended, from that time on. */
  replay(fromMs: number, to: Collector & ConnectionCollector): void;
}

const BUCKET_MS = 1_000;

interface Bucket {
  readonly settlements: Settlement[];
  readonly connections: ConnectionEnd[];
}

/** @param keptMs how long after it was due a request is kept, and a connection after its end */
export function createRecent(keptMs: number): Recent {
  /** In the order of the times; a bucket once dropped is not opened again. */
  const buckets = new Map<number, Bucket>();
  let newest = 0;

  function bucketOf(atMs: number): Bucket {
    const at = Math.floor(atMs / BUCKET_MS);
    if (at > newest) {
      newest = at;
      for (const old of buckets.keys()) if ((newest - old) * BUCKET_MS > keptMs) buckets.delete(old);
    }
    const bucket = buckets.get(at) ?? { settlements: [], connections: [] };
    buckets.set(at, bucket);
    return bucket;
  }

  return {
    add: (settlement) => void bucketOf(settlement.intendedMs).settlements.push(settlement),
    addConnection: (end) => void bucketOf(end.endMs).connections.push(end),
    replay(fromMs, to) {
      for (const [at, { settlements, connections }] of [...buckets].sort(([a], [b]) => a - b)) {
        if ((at + 1) * BUCKET_MS <= fromMs) continue;
        for (const settlement of settlements) if (settlement.intendedMs >= fromMs) to.add(settlement);
        for (const end of connections) if (end.endMs >= fromMs) to.addConnection(end);
      }
    },
  };
}

import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { Settlement } from '../engine/settlement.ts';

/**
 * One of the many that are shown the one stream of settlements: each settlement once, in the order in which the
 * requests ended.
 */
export interface Collector {
  add(settlement: Settlement): void;
}

/** The same for connections: each once, in the order in which they ended. */
export interface ConnectionCollector {
  addConnection(end: ConnectionEnd): void;
}

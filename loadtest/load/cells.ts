import type { Settlement } from '../engine/settlement.ts';
import type { Phases } from './phases.ts';
import { type Cell, cellKey, createTally, type Tally, toCell } from './record.ts';

/** The cells of a load, which grow by endpoint, phase and version. */
export interface Cells {
  tallyOf(settlement: Settlement, version: string | null): Tally;
  list(): readonly Cell[];
}

interface OpenCell {
  readonly key: Parameters<typeof toCell>[0];
  readonly tally: Tally;
}

/** @param phases a request belongs to the one in which it was due */
export function createCells(phases: Phases): Cells {
  const cells = new Map<string, OpenCell>();
  // Looking a cell up by its key costs as much as three histograms, and the next request of an endpoint is
  // nearly always of the cell of the one before.
  const latest: OpenCell[] = [];
  return {
    tallyOf({ endpoint, intendedMs }, version) {
      const phase = phases.at(intendedMs);
      const before = latest[endpoint];
      if (before?.key.phase === phase && before.key.version === version) return before.tally;
      const key = { endpoint, phase, version };
      const id = cellKey(key);
      const cell = cells.get(id) ?? { key, tally: createTally() };
      cells.set(id, cell);
      latest[endpoint] = cell;
      return cell.tally;
    },
    list: () => [...cells.values()].map(({ key, tally }) => toCell(key, tally)),
  };
}

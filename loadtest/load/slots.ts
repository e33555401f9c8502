import type { Settlement } from '../engine/settlement.ts';
import { createSeriesTally, type SeriesCell, type SeriesTally, seriesKey, toSeriesCell } from './record.ts';

/** The slots of a time series, which grow by slot of time and version. */
export interface Slots {
  tallyOf(settlement: Settlement, version: string | null): SeriesTally;
  /** Closes all slots. One in which something settles later is opened again, and is in the next list twice. */
  list(): readonly SeriesCell[];
}

export interface SlotOptions {
  readonly slotMs: number;
  /** Deadline of each request: nothing settles later than this after it was due. */
  readonly timeoutMs: number;
}

interface OpenSlot {
  readonly slot: number;
  readonly version: string | null;
  readonly tally: SeriesTally;
}

export function createSlots({ slotMs, timeoutMs }: SlotOptions): Slots {
  const openSlots = new Map<string, OpenSlot>();
  const closedSlots: SeriesCell[] = [];
  let newestSlot = 0;
  // The next request is nearly always of the slot of the one before.
  let latest: OpenSlot | null = null;

  /** Slots in which nothing can settle any more shrink to their encoded form: memory stays flat in long runs. */
  function closeBefore(slot: number): void {
    for (const [id, open] of openSlots) {
      if (open.slot >= slot) continue;
      closedSlots.push(toSeriesCell(open, open.tally));
      openSlots.delete(id);
    }
  }

  return {
    tallyOf({ intendedMs }, version) {
      const slot = Math.floor(intendedMs / slotMs);
      if (latest?.slot === slot && latest.version === version) return latest.tally;
      if (slot > newestSlot) {
        newestSlot = slot;
        closeBefore(newestSlot - Math.ceil(timeoutMs / slotMs) - 1);
      }
      const id = seriesKey({ slot, version });
      latest = openSlots.get(id) ?? { slot, version, tally: createSeriesTally() };
      openSlots.set(id, latest);
      return latest.tally;
    },
    list() {
      closeBefore(Number.POSITIVE_INFINITY);
      return closedSlots;
    },
  };
}

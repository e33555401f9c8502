import type { Settlement } from '../engine/settlement.ts';
import type { Collector } from './collector.ts';
import { createHistogram } from './histogram.ts';
import { toLagMs } from './lag.ts';
import type { Phases } from './phases.ts';
import {
  cellKey,
  createSeriesTally,
  createTally,
  type LoadRecord,
  mergeRecords,
  type OutcomeCounts,
  type OutcomeTally,
  SERIES_PRECISION,
  type SeriesCell,
  type SeriesTally,
  seriesKey,
  type Tally,
  toCell,
  toSeriesCell,
} from './record.ts';

/** A correct target never shows this many versions; all beyond are counted as one. */
const MAX_VERSIONS = 16;
const OTHER_VERSIONS = '(others)';

/** Where a run stands, for the live line. */
export interface Snapshot {
  readonly elapsedMs: number;
  /** Of all requests settled so far. */
  readonly outcomes: OutcomeCounts;
  /** Settled since the last snapshot. */
  readonly recentSettled: number;
  /** Of the ok responses since the last snapshot; NaN where there was none. */
  readonly recentP99Ms: number;
}

/** Counts every settlement, by endpoint, phase, version and slot of time, with its latencies. */
export interface Recorder extends Collector {
  snapshot(elapsedMs: number): Snapshot;
  toRecord(ledger: Pick<LoadRecord, 'planned' | 'sent' | 'settled'>): LoadRecord;
}

interface RecorderOptions {
  readonly slotMs: number;
  /** Deadline of each request: nothing settles later than this after it was due. */
  readonly timeoutMs: number;
}

/** The width of the slots of a time series: 1 s, and more in long runs, so that a report has a bounded size. */
export function toSlotMs(durationMs: number): number {
  return 1_000 * Math.max(1, Math.ceil(durationMs / 1_000 / MAX_SLOTS));
}
const MAX_SLOTS = 1_800;

/** @param phases those of the load; a request belongs to the one in which it was due */
export function createRecorder({ slotMs, timeoutMs }: RecorderOptions, phases: Phases): Recorder {
  const versions = new Set<string>();
  const cells = new Map<string, { key: Parameters<typeof toCell>[0]; tally: Tally }>();
  const openSlots = new Map<string, { slot: number; version: string | null; tally: SeriesTally }>();
  const closedSlots: SeriesCell[] = [];
  let newestSlot = 0;
  const recent = createHistogram(SERIES_PRECISION);
  const outcomes: OutcomeTally = {};
  let settled = 0;
  let settledBefore = 0;

  const toVersion = (version: string | null) => {
    if (version === null || versions.has(version)) return version;
    if (versions.size === MAX_VERSIONS) return OTHER_VERSIONS;
    versions.add(version);
    return version;
  };

  // Looking a cell up by its key costs as much as three histograms, and the next request of an endpoint is
  // nearly always of the cell of the one before.
  const latestCells: { key: Parameters<typeof toCell>[0]; tally: Tally }[] = [];
  let latestSlot: { slot: number; version: string | null; tally: SeriesTally } | null = null;

  const cellOf = ({ endpoint, intendedMs }: Settlement, version: string | null) => {
    const phase = phases.at(intendedMs);
    const latest = latestCells[endpoint];
    if (latest?.key.phase === phase && latest.key.version === version) return latest.tally;
    const key = { endpoint, phase, version };
    const id = cellKey(key);
    const cell = cells.get(id) ?? { key, tally: createTally() };
    cells.set(id, cell);
    latestCells[endpoint] = cell;
    return cell.tally;
  };

  /** Slots in which nothing can settle any more shrink to their encoded form: memory stays flat in long runs. */
  const closeSlotsBefore = (slot: number) => {
    for (const [id, open] of openSlots) {
      if (open.slot >= slot) continue;
      closedSlots.push(toSeriesCell(open, open.tally));
      openSlots.delete(id);
    }
  };

  const slotOf = ({ intendedMs }: Settlement, version: string | null) => {
    const slot = Math.floor(intendedMs / slotMs);
    if (latestSlot?.slot === slot && latestSlot.version === version) return latestSlot.tally;
    if (slot > newestSlot) {
      newestSlot = slot;
      closeSlotsBefore(newestSlot - Math.ceil(timeoutMs / slotMs) - 1);
    }
    const id = seriesKey({ slot, version });
    latestSlot = openSlots.get(id) ?? { slot, version, tally: createSeriesTally() };
    openSlots.set(id, latestSlot);
    return latestSlot.tally;
  };

  return {
    add(settlement) {
      const { outcome, intendedMs, sentMs, endMs } = settlement;
      const version = toVersion(settlement.version);
      const cell = cellOf(settlement, version);
      const slot = slotOf(settlement, version);
      const responseMs = Math.max(0, endMs - intendedMs);

      settled += 1;
      for (const counts of [outcomes, cell.outcomes, slot.outcomes])
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      const lagMs = toLagMs(settlement);
      if (lagMs !== null) cell.lag.record(lagMs);
      if (outcome === 'ok') {
        cell.response.record(responseMs);
        slot.response.record(responseMs);
        recent.record(responseMs);
        if (sentMs !== null) cell.service.record(Math.max(0, endMs - sentMs));
      } else cell.failed.record(responseMs);
    },

    snapshot(elapsedMs) {
      const recentP99Ms = recent.percentileMs(99);
      recent.reset();
      const recentSettled = settled - settledBefore;
      settledBefore = settled;
      return { elapsedMs, outcomes: { ...outcomes }, recentSettled, recentP99Ms };
    },

    toRecord(ledger) {
      closeSlotsBefore(Number.POSITIVE_INFINITY);
      // A request that settles after its slot was closed, as at the end of a stopped run, has opened it again:
      // merging makes one cell of the two.
      return mergeRecords([
        {
          ...ledger,
          slotMs,
          phases: phases.list,
          cells: [...cells.values()].map(({ key, tally }) => toCell(key, tally)),
          series: closedSlots,
        },
      ]);
    },
  };
}

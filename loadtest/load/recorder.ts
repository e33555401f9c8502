import { createCells } from './cells.ts';
import type { Collector } from './collector.ts';
import { createHistogram } from './histogram.ts';
import { toLagMs } from './lag.ts';
import type { Phases } from './phases.ts';
import {
  type LoadRecord,
  mergeRecords,
  type OutcomeCounts,
  type OutcomeTally,
  SERIES_PRECISION,
} from './record.ts';
import { createSlots, type SlotOptions } from './slots.ts';

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
  toRecord(ledger: Pick<LoadRecord, 'planned' | 'sent' | 'settled' | 'connections'>): LoadRecord;
}

/** The width of the slots of a time series: 1 s, and more in long runs, so that a report has a bounded size. */
export function toSlotMs(durationMs: number): number {
  return 1_000 * Math.max(1, Math.ceil(durationMs / 1_000 / MAX_SLOTS));
}
const MAX_SLOTS = 1_800;

/** All requests in one slot: a load that goes on for days must not grow with time. */
export const ONE_SLOT_MS = Number.POSITIVE_INFINITY;

/** @param phases those of the load; a request belongs to the one in which it was due */
export function createRecorder({ slotMs, timeoutMs }: SlotOptions, phases: Phases): Recorder {
  const versions = createVersions();
  const cells = createCells(phases);
  const slots = createSlots({ slotMs, timeoutMs });
  const recent = createHistogram(SERIES_PRECISION);
  const outcomes: OutcomeTally = {};
  let settled = 0;
  let settledBefore = 0;

  return {
    add(settlement) {
      const { outcome, intendedMs, sentMs, endMs } = settlement;
      const version = versions.name(settlement.version);
      const cell = cells.tallyOf(settlement, version);
      const slot = slots.tallyOf(settlement, version);
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
      // A request that settles after its slot was closed, as at the end of a stopped run, has opened it again:
      // merging makes one cell of the two.
      return mergeRecords([
        {
          ...ledger,
          slotMs,
          phases: phases.list,
          cells: cells.list(),
          series: slots.list(),
        },
      ]);
    },
  };
}

/** Bounds the versions of a run. */
function createVersions() {
  const known = new Set<string>();
  return {
    /** The version to count it by; null: none is known. */
    name(version: string | null): string | null {
      if (version === null || known.has(version)) return version;
      if (known.size === MAX_VERSIONS) return OTHER_VERSIONS;
      known.add(version);
      return version;
    },
  };
}

import { type ConnectionCounts, type ConnectionEnding, endingEntries } from '../engine/connection-ledger.ts';
import { isLost, type Outcome } from '../engine/outcome.ts';
import { createHistogram, type EncodedHistogram, type Histogram, type Precision } from './histogram.ts';
import type { Phase } from './phases.ts';

/** Requests that ended in each way. */
export type OutcomeCounts = Readonly<Partial<Record<Outcome, number>>>;

/** Requests of one endpoint, phase and version. All latencies of all cells add up to those of the run. */
export interface Cell {
  /** Position among the endpoints. */
  readonly endpoint: number;
  readonly phase: string;
  /** Null: no version is known. */
  readonly version: string | null;
  readonly outcomes: OutcomeCounts;
  /** Intended time to end, of the responses that were ok. */
  readonly response: EncodedHistogram;
  /** Written to end, of the responses that were ok. */
  readonly service: EncodedHistogram;
  /** Intended time to end, of everything else. */
  readonly failed: EncodedHistogram;
  /** Intended time to written, less what opening the connection took, of everything that was written. */
  readonly lag: EncodedHistogram;
}

/** Requests of one version that were due in one slot of time. */
export interface SeriesCell {
  /** The time from `slot × slotMs` on. */
  readonly slot: number;
  readonly version: string | null;
  readonly outcomes: OutcomeCounts;
  /** As in `Cell`, with two digits. */
  readonly response: EncodedHistogram;
}

/** What a load measured: plain data, of which parts add up exactly. */
export interface LoadRecord {
  readonly planned: number;
  readonly sent: number;
  readonly settled: number;
  readonly connections: ConnectionCounts;
  readonly slotMs: number;
  readonly phases: readonly Phase[];
  readonly cells: readonly Cell[];
  readonly series: readonly SeriesCell[];
}

/** Latency digits: what is read off as a figure has three, what is drawn has two. */
export const CELL_PRECISION: Precision = 3;
export const SERIES_PRECISION: Precision = 2;

const HISTOGRAMS = ['response', 'service', 'failed', 'lag'] as const;

export type OutcomeTally = Partial<Record<Outcome, number>>;

type CellKey = Pick<Cell, 'endpoint' | 'phase' | 'version'>;
type SeriesKey = Pick<SeriesCell, 'slot' | 'version'>;

/** What a cell holds while it grows. */
export interface Tally extends Readonly<Record<(typeof HISTOGRAMS)[number], Histogram>> {
  readonly outcomes: OutcomeTally;
}

export interface SeriesTally {
  readonly outcomes: OutcomeTally;
  readonly response: Histogram;
}

export function createTally(): Tally {
  return {
    outcomes: {},
    response: createHistogram(CELL_PRECISION),
    service: createHistogram(CELL_PRECISION),
    failed: createHistogram(CELL_PRECISION),
    lag: createHistogram(CELL_PRECISION),
  };
}

export function createSeriesTally(): SeriesTally {
  return { outcomes: {}, response: createHistogram(SERIES_PRECISION) };
}

export function toCell({ endpoint, phase, version }: CellKey, tally: Tally): Cell {
  return {
    endpoint,
    phase,
    version,
    outcomes: sortOutcomes(tally.outcomes),
    response: tally.response.encode(),
    service: tally.service.encode(),
    failed: tally.failed.encode(),
    lag: tally.lag.encode(),
  };
}

export function toSeriesCell({ slot, version }: SeriesKey, tally: SeriesTally): SeriesCell {
  return { slot, version, outcomes: sortOutcomes(tally.outcomes), response: tally.response.encode() };
}

/** One tally of the cells given, whatever their endpoint, phase and version. */
export function sumCells(cells: readonly Cell[]): Tally {
  const sum = createTally();
  for (const cell of cells) {
    addOutcomes(sum.outcomes, cell.outcomes);
    for (const name of HISTOGRAMS) sum[name].add(cell[name]);
  }
  return sum;
}

export function sumSeries(cells: readonly SeriesCell[]): SeriesTally {
  const sum = createSeriesTally();
  for (const cell of cells) {
    addOutcomes(sum.outcomes, cell.outcomes);
    sum.response.add(cell.response);
  }
  return sum;
}

function addOutcomes(sum: OutcomeTally, counts: OutcomeCounts): void {
  for (const [outcome, count] of outcomeEntries(counts)) sum[outcome] = (sum[outcome] ?? 0) + count;
}

export function outcomeEntries(counts: OutcomeCounts): [Outcome, number][] {
  return Object.entries(counts) as [Outcome, number][];
}

/** Requests, those of them that were not ok, and those of these that were lost. */
export function countOutcomes(counts: OutcomeCounts): { total: number; notOk: number; lost: number } {
  const result = { total: 0, notOk: 0, lost: 0 };
  for (const [outcome, count] of outcomeEntries(counts)) {
    result.total += count;
    if (outcome !== 'ok') result.notOk += count;
    if (isLost(outcome)) result.lost += count;
  }
  return result;
}

/**
 * Adds up the parts of one load, which must have been made with the same endpoints, phases and slots. The result
 * is the record that one machine would have made of all the settlements: cells of the same key become one, and
 * all are put in order, so that equal measurements are equal texts.
 */
export function mergeRecords(parts: readonly [LoadRecord, ...LoadRecord[]]): LoadRecord {
  const sum = (count: (part: LoadRecord) => number) => parts.reduce((total, part) => total + count(part), 0);
  const cells = groupBy(
    parts.flatMap((part) => part.cells),
    cellKey,
  );
  const series = groupBy(
    parts.flatMap((part) => part.series),
    seriesKey,
  );
  return {
    planned: sum((part) => part.planned),
    sent: sum((part) => part.sent),
    settled: sum((part) => part.settled),
    connections: mergeConnections(parts.map(({ connections }) => connections)),
    slotMs: parts[0].slotMs,
    phases: parts[0].phases,
    cells: cells
      .map((group) => toCell(group[0], sumCells(group)))
      .sort((a, b) => a.endpoint - b.endpoint || compareTexts(cellKey(a), cellKey(b))),
    series: series
      .map((group) => toSeriesCell(group[0], sumSeries(group)))
      .sort((a, b) => a.slot - b.slot || compareTexts(seriesKey(a), seriesKey(b))),
  };
}

function mergeConnections(parts: readonly ConnectionCounts[]): ConnectionCounts {
  const endings: Partial<Record<ConnectionEnding, number>> = {};
  for (const [ending, count] of parts.flatMap((part) => endingEntries(part.endings))) {
    endings[ending] = (endings[ending] ?? 0) + count;
  }
  const sum = (count: (part: ConnectionCounts) => number) =>
    parts.reduce((total, part) => total + count(part), 0);
  return {
    tried: sum(({ tried }) => tried),
    established: sum(({ established }) => established),
    endings: Object.fromEntries(endingEntries(endings).sort(([a], [b]) => compareTexts(a, b))),
  };
}

/** Unambiguous: neither a phase's name nor a header's value holds a line feed. */
export function cellKey({ endpoint, phase, version }: CellKey): string {
  return `${endpoint}\n${phase}\n${version === null ? '' : `=${version}`}`;
}

export function seriesKey({ slot, version }: SeriesKey): string {
  return `${slot}\n${version === null ? '' : `=${version}`}`;
}

function sortOutcomes(counts: OutcomeCounts): OutcomeCounts {
  return Object.fromEntries(outcomeEntries(counts).sort(([a], [b]) => compareTexts(a, b)));
}

/** By code unit: the same on every machine, whatever its locale. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupBy<T>(items: readonly T[], toKey: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(toKey(item));
    if (group === undefined) groups.set(toKey(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

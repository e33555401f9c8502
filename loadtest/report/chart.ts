import { planDurationMs } from '../load/plan.ts';
import {
  countOutcomes,
  type OutcomeCounts,
  outcomeEntries,
  type SeriesCell,
  sumSeries,
} from '../load/record.ts';
import type { Report } from './report.ts';

/** What a line is drawn in: a colour of the page's palette, chosen by meaning. */
export type Tone = 'good' | 'bad' | 'first' | 'second' | 'third' | 'fourth';

interface Line {
  readonly label: string;
  readonly tone: Tone;
  readonly axis: 'left' | 'right';
  /** One value per time; null: nothing was measured then. */
  readonly values: readonly (number | null)[];
}

/** One chart over the time of the run. Plain data: the page's script draws it, and its table holds the same. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What the chart shows and how to read it, in a sentence. */
  readonly caption: string;
  readonly leftUnit: string;
  readonly rightUnit: string | null;
  readonly isLogarithmic: boolean;
  /** Starts of the slots, in seconds since the start of the run. */
  readonly timesS: readonly number[];
  readonly lines: readonly Line[];
}

const TONES: readonly Tone[] = ['first', 'second', 'third', 'fourth'];

interface Slot {
  readonly startS: number;
  readonly lengthS: number;
  readonly cells: readonly SeriesCell[];
}

export function toCharts(report: Report): readonly Chart[] {
  const slots = toSlots(report);
  const versions = [...new Set(report.record.series.map(({ version }) => version))];
  return [
    toRateChart(slots, versions),
    toOutcomeChart(slots),
    toLatencyChart(slots),
    ...(versions.length > 1 ? [toVersionLatencyChart(slots, versions)] : []),
  ];
}

function toSlots({ record, setup, durationMs }: Report): readonly Slot[] {
  const { slotMs, series } = record;
  const endMs = Math.min(durationMs, planDurationMs({ model: setup.model }));
  const bySlot = new Map<number, SeriesCell[]>();
  for (const cell of series) bySlot.set(cell.slot, [...(bySlot.get(cell.slot) ?? []), cell]);
  const count = Math.max(0, ...[...bySlot.keys()].map((slot) => slot + 1));
  return Array.from({ length: count }, (_, slot) => ({
    startS: (slot * slotMs) / 1_000,
    // The last one may be cut short: a rate over its full width would show a drop that never happened.
    lengthS: Math.max(1, Math.min(slotMs, endMs - slot * slotMs)) / 1_000,
    cells: bySlot.get(slot) ?? [],
  }));
}

const toTimes = (slots: readonly Slot[]) => slots.map(({ startS }) => startS);
const nameOf = (version: string | null) => (version === null ? 'no version' : `version ${version}`);
const toneAt = (index: number) => TONES[index % TONES.length] ?? 'first';

function outcomesOf(cells: readonly SeriesCell[]): OutcomeCounts {
  return sumSeries(cells).outcomes;
}

function toRateChart(slots: readonly Slot[], versions: readonly (string | null)[]): Chart {
  const rateOf = ({ cells, lengthS }: Slot, isWanted: (cell: SeriesCell) => boolean) =>
    countOutcomes(outcomesOf(cells.filter(isWanted))).total / lengthS;
  return {
    id: 'rate',
    title: 'Rate',
    caption:
      'Requests per second by the time at which they were due, in total and by the version that answered.',
    leftUnit: 'requests/s',
    rightUnit: null,
    isLogarithmic: false,
    timesS: toTimes(slots),
    lines: [
      { label: 'all', tone: 'good', axis: 'left', values: slots.map((slot) => rateOf(slot, () => true)) },
      ...(versions.length < 2 ? [] : versions).map(
        (version, index): Line => ({
          label: nameOf(version),
          tone: toneAt(index),
          axis: 'left',
          values: slots.map((slot) => rateOf(slot, (cell) => cell.version === version)),
        }),
      ),
    ],
  };
}

function toOutcomeChart(slots: readonly Slot[]): Chart {
  const bySlot = slots.map(({ cells }) => outcomesOf(cells));
  const failures = new Set(bySlot.flatMap((counts) => outcomeEntries(counts).map(([outcome]) => outcome)));
  failures.delete('ok');
  return {
    id: 'outcomes',
    title: 'Outcomes',
    caption:
      failures.size === 0
        ? 'Requests by outcome. Every one was ok.'
        : 'Requests by outcome: ok on the left axis, everything else on the right one.',
    leftUnit: 'ok',
    rightUnit: failures.size === 0 ? null : 'not ok',
    isLogarithmic: false,
    timesS: toTimes(slots),
    lines: [
      { label: 'ok', tone: 'good', axis: 'left', values: bySlot.map((counts) => counts.ok ?? 0) },
      ...[...failures].map(
        (outcome, index): Line => ({
          label: outcome,
          tone: index === 0 ? 'bad' : toneAt(index - 1),
          axis: 'right',
          values: bySlot.map((counts) => counts[outcome] ?? 0),
        }),
      ),
    ],
  };
}

const PERCENTILES = [50, 90, 99, 100] as const;

function toLatencyChart(slots: readonly Slot[]): Chart {
  const bySlot = slots.map(({ cells }) => sumSeries(cells).response);
  return {
    id: 'latency',
    title: 'Response time',
    caption: 'Percentiles of the ok responses, measured from the intended time. The scale is logarithmic.',
    leftUnit: 'ms',
    rightUnit: null,
    isLogarithmic: true,
    timesS: toTimes(slots),
    lines: PERCENTILES.map((percentile, index) => ({
      label: percentile === 100 ? 'max' : `p${percentile}`,
      tone: toneAt(index),
      axis: 'left',
      values: bySlot.map((response) => toDrawable(response.percentileMs(percentile))),
    })),
  };
}

function toVersionLatencyChart(slots: readonly Slot[], versions: readonly (string | null)[]): Chart {
  return {
    id: 'latency-by-version',
    title: 'Response time by version',
    caption:
      'The 99th percentile of the ok responses, by the version that answered. The scale is logarithmic.',
    leftUnit: 'ms',
    rightUnit: null,
    isLogarithmic: true,
    timesS: toTimes(slots),
    lines: versions.map((version, index) => ({
      label: nameOf(version),
      tone: toneAt(index),
      axis: 'left',
      values: slots.map(({ cells }) =>
        toDrawable(sumSeries(cells.filter((cell) => cell.version === version)).response.percentileMs(99)),
      ),
    })),
  };
}

/** A logarithmic scale has no place for 0. */
function toDrawable(ms: number): number | null {
  return Number.isNaN(ms) ? null : Math.max(0.001, ms);
}

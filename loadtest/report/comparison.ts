import { isDeepStrictEqual } from 'node:util';
import { Fault } from '../cli/fault.ts';
import { formatCount, formatFixed, formatMs, formatPercent } from '../cli/format.ts';
import type { Histogram } from '../load/histogram.ts';
import { countOutcomes, type OutcomeCounts, outcomeEntries } from '../load/record.ts';
import { toMetricSource } from './metric.ts';
import {
  CONFIDENCE,
  isPercentileApart,
  isShareApart,
  type PercentileRange,
  toPercentileRange,
} from './noise.ts';
import type { Report } from './report.ts';
import { toFindings } from './summary.ts';
import type { Table } from './tables.ts';

/** Changes when a reader of the old one would misread the new one. */
export const COMPARISON_SCHEMA = 'dropless.comparison/1';

/** The same of both reports. */
export interface Sides<T> {
  readonly old: T;
  readonly new: T;
}

/** What is compared of a report, whatever it is of. */
export interface Compared {
  readonly target: string;
  /** Start time, RFC 3339. */
  readonly startedAt: string;
  readonly verdict: { readonly kind: string; readonly sentence: string };
  readonly outcomes: OutcomeCounts;
  /** Ok responses, from the intended time to the end of the response, by the name of the group. */
  readonly latencies: Readonly<Record<string, Histogram>>;
  /** Requests lost, by cause; empty for a run, which knows none. */
  readonly causes: Readonly<Record<string, number>>;
  /** Pods that showed each hazard, whether or not it counts. */
  readonly hazards: Readonly<Record<string, number>>;
  /** The least margins, in ms; null: not seen. */
  readonly margins: Readonly<Record<string, number | null>>;
}

/** Two counts, each out of all requests of its report. */
interface CountComparison extends Sides<number> {
  readonly name: string;
  readonly isMoreThanNoise: boolean;
}

interface PercentileComparison extends Sides<PercentileRange | null> {
  readonly group: string;
  readonly percentile: number;
  readonly isMoreThanNoise: boolean;
}

/** Two reports side by side. */
export interface Comparison {
  readonly kind: 'run' | 'proof';
  readonly target: Sides<string>;
  readonly startedAt: Sides<string>;
  readonly verdict: Sides<Compared['verdict']>;
  readonly requests: Sides<number>;
  /** Of each figure by itself, from 0 to 1. */
  readonly confidence: number;
  readonly lost: CountComparison;
  readonly outcomes: readonly CountComparison[];
  readonly causes: readonly CountComparison[];
  readonly latencies: readonly PercentileComparison[];
  readonly hazards: readonly (Sides<number> & { readonly name: string })[];
  readonly margins: readonly (Sides<number | null> & { readonly name: string })[];
}

const PERCENTILES = [50, 90, 99, 99.9];

/** Pure. */
export function compare(kind: Comparison['kind'], old: Compared, now: Compared): Comparison {
  const [before, after] = [countOutcomes(old.outcomes), countOutcomes(now.outcomes)];
  const toCount = (name: string, a: number, b: number): CountComparison => ({
    name,
    old: a,
    new: b,
    isMoreThanNoise: isShareApart({ count: a, of: before.total }, { count: b, of: after.total }),
  });
  const toCounts = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) =>
    toKeys(a, b).map((name) => toCount(name, a[name] ?? 0, b[name] ?? 0));
  return {
    kind,
    target: { old: old.target, new: now.target },
    startedAt: { old: old.startedAt, new: now.startedAt },
    verdict: { old: old.verdict, new: now.verdict },
    requests: { old: before.total, new: after.total },
    confidence: CONFIDENCE,
    lost: toCount('lost', before.lost, after.lost),
    outcomes: toCounts(
      Object.fromEntries(outcomeEntries(old.outcomes)),
      Object.fromEntries(outcomeEntries(now.outcomes)),
    ),
    causes: toCounts(old.causes, now.causes),
    latencies: toKeys(old.latencies, now.latencies).flatMap((group) => {
      const [a, b] = [old.latencies[group], now.latencies[group]];
      if (a === undefined || b === undefined) return [];
      return PERCENTILES.map((percentile) => ({
        group,
        percentile,
        old: toPercentileRange(a, percentile, CONFIDENCE),
        new: toPercentileRange(b, percentile, CONFIDENCE),
        isMoreThanNoise: isPercentileApart(a, b, percentile),
      }));
    }),
    hazards: toKeys(old.hazards, now.hazards).map((name) => ({
      name,
      old: old.hazards[name] ?? 0,
      new: now.hazards[name] ?? 0,
    })),
    margins: toKeys(old.margins, now.margins).map((name) => ({
      name,
      old: old.margins[name] ?? null,
      new: now.margins[name] ?? null,
    })),
  };
}

/** The keys of both, in their order. */
function toKeys(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

/** What two runs must have in common, by what it is called. */
function toRunSetup({ setup }: Report): Readonly<Record<string, unknown>> {
  const { endpoints, model, freshShare, timeoutMs } = setup;
  const isSteady = model.kind === 'open' && model.stages.length === 1;
  return {
    endpoints: endpoints.map(({ method, path, weight }) => `${method} ${path} ${weight}`),
    // How long a steady load goes on changes no share and no percentile.
    load: isSteady
      ? model.stages.map(({ fromRate, toRate }) => ({ fromRate, toRate }))
      : model.kind === 'closed'
        ? { users: model.connections }
        : model.stages,
    'share of fresh connections': freshShare,
    deadline: timeoutMs,
  };
}

/**
 * @param names of the two files, for the fault's message
 * @throws {Fault} that names what differs, where the two cannot be compared
 */
export function checkComparable(
  old: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
  names: Sides<string>,
): void {
  for (const what of Object.keys(old)) {
    if (isDeepStrictEqual(old[what], now[what])) continue;
    const [a, b] = [old[what], now[what]].map((value) => JSON.stringify(value));
    throw new Fault(
      `${names.old} and ${names.new} cannot be compared: they differ in ${what}: ${a} and ${b}`,
    );
  }
}

/** @throws {Fault} where the two cannot be compared */
export function compareRuns(old: Report, now: Report, names: Sides<string>): Comparison {
  for (const [{ shards }, name] of [
    [old, names.old],
    [now, names.new],
  ] as const) {
    if (shards.of > 1 && !shards.isMerged) {
      throw new Fault(`${name} is one part of ${shards.of}: merge them first, with dropless merge --json`);
    }
  }
  checkComparable(toRunSetup(old), toRunSetup(now), names);
  return compare('run', toComparedRun(old), toComparedRun(now));
}

function toComparedRun(report: Report): Compared {
  const { record, setup, startedAt, durationMs } = report;
  const { verdict } = toFindings(report);
  const measured = (cells: typeof record.cells) => toMetricSource(cells, durationMs).measured.response;
  const byEndpoint = setup.endpoints.map(
    ({ name }, at) => [name, measured(record.cells.filter(({ endpoint }) => endpoint === at))] as const,
  );
  return {
    target: setup.target,
    startedAt,
    verdict: { kind: verdict.kind, sentence: verdict.sentence },
    outcomes: toMetricSource(record.cells, durationMs).all.outcomes,
    latencies: {
      all: measured(record.cells),
      ...(byEndpoint.length > 1 ? Object.fromEntries(byEndpoint) : {}),
    },
    causes: {},
    hazards: {},
    margins: {},
  };
}

/** What the figures are, and how far they can be trusted. */
const NOISE_NOTE = `More than noise: at ${100 * CONFIDENCE} % confidence, such requests differ, and the figure not only by chance. That takes requests to be independent of each other; one pause of a pod delays many, so repeat a run before you believe a small difference.`;

/** For terminal, page and job summary. */
export function toComparisonTables(comparison: Comparison): Table[] {
  const { verdict, requests, lost, outcomes, causes, latencies, hazards, margins } = comparison;
  const counted = (title: string, column: string, counts: readonly CountComparison[]): Table => ({
    title,
    note: null,
    columns: [column, 'Old', 'New', 'Old share', 'New share', 'More than noise'],
    rows: counts.map((count) => [
      count.name,
      ...[count.old, count.new].map(formatCount),
      ...[toShare(count.old, requests.old), toShare(count.new, requests.new)],
      toYesNo(count.isMoreThanNoise),
    ]),
  });
  return [
    {
      title: 'Verdicts',
      note: null,
      columns: ['Report', 'Started', 'Target', 'Verdict'],
      rows: (['old', 'new'] as const).map((which) => [
        which,
        comparison.startedAt[which],
        comparison.target[which],
        verdict[which].sentence,
      ]),
    },
    counted('Outcomes', 'Outcome', [...outcomes, lost]),
    ...(causes.length === 0 ? [] : [counted('Losses', 'Cause', causes)]),
    {
      title: 'Latency',
      note: `Ok responses, from the intended time to the end of the response, and in which range the percentile lies. ${NOISE_NOTE}`,
      columns: [
        'Requests',
        'Percentile',
        'Old',
        'Old range',
        'New',
        'New range',
        'Difference',
        'More than noise',
      ],
      rows: latencies
        .filter((each) => each.old !== null || each.new !== null)
        .map((each) => [
          each.group,
          `p${each.percentile}`,
          ...[each.old, each.new].flatMap((range) => [formatMs(range?.ms ?? null), formatRange(range)]),
          toDifference(each.old?.ms ?? null, each.new?.ms ?? null),
          toYesNo(each.isMoreThanNoise),
        ]),
    },
    ...(hazards.length === 0
      ? []
      : [
          {
            title: 'Hazards',
            note: 'How many pods showed it, over all proofs.',
            columns: ['Hazard', 'Old', 'New'],
            rows: hazards.map((each) => [each.name, formatCount(each.old), formatCount(each.new)]),
          },
        ]),
    ...(margins.length === 0
      ? []
      : [
          {
            title: 'Margins',
            note: 'The least over all pods.',
            columns: ['Margin', 'Old', 'New', 'Difference'],
            rows: margins.map((each) => [
              each.name,
              formatMs(each.old),
              formatMs(each.new),
              toDifference(each.old, each.new),
            ]),
          },
        ]),
  ];
}

function toShare(count: number, of: number): string {
  return of === 0 ? '-' : formatPercent(count / of);
}

function toYesNo(isYes: boolean): string {
  return isYes ? 'yes' : 'no';
}

function formatRange(range: PercentileRange | null): string {
  if (range === null) return '-';
  return range.mostMs === null
    ? `${formatMs(range.leastMs)} or more`
    : `${formatMs(range.leastMs)} to ${formatMs(range.mostMs)}`;
}

/** `+1.2 ms (+12%)`. */
function toDifference(oldMs: number | null, newMs: number | null): string {
  if (oldMs === null || newMs === null) return '-';
  if (oldMs === newMs) return formatMs(0);
  const sign = newMs < oldMs ? '-' : '+';
  const by = Math.abs(newMs - oldMs);
  return `${sign}${formatMs(by)}${oldMs === 0 ? '' : ` (${sign}${formatFixed((100 * by) / oldMs, 0)}%)`}`;
}

/** One sentence: what has become of the losses, and where latencies differ by more than noise. */
export function summarize({ lost, requests, latencies }: Comparison): string {
  const share = (which: 'old' | 'new') => `${formatCount(lost[which])} of ${formatCount(requests[which])}`;
  const moved = latencies.flatMap((each) =>
    each.isMoreThanNoise && each.old !== null && each.new !== null
      ? [`p${each.percentile} of ${each.group} ${each.new.ms > each.old.ms ? 'rose' : 'fell'}`]
      : [],
  );
  const isSame = lost.old * requests.new === lost.new * requests.old;
  const chance = isSame || lost.isMoreThanNoise ? '' : ', a difference that may be chance';
  return `Lost ${share('old')} before and ${share('new')} now${chance}. ${moved.length === 0 ? 'No latency differs by more than noise' : `By more than noise, ${moved.join(', ')}`}.`;
}

/** The comparison as one line of JSON. */
export function formatComparisonJson(comparison: Comparison): string {
  return `${JSON.stringify({ schema: COMPARISON_SCHEMA, ...comparison })}\n`;
}

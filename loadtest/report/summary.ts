import type { Histogram } from '../load/histogram.ts';
import { countOutcomes, type OutcomeCounts, sumCells, type Tally } from '../load/record.ts';
import { toMetricSource } from './metric.ts';
import type { Report } from './report.ts';
import { judgeRequirements, parseRequirement, type RequirementResult } from './requirement.ts';
import { judge, type RunVerdict } from './verdict.ts';

/** Times in ms; null where nothing was measured. */
export interface LatencySummary {
  readonly count: number;
  readonly averageMs: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
}

interface GroupSummary {
  readonly name: string;
  readonly requests: number;
  readonly notOk: number;
  readonly lost: number;
  /** Of the ok responses, warm-up included. */
  readonly response: LatencySummary;
}

interface EndpointSummary extends GroupSummary {
  /** Exact sum over all requests, failed ones included, measured from the intended time. */
  readonly totalDurationMs: number;
  /** According to the target's own histogram. */
  readonly serverAverageMs: number | null;
}

/** The figures derived from a report. */
export interface Summary {
  readonly outcomes: OutcomeCounts;
  readonly requests: number;
  readonly notOk: number;
  readonly lost: number;
  /** Ok responses per second. */
  readonly ratePerSecond: number;
  /** Excluding the warm-up; `failed` is the response time of requests that were not ok. */
  readonly latency: Readonly<Record<'response' | 'service' | 'lag' | 'failed', LatencySummary>>;
  readonly endpoints: readonly EndpointSummary[];
  readonly phases: readonly GroupSummary[];
  readonly versions: readonly GroupSummary[];
  readonly requirements: readonly RequirementResult[];
}

export interface RunFindings {
  readonly summary: Summary;
  readonly verdict: RunVerdict;
}

export function toFindings(report: Report): RunFindings {
  const { record, setup, durationMs, shards } = report;
  const source = toMetricSource(record.cells, durationMs);
  const { all, measured } = source;
  const counts = countOutcomes(all.outcomes);
  const requirements = judgeRequirements(
    report.requirements.map(parseRequirement),
    record,
    setup.endpoints.map(({ name }) => name),
    durationMs,
  );

  const summary: Summary = {
    outcomes: all.outcomes,
    requests: counts.total,
    notOk: counts.notOk,
    lost: counts.lost,
    ratePerSecond: durationMs === 0 ? 0 : (1_000 * (counts.total - counts.notOk)) / durationMs,
    latency: {
      response: toLatencySummary(measured.response),
      service: toLatencySummary(measured.service),
      lag: toLatencySummary(measured.lag),
      failed: toLatencySummary(measured.failed),
    },
    endpoints: setup.endpoints.map(({ name }, endpoint) => {
      const tally = sumCells(record.cells.filter((cell) => cell.endpoint === endpoint));
      const group = toGroup(name, tally);
      const totalDurationMs = tally.response.sumMs + tally.failed.sumMs;
      const server = report.server?.find((latency) => latency.endpoint === endpoint);
      return {
        ...group,
        totalDurationMs,
        serverAverageMs: server === undefined ? null : toNullable(server.sumMs / server.count),
      };
    }),
    phases: record.phases.map(({ name }) =>
      toGroup(name, sumCells(record.cells.filter(({ phase }) => phase === name))),
    ),
    versions: [...new Set(record.cells.map(({ version }) => version))].map((version) =>
      toGroup(version ?? '(unknown)', sumCells(record.cells.filter((cell) => cell.version === version))),
    ),
    requirements,
  };

  const verdict = judge({
    outcomes: all.outcomes,
    ledgerFault: report.ledgerFault ?? toLedgerFault(report, counts.total),
    requirements,
    lagP99Ms: measured.lag.percentileMs(99),
    responseP50Ms: measured.response.percentileMs(50),
    isInterrupted: report.isInterrupted,
    shards,
  });
  return { summary, verdict };
}

/** The last check of the ledger, over what is in the report itself. */
function toLedgerFault({ record: { planned, sent, settled } }: Report, counted: number): string | null {
  if (planned === settled && settled === counted && sent <= planned) return null;
  return `planned ${planned}, sent ${sent}, settled ${settled}, counted ${counted}`;
}

function toGroup(name: string, tally: Tally): GroupSummary {
  const { total, notOk, lost } = countOutcomes(tally.outcomes);
  return { name, requests: total, notOk, lost, response: toLatencySummary(tally.response) };
}

export function toLatencySummary(histogram: Histogram): LatencySummary {
  const at = (percentile: number) => toNullable(histogram.percentileMs(percentile));
  return {
    count: histogram.count,
    averageMs: toNullable(histogram.averageMs),
    p50Ms: at(50),
    p90Ms: at(90),
    p95Ms: at(95),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: histogram.count === 0 ? null : histogram.maxMs,
  };
}

function toNullable(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

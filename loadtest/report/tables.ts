import { formatCount, formatFixed, formatMs, formatPercent } from '../cli/format.ts';
import { CONNECTION_ENDINGS, endingEntries } from '../engine/connection-ledger.ts';
import { isLost, OUTCOME_KINDS, type Outcome } from '../engine/outcome.ts';
import { type LoadRecord, outcomeEntries } from '../load/record.ts';
import type { Report } from './report.ts';
import type { LatencySummary, RunFindings, Summary } from './summary.ts';

/** One table of a report, for both terminal and page. The first column is text, the others are figures. */
export interface Table {
  readonly title: string;
  /** What the figures are, where the title does not say. */
  readonly note: string | null;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function toTables(report: Report, { summary }: RunFindings): readonly Table[] {
  return [
    toEndpointTable(summary),
    toLatencyTable(report, summary),
    toOutcomeTable(summary),
    toConnectionTable(report.record),
    ...(summary.phases.length > 1 ? [toGroupTable('Phases', 'Phase', summary.phases)] : []),
    ...(summary.versions.length > 1 ? [toGroupTable('Versions', 'Version', summary.versions)] : []),
    ...(summary.requirements.length > 0 ? [toRequirementTable(summary)] : []),
    ...(report.failures.length > 0 ? [toFailureTable(report)] : []),
  ];
}

function toEndpointTable({ endpoints, requests, notOk, lost }: Summary): Table {
  const hasServer = endpoints.some(({ serverAverageMs }) => serverAverageMs !== null);
  const toRow = (
    row: Pick<(typeof endpoints)[number], 'name' | 'requests' | 'totalDurationMs' | 'notOk' | 'lost'> & {
      server: number | null;
    },
  ) => [
    row.name,
    formatCount(row.requests),
    formatFixed(row.totalDurationMs, 1),
    formatFixed(row.requests === 0 ? null : row.totalDurationMs / row.requests, 3),
    ...(hasServer ? [formatFixed(row.server, 3)] : []),
    ...(notOk > 0 ? [formatCount(row.notOk), formatCount(row.lost)] : []),
  ];
  const totalDurationMs = endpoints.reduce((sum, endpoint) => sum + endpoint.totalDurationMs, 0);
  return {
    title: 'Endpoints',
    note: 'From the intended time to the end, failures and warm-up included.',
    columns: [
      'Endpoint',
      'RequestCount',
      'TotalDuration(ms)',
      'AverageLatency(ms)',
      ...(hasServer ? ['ServerAverage(ms)'] : []),
      ...(notOk > 0 ? ['NotOk', 'Lost'] : []),
    ],
    rows: [
      ...endpoints.map((endpoint) => toRow({ ...endpoint, server: endpoint.serverAverageMs })),
      ...(endpoints.length > 1
        ? [toRow({ name: 'Total', requests, totalDurationMs, notOk, lost, server: null })]
        : []),
    ],
  };
}

const LATENCY_ROWS: readonly (readonly [keyof Summary['latency'], string])[] = [
  ['response', 'Response'],
  ['service', 'Service'],
  ['lag', 'Generator lag'],
  ['failed', 'Failures'],
];

function toLatencyTable({ record }: Report, { latency }: Summary): Table {
  const left = record.phases.length > 1 ? ' The warm-up is left out.' : '';
  return {
    title: 'Latency',
    note: `Response: intended time to end. Service: write to end. Lag: intended time to write, without the time to open a connection.${left}`,
    columns: ['Latency', 'Count', 'Average', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'Max'],
    rows: LATENCY_ROWS.filter(([key]) => latency[key].count > 0).map(([key, name]) => [
      name,
      formatCount(latency[key].count),
      ...toFigures(latency[key]),
    ]),
  };
}

function toFigures({ averageMs, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs }: LatencySummary): string[] {
  return [averageMs, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs].map(formatMs);
}

export function toOutcomeTable({ outcomes, requests }: Pick<Summary, 'outcomes' | 'requests'>): Table {
  const byCount = outcomeEntries(outcomes).sort(([, a], [, b]) => b - a);
  return {
    title: 'Outcomes',
    note: null,
    columns: ['Outcome', 'Requests', 'Share', 'Lost', 'Meaning'],
    rows: byCount.map(([outcome, count]) => [
      outcome,
      formatCount(count),
      formatPercent(count / requests),
      isLost(outcome) ? 'yes' : 'no',
      meaningOf(outcome),
    ]),
  };
}

export function toConnectionTable({
  connections: { tried, endings },
}: Pick<LoadRecord, 'connections'>): Table {
  return {
    title: 'Connections',
    note: null,
    columns: ['Ending', 'Connections', 'Share', 'Meaning'],
    rows: endingEntries(endings)
      .sort(([, a], [, b]) => b - a)
      .map(([ending, count]) => [
        ending,
        formatCount(count),
        formatPercent(count / tried),
        CONNECTION_ENDINGS[ending].meaning,
      ]),
  };
}

function meaningOf(outcome: Outcome): string {
  return OUTCOME_KINDS[outcome.startsWith('http_') ? 'http_CODE' : (outcome as keyof typeof OUTCOME_KINDS)]
    .meaning;
}

function toGroupTable(title: string, column: string, groups: Summary['phases']): Table {
  return {
    title,
    note: null,
    columns: [column, 'Requests', 'NotOk', 'Lost', 'Average', 'p50', 'p99', 'Max'],
    rows: groups.map(({ name, requests, notOk, lost, response }) => [
      name,
      ...[requests, notOk, lost].map(formatCount),
      ...[response.averageMs, response.p50Ms, response.p99Ms, response.maxMs].map(formatMs),
    ]),
  };
}

export function toRequirementTable({ requirements }: Pick<Summary, 'requirements'>): Table {
  return {
    title: 'Requirements',
    note: null,
    columns: ['Required', 'Measured', 'State'],
    rows: requirements.map(({ text, actual, unit, state }) => [text, formatMetric(actual, unit), state]),
  };
}

/** A figure with its unit; `-` where there is none. */
export function formatMetric(actual: number | null, unit: Summary['requirements'][number]['unit']): string {
  if (actual === null) return '-';
  if (unit === 'time') return formatMs(actual);
  if (unit === 'percent') return formatPercent(actual / 100);
  return unit === 'count' ? formatCount(actual) : `${formatFixed(actual, 1)}/s`;
}

function toFailureTable({ failures, setup }: Report): Table {
  return {
    title: 'Failures',
    note: `The first of each outcome in the order of the plan, ${formatCount(failures.length)} in all. Times are since the start.`,
    columns: [
      'Request',
      'Endpoint',
      'Outcome',
      'Due',
      'Took',
      'Phase',
      'Connection',
      'Idle',
      'Received',
      'Pod',
      'Version',
      'Detail',
      'Trace',
    ],
    rows: failures.map((failure) => [
      String(failure.index),
      setup.endpoints[failure.endpoint]?.name ?? '',
      failure.outcome,
      `${formatFixed(failure.intendedMs / 1_000, 3)} s`,
      formatMs(failure.endMs - failure.intendedMs),
      failure.phase === failure.endPhase ? failure.phase : `${failure.phase} to ${failure.endPhase}`,
      failure.connection === null || failure.connection.requests === 0
        ? '-'
        : failure.connection.reused
          ? `reused, aged ${formatMs(failure.connection.ageMs)}`
          : 'fresh',
      failure.connection?.reused === true ? formatMs(failure.connection.idleMs) : '-',
      `${formatCount(failure.bytesReceived)} B`,
      failure.pod ?? '-',
      failure.version ?? '-',
      failure.detail ?? '-',
      failure.traceId ?? '-',
    ]),
  };
}

/** A table as text in columns: text flush left, figures flush right. */
export function formatTable({ columns, rows }: Table): string {
  const isText = columns.map((_, at) => at === 0 || rows.some((row) => /^[a-z]/i.test(row[at] ?? '')));
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  return [columns, ...rows]
    .map((row) =>
      row
        .map((cell, at) => (isText[at] ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

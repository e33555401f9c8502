import type { Histogram } from '../load/histogram.ts';
import { type Cell, countOutcomes, sumCells, type Tally } from '../load/record.ts';

/** The phase in which target and generator warm up: counted in the ledger, left out of the latencies. */
export const WARMUP = 'warmup';

/** What the figures are read from: the requests of one endpoint or phase, or all. */
export interface MetricSource {
  /** Every request, warm-up included. */
  readonly all: Tally;
  /** Excluding the warm-up. */
  readonly measured: Tally;
  /** Over the whole run. */
  readonly durationMs: number;
}

export function toMetricSource(cells: readonly Cell[], durationMs: number): MetricSource {
  return {
    all: sumCells(cells),
    measured: sumCells(cells.filter(({ phase }) => phase !== WARMUP)),
    durationMs,
  };
}

export type Unit = 'count' | 'percent' | 'perSecond' | 'time';

export interface Metric {
  readonly unit: Unit;
  readonly meaning: string;
  /** NaN where there is nothing to measure. Times in ms. */
  read(source: MetricSource): number;
}

const share = (part: number, whole: number) => (100 * part) / whole;

const FIXED_METRICS: Readonly<Record<string, Metric>> = {
  lost: {
    unit: 'count',
    meaning: 'requests lost, warm-up included',
    read: ({ all }) => countOutcomes(all.outcomes).lost,
  },
  lost_share: {
    unit: 'percent',
    meaning: 'share of all requests that were lost',
    read: ({ all }) => share(countOutcomes(all.outcomes).lost, countOutcomes(all.outcomes).total),
  },
  failed: {
    unit: 'count',
    meaning: 'requests that were not ok: the lost ones and the other 4xx and 3xx, warm-up included',
    read: ({ all }) => countOutcomes(all.outcomes).notOk,
  },
  failed_share: {
    unit: 'percent',
    meaning: 'share of all requests that were not ok',
    read: ({ all }) => share(countOutcomes(all.outcomes).notOk, countOutcomes(all.outcomes).total),
  },
  requests: {
    unit: 'count',
    meaning: 'requests planned, warm-up included',
    read: ({ all }) => countOutcomes(all.outcomes).total,
  },
  rate: {
    unit: 'perSecond',
    meaning: 'ok responses per second of the whole run',
    read: ({ all, durationMs }) => (1_000 * (all.outcomes.ok ?? 0)) / durationMs,
  },
};

const LATENCIES = {
  response: { prefix: '', meaning: 'from the intended time to the end of the response, for ok responses' },
  service: { prefix: 'service_', meaning: 'from the write to the end of the response, for ok responses' },
  lag: {
    prefix: 'lag_',
    meaning:
      'from the intended time to the write, less the time to open a connection, for all requests written',
  },
} as const satisfies Partial<Record<keyof Tally, { prefix: string; meaning: string }>>;

const STATISTICS = {
  pN: 'the N-th percentile, for example p50, p99 or p99.9',
  average: 'the exact average',
  max: 'the exact maximum',
} as const;

/** The metric of that name; null: there is none. Percentiles such as `p99` are made on demand. */
export function findMetric(name: string): Metric | null {
  const fixed = Object.hasOwn(FIXED_METRICS, name) ? FIXED_METRICS[name] : undefined;
  if (fixed !== undefined) return fixed;
  for (const [latency, { prefix, meaning }] of Object.entries(LATENCIES)) {
    const read = name.startsWith(prefix) ? toStatistic(name.slice(prefix.length)) : null;
    if (read === null) continue;
    return {
      unit: 'time',
      meaning,
      read: ({ measured }) => read(measured[latency as keyof typeof LATENCIES]),
    };
  }
  return null;
}

function toStatistic(name: string): ((histogram: Histogram) => number) | null {
  if (name === 'average') return (histogram) => histogram.averageMs;
  if (name === 'max') return (histogram) => (histogram.count === 0 ? Number.NaN : histogram.maxMs);
  const percentile = Number(/^p(\d{1,2}(?:\.\d+)?|100)$/.exec(name)?.[1] ?? Number.NaN);
  return percentile > 0 ? (histogram) => histogram.percentileMs(percentile) : null;
}

/** All metrics by name, for help and docs. */
export function listMetrics(): readonly { name: string; unit: Unit; meaning: string }[] {
  return [
    ...Object.entries(FIXED_METRICS).map(([name, { unit, meaning }]) => ({ name, unit, meaning })),
    ...Object.values(LATENCIES).flatMap(({ prefix, meaning }) =>
      Object.entries(STATISTICS).map(([name, statistic]) => ({
        name: `${prefix}${name}`,
        unit: 'time' as const,
        meaning: `${statistic}: ${meaning}; without the warm-up`,
      })),
    ),
  ];
}

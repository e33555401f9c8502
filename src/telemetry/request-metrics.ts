import { type Family, toFamilyHead, toLabels } from './exposition.ts';

/** Upper bounds of the duration buckets, in seconds: microseconds for inline handlers, seconds for the pool. */
const BUCKETS_SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10] as const;

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'other'] as const;
const STATUS_CLASSES = ['2xx', '4xx', '5xx'] as const;
const SERIES_PER_ROUTE = METHODS.length * STATUS_CLASSES.length;

/** Class of an HTTP status code. No route answers with 3xx. */
type StatusClass = (typeof STATUS_CLASSES)[number];

const REQUESTS: Family = {
  name: 'http_requests_total',
  type: 'counter',
  help: 'Requests answered, by route template, method and status class.',
};
const DURATION: Family = {
  name: 'http_request_duration_seconds',
  type: 'histogram',
  help: 'Time from a request to its finished answer, for GET and HEAD and the statuses that a route answers by design.',
};

/** A route template, and the classes of status its handler answers by design: they get a histogram. */
export interface MeasuredRoute {
  readonly path: string;
  readonly answers: readonly StatusClass[];
}

/** Requests answered, by status class. */
export type RequestTotals = Readonly<Record<StatusClass | 'total', number>>;

export interface RequestMetrics {
  /**
   * Counts one answered request.
   *
   * @param route index into the routes given at creation; their number stands for "no route".
   * @param status HTTP status code, 200 to 599 without the 3xx.
   */
  observe(route: number, method: string, status: number, durationMs: number): void;
  totals(): RequestTotals;
  /** The families of requests, as exposition text. Series that have not changed since are not formatted anew. */
  render(): string;
}

/**
 * Counters and duration histograms in plain arrays. All series exist from the start: whatever a client sends
 * falls into one of them, so no client can add a series.
 */
export function createRequestMetrics(routes: readonly MeasuredRoute[]): RequestMetrics {
  const seriesCount = (routes.length + 1) * SERIES_PER_ROUTE;
  const cells = BUCKETS_SECONDS.length + 1;
  const boundsMs = Float64Array.from(BUCKETS_SECONDS, (seconds) => seconds * 1000);

  const counts = new Float64Array(seriesCount);
  const sumsMs = new Float64Array(seriesCount);
  const buckets = new Float64Array(seriesCount * cells);

  const labels: string[] = [];
  const timed: number[] = [];
  for (const { path, answers } of [...routes, { path: 'unmatched', answers: [] }]) {
    for (const method of METHODS) {
      for (const status of STATUS_CLASSES) {
        if (answers.includes(status) && (method === 'GET' || method === 'HEAD')) timed.push(labels.length);
        labels.push(toLabels({ route: path, method, status }).slice(1, -1));
      }
    }
  }

  // Formatting numbers is what a scrape costs: a text is kept until its series is observed again.
  const counterTexts = labels.map((_, series) => toCounterText(series));
  const histogramTexts = timed.map(toHistogramText);
  const changed = new Uint8Array(seriesCount);
  const counterHead = toFamilyHead(REQUESTS);
  const histogramHead = toFamilyHead(DURATION);

  function toCounterText(series: number): string {
    return ['http_requests_total{', labels[series], '} ', counts[series], '\n'].join('');
  }

  function toHistogramText(series: number): string {
    const label = labels[series];
    const lines: string[] = [];
    let cumulative = 0;
    for (let cell = 0; cell < cells; cell++) {
      cumulative += buckets[series * cells + cell] ?? 0;
      const bound = BUCKETS_SECONDS[cell] ?? '+Inf';
      lines.push(`http_request_duration_seconds_bucket{${label},le="${bound}"} ${cumulative}\n`);
    }
    lines.push(
      `http_request_duration_seconds_sum{${label}} ${(sumsMs[series] ?? 0) / 1000}\n`,
      `http_request_duration_seconds_count{${label}} ${cumulative}\n`,
    );
    // Joined, not added up: an addition is only noted by the engine, and worked out again at every scrape.
    return lines.join('');
  }

  return {
    observe(route, method, status, durationMs) {
      const methodIndex = method === 'GET' ? 0 : method === 'HEAD' ? 1 : method === 'OPTIONS' ? 2 : 3;
      const statusIndex = status < 400 ? 0 : status < 500 ? 1 : 2;
      const series = route * SERIES_PER_ROUTE + methodIndex * STATUS_CLASSES.length + statusIndex;
      let cell = 0;
      while (cell < boundsMs.length && durationMs > (boundsMs[cell] as number)) cell++;
      counts[series] = (counts[series] as number) + 1;
      sumsMs[series] = (sumsMs[series] as number) + durationMs;
      buckets[series * cells + cell] = (buckets[series * cells + cell] as number) + 1;
      changed[series] = 1;
    },

    totals() {
      const byClass = STATUS_CLASSES.map((_, index) =>
        counts.reduce(
          (sum, count, series) => (series % STATUS_CLASSES.length === index ? sum + count : sum),
          0,
        ),
      );
      const [ok = 0, refused = 0, failed = 0] = byClass;
      return { total: ok + refused + failed, '2xx': ok, '4xx': refused, '5xx': failed };
    },

    render() {
      for (let index = 0; index < timed.length; index++) {
        const series = timed[index] as number;
        if (changed[series] === 1) histogramTexts[index] = toHistogramText(series);
      }
      for (let series = 0; series < seriesCount; series++) {
        if (changed[series] === 1) counterTexts[series] = toCounterText(series);
      }
      changed.fill(0);
      return counterHead + counterTexts.join('') + histogramHead + histogramTexts.join('');
    },
  };
}

import { type Family, toFamilyHead, toLabels } from './exposition.ts';

/**
 * Upper bounds of the duration buckets, in seconds. The first ones resolve the inline handlers, which take
 * microseconds; the last ones, a payload that waits for a worker.
 */
const BUCKETS_SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5] as const;

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'other'] as const;
const STATUS_CLASSES = ['2xx', '4xx', '5xx'] as const;
const HANDLED_METHODS = 2; // GET and HEAD reach a handler; the router answers the rest by itself

const REQUESTS: Family = {
  name: 'http_requests_total',
  type: 'counter',
  help: 'Requests answered, by route template, method and status class.',
};
const DURATION: Family = {
  name: 'http_request_duration_seconds',
  type: 'histogram',
  help: 'Time from the request to its finished answer, for requests that reached the handler of a route.',
};

/** Requests answered, by status class. */
export interface RequestTotals {
  readonly total: number;
  readonly '2xx': number;
  readonly '4xx': number;
  readonly '5xx': number;
}

export interface RequestMetrics {
  /**
   * Counts one answered request.
   *
   * @param route index into the routes given at creation; their number stands for "no route".
   * @param status HTTP status code, 200 to 599, without the 3xx that no route answers.
   */
  observe(route: number, method: string, status: number, durationMs: number): void;
  totals(): RequestTotals;
  /** The families of requests, as exposition text. Series that have not changed since are not formatted anew. */
  render(): string;
}

/**
 * Counters and duration histograms in plain arrays. All series exist from the start: whatever a client sends
 * falls into one of them, so no client can add a series.
 *
 * @param routes the route templates, in the order of their indexes.
 */
export function createRequestMetrics(routes: readonly string[]): RequestMetrics {
  const labelled = [...routes, 'unmatched'];
  const perRoute = METHODS.length * STATUS_CLASSES.length;
  const seriesCount = labelled.length * perRoute;
  const cells = BUCKETS_SECONDS.length + 1;
  const boundsMs = Float64Array.from(BUCKETS_SECONDS, (seconds) => seconds * 1000);

  const counts = new Float64Array(seriesCount);
  const sumsMs = new Float64Array(seriesCount);
  const buckets = new Float64Array(seriesCount * cells);

  const labels: string[] = labelled.flatMap((route) =>
    METHODS.flatMap((method) =>
      STATUS_CLASSES.map((status) => toLabels({ route, method, status }).slice(1, -1)),
    ),
  );
  const isTimed = (series: number) =>
    series < routes.length * perRoute && (series % perRoute) / STATUS_CLASSES.length < HANDLED_METHODS;
  const timed = labels.map((_, series) => series).filter(isTimed);

  // Formatting numbers is what a scrape costs: each series keeps its text until it is observed again.
  const counterTexts: string[] = labels.map((_, series) => counterText(series));
  const histogramTexts: string[] = labels.map((_, series) => (isTimed(series) ? histogramText(series) : ''));
  const changed = new Uint8Array(seriesCount);
  const counterHead = toFamilyHead(REQUESTS);
  const histogramHead = toFamilyHead(DURATION);

  function counterText(series: number): string {
    return `http_requests_total{${labels[series]}} ${counts[series]}\n`;
  }

  function histogramText(series: number): string {
    const label = labels[series];
    let text = '';
    let cumulative = 0;
    for (let cell = 0; cell < cells; cell++) {
      cumulative += buckets[series * cells + cell] ?? 0;
      const bound = BUCKETS_SECONDS[cell] ?? '+Inf';
      text += `http_request_duration_seconds_bucket{${label},le="${bound}"} ${cumulative}\n`;
    }
    text += `http_request_duration_seconds_sum{${label}} ${(sumsMs[series] ?? 0) / 1000}\n`;
    return `${text}http_request_duration_seconds_count{${label}} ${cumulative}\n`;
  }

  return {
    observe(route, method, status, durationMs) {
      const methodIndex = method === 'GET' ? 0 : method === 'HEAD' ? 1 : method === 'OPTIONS' ? 2 : 3;
      const statusIndex = status < 400 ? 0 : status < 500 ? 1 : 2;
      const series = route * perRoute + methodIndex * STATUS_CLASSES.length + statusIndex;
      let cell = 0;
      while (cell < boundsMs.length && durationMs > (boundsMs[cell] as number)) cell++;
      counts[series] = (counts[series] as number) + 1;
      sumsMs[series] = (sumsMs[series] as number) + durationMs;
      buckets[series * cells + cell] = (buckets[series * cells + cell] as number) + 1;
      changed[series] = 1;
    },

    totals() {
      const sums = [0, 0, 0];
      counts.forEach((count, series) => {
        sums[series % STATUS_CLASSES.length] = (sums[series % STATUS_CLASSES.length] ?? 0) + count;
      });
      const [ok = 0, refused = 0, failed = 0] = sums;
      return { total: ok + refused + failed, '2xx': ok, '4xx': refused, '5xx': failed };
    },

    render() {
      let counters = counterHead;
      for (let series = 0; series < seriesCount; series++) {
        if (changed[series] === 1) {
          counterTexts[series] = counterText(series);
          if (isTimed(series)) histogramTexts[series] = histogramText(series);
          changed[series] = 0;
        }
        counters += counterTexts[series];
      }
      let histograms = histogramHead;
      for (const series of timed) histograms += histogramTexts[series];
      return counters + histograms;
    },
  };
}

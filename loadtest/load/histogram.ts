import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram as HdrHistogram,
} from 'hdr-histogram-js';

/** Values from 1 µs to 1 h, in µs; longer ones count as 1 h in the buckets and as they are in sum and maximum. */
const MAX_US = 3_600_000_000;

/** Significant digits: 3 keep every percentile within 0.1 %, 2 within 1 % at an eighth of the size. */
export type Precision = 2 | 3;

/** As it stands in a report: merging decoded ones loses nothing. */
export interface EncodedHistogram {
  readonly count: number;
  readonly sumUs: number;
  readonly maxUs: number;
  /** HdrHistogram V2, deflated, base64; empty where the count is 0. */
  readonly hdr: string;
}

/** Durations. Sum and maximum are exact to the µs, so that merged parts give the very same averages. */
export interface Histogram {
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
  /** NaN where nothing was recorded. */
  readonly averageMs: number;
  record(ms: number): void;
  add(other: EncodedHistogram): void;
  /** `percentile` from 0 to 100; NaN where nothing was recorded. */
  percentileMs(percentile: number): number;
  reset(): void;
  encode(): EncodedHistogram;
}

/** @throws {RangeError} from `record` for what is no duration; the library takes NaN and never gives it back */
export function createHistogram(precision: Precision): Histogram {
  let sumUs = 0;
  let maxUs = 0;
  // Most histograms of a good run, those of the failures, stay empty: the buckets come with the first value.
  let hdr: HdrHistogram | null = null;
  const buckets = () => {
    hdr ??= build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: MAX_US,
      numberOfSignificantValueDigits: precision,
    });
    return hdr;
  };

  return {
    get count() {
      return hdr?.totalCount ?? 0;
    },
    get sumMs() {
      return sumUs / 1_000;
    },
    get maxMs() {
      return maxUs / 1_000;
    },
    get averageMs() {
      return sumUs / 1_000 / (hdr?.totalCount ?? 0);
    },

    record(ms) {
      if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) throw new RangeError(`${ms} ms is no duration`);
      const us = Math.round(ms * 1_000);
      buckets().recordValue(Math.min(us, MAX_US));
      sumUs += us;
      maxUs = Math.max(maxUs, us);
    },

    add(other) {
      if (other.count === 0) return;
      buckets().add(decodeFromCompressedBase64(other.hdr));
      sumUs += other.sumUs;
      maxUs = Math.max(maxUs, other.maxUs);
    },

    percentileMs(percentile) {
      if (hdr === null || hdr.totalCount === 0) return Number.NaN;
      // A bucket answers with its upper end, which can lie above every value in it.
      return Math.min(hdr.getValueAtPercentile(percentile), maxUs) / 1_000;
    },

    reset() {
      hdr?.reset();
      sumUs = 0;
      maxUs = 0;
    },

    encode() {
      const count = hdr?.totalCount ?? 0;
      return { count, sumUs, maxUs, hdr: hdr === null || count === 0 ? '' : encodeIntoCompressedBase64(hdr) };
    },
  };
}

/** @throws {RangeError} where the buckets do not hold what the count says, or are no histogram at all */
export function decodeHistogram(encoded: EncodedHistogram, precision: Precision): Histogram {
  const histogram = createHistogram(precision);
  histogram.add(encoded);
  if (histogram.count !== encoded.count) {
    throw new RangeError(`a histogram of ${encoded.count} values holds ${histogram.count}`);
  }
  return histogram;
}

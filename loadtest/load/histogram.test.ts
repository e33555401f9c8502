import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createHistogram, decodeHistogram } from './histogram.ts';

const filled = (values: readonly number[]) => {
  const histogram = createHistogram(3);
  for (const ms of values) histogram.record(ms);
  return histogram;
};
const hour = 3_600_000;

describe('createHistogram()', () => {
  test('has no average and no percentiles without values', () => {
    const histogram = createHistogram(3);
    assert.deepEqual([histogram.count, histogram.sumMs, histogram.maxMs], [0, 0, 0]);
    assert.ok(Number.isNaN(histogram.averageMs) && Number.isNaN(histogram.percentileMs(50)));
    assert.deepEqual(histogram.encode(), { count: 0, sumUs: 0, maxUs: 0, hdr: '' });
  });

  test('refuses what is no duration instead of losing it', () => {
    for (const ms of [Number.NaN, -0.001, Number.POSITIVE_INFINITY]) {
      assert.throws(() => createHistogram(3).record(ms), RangeError);
    }
  });

  test('keeps percentiles within 0.1 %, never above the largest value, and exact sums', () => {
    const histogram = filled(Array.from({ length: 10_000 }, (_, index) => index + 1));
    for (const [percentile, exact] of [
      [50, 5_000],
      [99, 9_900],
      [99.9, 9_990],
      [100, 10_000],
    ] as const) {
      const ms = histogram.percentileMs(percentile);
      assert.ok(Math.abs(ms - exact) <= exact / 1_000, `p${percentile} is ${ms}`);
    }
    assert.deepEqual([histogram.sumMs, histogram.maxMs, histogram.averageMs], [50_005_000, 10_000, 5_000.5]);
    assert.equal(filled([1.234_567]).percentileMs(50), 1.235);
    assert.equal(filled([10.001]).percentileMs(99), 10.001, 'not the upper end of its bucket');
  });

  test('holds 0 and more than its largest bucket', () => {
    const histogram = filled([0, 2 * hour]);
    assert.deepEqual([histogram.percentileMs(50), histogram.maxMs], [0, 2 * hour]);
  });

  test('is empty after a reset', () => {
    const histogram = filled([1, 2]);
    histogram.reset();
    assert.deepEqual(histogram.encode(), createHistogram(3).encode());
  });

  test('is the same, bit for bit, whether values came in at once or in parts', () => {
    const values = fc.array(fc.double({ min: 0, max: 2 * hour, noNaN: true }));
    fc.assert(
      fc.property(values, values, (left, right) => {
        const merged = filled(left);
        merged.add(filled(right).encode());
        assert.deepEqual(merged.encode(), filled([...left, ...right]).encode());
      }),
    );
  });
});

describe('decodeHistogram()', () => {
  test('gives back what was encoded', () => {
    const encoded = filled([0, 0.5, 12, hour]).encode();
    assert.deepEqual(decodeHistogram(encoded, 3).encode(), encoded);
  });

  test('refuses a count that the buckets do not bear out, and what is no histogram', () => {
    const encoded = filled([1, 2]).encode();
    assert.throws(() => decodeHistogram({ ...encoded, count: 3 }, 3), RangeError);
    assert.throws(() => decodeHistogram({ ...encoded, hdr: 'AAAA' }, 3));
  });
});

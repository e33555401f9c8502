import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createHistogram, type Histogram } from '../load/histogram.ts';
import { createRandom } from '../load/random.ts';
import { isPercentileApart, isShareApart, toBinomialRange, toPercentileRange } from './noise.ts';

describe('toBinomialRange()', () => {
  for (const [trials, probability, confidence, range] of [
    [0, 0.5, 0.99, [0, 0]],
    [10, 0, 0.99, [0, 0]],
    [10, 1, 0.99, [10, 10]],
    // P(B = 0) = P(B = 1) = 1/2.
    [1, 0.5, 0.99, [0, 1]],
    // scipy.stats.binom.interval
    [100, 0.5, 0.95, [40, 60]],
    [100, 0.5, 0.99, [37, 63]],
    [1_000, 0.99, 0.99, [981, 997]],
    [1_000_000, 0.5, 0.99, [498_712, 501_288]],
  ] as const) {
    test(`${trials} at ${probability}, ${confidence}: ${range.join(' to ')}`, () => {
      assert.deepEqual(toBinomialRange(trials, probability, confidence), range);
    });
  }

  test('holds what it promises', () => {
    for (const [trials, probability] of [
      [20, 0.3],
      [7, 0.9],
      [50, 0.02],
    ] as const) {
      const [least, most] = toBinomialRange(trials, probability, 0.95);
      const mass = (from: number, to: number) => {
        let sum = 0;
        for (let k = from; k <= to; k += 1) sum += binomial(trials, k, probability);
        return sum;
      };
      assert.ok(mass(least, most) >= 0.95);
      assert.ok(mass(0, least - 1) <= 0.025 && mass(0, least) > 0.025, 'no more to the left than needed');
      assert.ok(mass(most + 1, trials) <= 0.025 && mass(most, trials) > 0.025, 'nor to the right');
    }
  });
});

function binomial(trials: number, k: number, probability: number): number {
  let choose = 1;
  for (let i = 1; i <= k; i += 1) choose = (choose * (trials - k + i)) / i;
  return choose * probability ** k * (1 - probability) ** (trials - k);
}

/** Exponential times with this mean. */
function sample(count: number, meanMs: number, random: () => number): Histogram {
  const histogram = createHistogram(3);
  for (let i = 0; i < count; i += 1) histogram.record(-meanMs * Math.log(1 - random()));
  return histogram;
}

describe('toPercentileRange()', () => {
  test('is made of the values themselves', () => {
    const histogram = createHistogram(3);
    for (let ms = 1; ms <= 100; ms += 1) histogram.record(ms);
    const range = toPercentileRange(histogram, 50, 0.95);
    const rounded = range && [range.ms, range.leastMs, range.mostMs ?? 0].map(Math.round);
    assert.deepEqual(rounded, [50, 40, 61]);
  });

  test('has no upper end where the values are too few for one, and is none without values', () => {
    const histogram = createHistogram(3);
    for (let ms = 1; ms <= 100; ms += 1) histogram.record(ms);
    assert.equal(toPercentileRange(histogram, 99.9, 0.99)?.mostMs, null);
    assert.equal(toPercentileRange(createHistogram(3), 50, 0.99), null);
  });

  test('contains the true percentile as often as it says', () => {
    const random = createRandom(7);
    for (const percentile of [50, 90, 99]) {
      const trueMs = -10 * Math.log(1 - percentile / 100);
      let held = 0;
      for (let round = 0; round < 400; round += 1) {
        const range = toPercentileRange(sample(1_000, 10, random), percentile, 0.95);
        // A bucket is 0.1 % wide.
        if (range !== null && range.leastMs <= trueMs * 1.001 && (range.mostMs ?? 1e9) >= trueMs) held += 1;
      }
      assert.ok(held >= 0.93 * 400, `p${percentile}: ${held} of 400`);
    }
  });
});

describe('isPercentileApart()', () => {
  test('seldom calls chance a difference', () => {
    const random = createRandom(8);
    let apart = 0;
    for (let round = 0; round < 300; round += 1) {
      if (isPercentileApart(sample(1_000, 10, random), sample(1_000, 10, random), 99)) apart += 1;
    }
    assert.ok(apart <= 3, `${apart} of 300`);
  });

  test('sees a difference, whichever is the larger, and none where nothing was measured', () => {
    const random = createRandom(9);
    const [slow, fast] = [sample(2_000, 20, random), sample(2_000, 10, random)];
    assert.ok(isPercentileApart(slow, fast, 50));
    assert.ok(isPercentileApart(fast, slow, 50));
    assert.ok(!isPercentileApart(slow, createHistogram(3), 50));
  });
});

describe('isShareApart()', () => {
  for (const [old, now, isApart] of [
    [{ count: 0, of: 1_000 }, { count: 0, of: 1_000 }, false],
    [{ count: 12, of: 1_000 }, { count: 14, of: 1_000 }, false],
    [{ count: 0, of: 1_000 }, { count: 7, of: 1_000 }, false],
    [{ count: 0, of: 1_000 }, { count: 8, of: 1_000 }, true],
    [{ count: 8, of: 1_000 }, { count: 0, of: 1_000 }, true],
    [{ count: 10, of: 1_000 }, { count: 100, of: 10_000 }, false],
    [{ count: 10, of: 1_000 }, { count: 10, of: 100_000 }, true],
    [{ count: 0, of: 0 }, { count: 10, of: 10 }, false],
  ] as const) {
    test(`${old.count} of ${old.of}, then ${now.count} of ${now.of}: ${isApart}`, () => {
      assert.equal(isShareApart(old, now), isApart);
    });
  }
});

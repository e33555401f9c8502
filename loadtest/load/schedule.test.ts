import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSchedule, type Stage } from './schedule.ts';

const stage = (fromRate: number, toRate: number, durationMs: number): Stage => ({
  fromRate,
  toRate,
  durationMs,
});
const times = (...stages: Stage[]) => {
  const schedule = createSchedule(stages);
  return Array.from({ length: schedule.count }, (_, index) => schedule.intendedMsAt(index) ?? Number.NaN);
};

describe('createSchedule()', () => {
  test('spaces a constant rate evenly from 0 on', () => {
    assert.deepEqual(times(stage(4, 4, 1_000)), [0, 250, 500, 750]);
  });

  test('counts no arrival twice through rounding', () => {
    assert.equal(createSchedule([stage(0.1, 0.1, 10_000)]).count, 1);
    assert.equal(createSchedule([stage(0.1, 0.1, 30_000)]).count, 3);
    assert.equal(createSchedule([stage(100, 100, 300), stage(100, 100, 300)]).count, 60);
  });

  test('takes the integral of a ramp: half of the arrivals come in the last 29 % of it', () => {
    // n(t) = 8t² / 2 over 1 s: the root of k / 4 seconds.
    const expected = [0, 1, 2, 3].map((k) => Math.sqrt(k / 4) * 1_000);
    for (const [index, ms] of times(stage(0, 8, 1_000)).entries()) {
      assert.ok(Math.abs(ms - (expected[index] ?? 0)) < 1e-6, `${index}: ${ms}`);
    }
  });

  test('ramps down to nothing without a division by it', () => {
    const ms = times(stage(8, 0, 1_000));
    assert.equal(ms.length, 4);
    assert.ok(Math.abs((ms[1] ?? 0) - (1 - Math.sqrt(3 / 4)) * 1_000) < 1e-6);
  });

  test('passes over a pause', () => {
    assert.deepEqual(
      times(stage(2, 2, 1_000), stage(0, 0, 5_000), stage(2, 2, 1_000)),
      [0, 500, 6_000, 6_500],
    );
  });

  test('ends with undefined, and plans nothing where there is no rate', () => {
    assert.equal(createSchedule([stage(4, 4, 1_000)]).intendedMsAt(4), undefined);
    assert.equal(createSchedule([stage(0, 0, 1_000)]).intendedMsAt(0), undefined);
    assert.equal(createSchedule([]).count, 0);
  });

  const stages = fc.array(
    fc.record({
      durationMs: fc.integer({ min: 1, max: 20_000 }),
      fromRate: fc.double({ min: 0, max: 50, noNaN: true }),
      toRate: fc.double({ min: 0, max: 50, noNaN: true }),
    }),
    { minLength: 1, maxLength: 4 },
  );

  test('never goes back in time, and stays within the stages', () => {
    fc.assert(
      fc.property(stages, (given) => {
        const { durationMs } = createSchedule(given);
        let before = 0;
        for (const ms of times(...given)) {
          assert.ok(ms >= before && ms <= durationMs, `${ms} after ${before} in ${durationMs}`);
          before = ms;
        }
      }),
    );
  });

  test('plans as many requests as the integral of the rate', () => {
    fc.assert(
      fc.property(stages, (given) => {
        const area = given.reduce(
          (sum, s) => sum + (((s.fromRate + s.toRate) / 2) * s.durationMs) / 1_000,
          0,
        );
        const { count } = createSchedule(given);
        assert.ok(count >= area - 1e-6 && count < area + 1, `${count} for ${area}`);
        assert.equal(times(...given).every(Number.isFinite), true);
      }),
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import { createServiceTimes } from './service-times.ts';

function timesOf(ended: readonly (readonly [endMs: number, serviceMs: number])[]) {
  const times = createServiceTimes();
  for (const [endMs, serviceMs] of ended) times.add(createSettlement({ sentMs: endMs - serviceMs, endMs }));
  return times;
}

const isNear = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= expected / 1_000, `${actual} is not about ${expected}`);

describe('createServiceTimes()', () => {
  test('tells the median about a time, and where there were none, of all', () => {
    const times = timesOf([
      [10, 10],
      [60, 10],
      [10_040, 40],
    ]);
    isNear(times.usualMs(60), 10);
    isNear(times.usualMs(10_040), 40);
    isNear(times.usualMs(5_000), 10);
    times.add(createSettlement({ sentMs: 20_000, endMs: 20_040 }));
    times.add(createSettlement({ sentMs: 20_001, endMs: 20_041 }));
    isNear(times.usualMs(5_000), 40);
  });

  test('takes the median by size, whichever came first', () => {
    const times = timesOf([
      [10, 2],
      [20, 90],
      [30, 7],
      [40, 80],
      [50, 9],
    ]);
    isNear(times.usualMs(20), 9);
  });

  test('looks at the moments on both sides, and no further', () => {
    const times = timesOf([
      [150, 3],
      [550, 70],
      [560, 70],
    ]);
    isNear(times.usualMs(50), 3);
    isNear(times.usualMs(299), 3);
    isNear(times.usualMs(300), 70);
  });

  test('leaves out what was not ok, and is 0 where nothing was', () => {
    const times = createServiceTimes();
    times.add(createSettlement({ outcome: 'reset', endMs: 900 }));
    assert.equal(times.usualMs(900), 0);
  });
});

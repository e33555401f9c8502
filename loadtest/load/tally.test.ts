import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Settlement } from '../engine/settlement.ts';
import { createTally } from './tally.ts';

function settle(intendedMs: number, { lagMs = 0, serviceMs = 5, ...given }: Given = {}): Settlement {
  return {
    index: 0,
    endpoint: 0,
    intendedMs,
    sentMs: intendedMs + lagMs,
    endMs: intendedMs + lagMs + serviceMs,
    outcome: 'ok',
    status: 200,
    bytesReceived: 1,
    connection: null,
    pod: 'a',
    version: 'v1',
    detail: null,
    ...given,
  };
}

type Given = Partial<Settlement> & { readonly lagMs?: number; readonly serviceMs?: number };

function tallyOf(settlements: readonly Settlement[]) {
  const tally = createTally(({ pod }) => pod);
  for (const settlement of settlements) tally.add(settlement);
  return tally;
}

describe('createTally()', () => {
  test('names the seconds in which half of the requests went out late, and no others', () => {
    const { lateSeconds, lagP99Ms } = tallyOf([
      ...Array.from({ length: 1_000 }, (_, index) => settle(index)),
      settle(1_000, { lagMs: 251 }),
      settle(1_999),
      settle(2_000, { lagMs: 250 }),
      settle(3_000, { lagMs: 900 }),
      settle(3_001),
      settle(3_002),
    ]);
    assert.deepEqual(lateSeconds, [1]);
    // Over the whole run it does not show.
    assert.equal(lagP99Ms, 0);
  });

  test('counts outcomes by endpoint', () => {
    const tally = tallyOf([
      settle(0),
      settle(1, { endpoint: 1, outcome: 'http_404' }),
      settle(2, { endpoint: 1 }),
    ]);
    assert.deepEqual([0, 1, 2].map(tally.outcomesOf), [{ ok: 1 }, { http_404: 1, ok: 1 }, {}]);
  });

  test('knows how long answers took about a time, and where there were none, over all', () => {
    const tally = tallyOf([
      settle(0, { serviceMs: 10 }),
      settle(50, { serviceMs: 10 }),
      settle(10_000, { serviceMs: 40 }),
    ]);
    assert.deepEqual([60, 10_040, 5_000].map(tally.usualMs), [10, 40, 10]);
    tally.add(settle(20_000, { serviceMs: 40 }));
    tally.add(settle(20_001, { serviceMs: 40 }));
    assert.equal(tally.usualMs(5_000), 40);
  });
});

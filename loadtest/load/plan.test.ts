import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { PlannedRequest } from '../engine/settlement.ts';
import { countPlanned, createPlan, type PlanSpec, planDurationMs } from './plan.ts';

const endpoint = (name: string, weight: number) => ({ name, method: 'GET', path: name, weight });

const spec = (changes: Partial<PlanSpec> = {}): PlanSpec => ({
  model: { kind: 'open', stages: [{ durationMs: 2_000, fromRate: 500, toRate: 500 }] },
  endpoints: [endpoint('/a', 1), endpoint('/b', 1), endpoint('/c', 2)],
  freshShare: 0.25,
  maxRequests: null,
  seed: 1,
  shard: { index: 0, of: 1 },
  ...changes,
});

function requestsOf(given: PlanSpec, most = 100_000): PlannedRequest[] {
  const plan = createPlan(given);
  const requests: PlannedRequest[] = [];
  for (let position = 0; position < most; position += 1) {
    const request = plan.at(position);
    if (request === undefined) break;
    requests.push(request);
  }
  return requests;
}

describe('createPlan()', () => {
  test('makes the same plan from the same seed, and another from another', () => {
    assert.deepEqual(requestsOf(spec()), requestsOf(spec()));
    assert.notDeepEqual(requestsOf(spec({ seed: 2 })), requestsOf(spec()));
  });

  test('chooses rows of data by the seed, so that shards choose as the whole does, and each row has its share', () => {
    const data = { columns: ['id'], rows: [['a'], ['b'], ['c']] };
    const whole = requestsOf(spec({ data }));
    const shards = [0, 1].map((index) => requestsOf(spec({ data, shard: { index, of: 2 } })));
    const together = shards.flat().sort((a, b) => a.index - b.index);
    assert.deepEqual(together, whole);
    for (const row of [0, 1, 2]) {
      const share = whole.filter((request) => request.row === row).length / whole.length;
      // Four standard deviations of a third among 1,000.
      assert.ok(Math.abs(share - 1 / 3) < 0.06, `${share}`);
    }
    assert.ok(requestsOf(spec()).every((request) => !('row' in request)));
  });

  test('is a function of the index alone, asked in any order', () => {
    const plan = createPlan(spec());
    const forth = [0, 1, 2, 500].map(plan.at);
    assert.deepEqual([500, 2, 1, 0].map(plan.at).reverse(), forth);
  });

  test('keeps the weights and the share of fresh connections within what chance allows', () => {
    const requests = requestsOf(spec({ model: openAt(20_000) }));
    const share = (isWanted: (request: PlannedRequest) => boolean) =>
      requests.filter(isWanted).length / requests.length;
    assert.equal(requests.length, 40_000);
    // Four standard deviations of a share of 0.5 among 40,000.
    const slack = 0.01;
    assert.ok(Math.abs(share((r) => r.endpoint === 0) - 0.25) < slack);
    assert.ok(Math.abs(share((r) => r.endpoint === 2) - 0.5) < slack);
    assert.ok(Math.abs(share((r) => r.fresh) - 0.25) < slack);
    assert.ok(Math.abs(share((r) => r.fresh && r.endpoint === 0) - 0.0625) < slack, 'not independent');
  });

  test('never chooses an endpoint of weight 0, and opens none or only fresh connections when told', () => {
    const endpoints = [endpoint('/never', 0), endpoint('/a', 1), endpoint('/never', 0)];
    assert.ok(requestsOf(spec({ endpoints })).every((r) => r.endpoint === 1));
    assert.ok(requestsOf(spec({ freshShare: 0 })).every((r) => !r.fresh));
    assert.ok(requestsOf(spec({ freshShare: 1 })).every((r) => r.fresh));
  });

  test('ends at the number of requests given, or with the schedule, whichever comes first', () => {
    assert.equal(requestsOf(spec({ maxRequests: 10 })).length, 10);
    assert.equal(requestsOf(spec({ maxRequests: 0 })).length, 0);
    assert.equal(requestsOf(spec({ maxRequests: 5_000 })).length, 1_000);
  });

  test('goes on in a closed loop until the number of requests', () => {
    const closed = spec({ model: { kind: 'closed', connections: 4, durationMs: 1_000 }, maxRequests: 7 });
    assert.equal(requestsOf(closed).length, 7);
    assert.notEqual(createPlan({ ...closed, maxRequests: null }).at(1_000_000), undefined);
  });

  test('is the same plan when it is cut into shards', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer(),
        fc.integer({ min: 0, max: 999 }),
        (of, seed, max) => {
          const whole = spec({ seed, maxRequests: max });
          const shards = Array.from({ length: of }, (_, index) => ({ ...whole, shard: { index, of } }));
          const parts = shards.map((shard) => requestsOf(shard));
          assert.deepEqual(
            parts.flat().sort((a, b) => a.index - b.index),
            requestsOf(whole),
          );
          assert.deepEqual(
            parts.map((part) => part.length),
            shards.map(countPlanned),
          );
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('countPlanned()', () => {
  test('is null where only the clock ends the run', () => {
    const model = { kind: 'closed', connections: 4, durationMs: 1_500 } as const;
    assert.equal(countPlanned(spec({ model })), null);
    assert.equal(countPlanned(spec({ model, maxRequests: 9, shard: { index: 1, of: 2 } })), 4);
    assert.equal(planDurationMs(spec({ model })), 1_500);
    assert.equal(planDurationMs(spec()), 2_000);
  });
});

function openAt(rate: number): PlanSpec['model'] {
  return { kind: 'open', stages: [{ durationMs: 2_000, fromRate: rate, toRate: rate }] };
}

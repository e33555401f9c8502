import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import type { LoadSpec } from './load-spec.ts';
import { createSight, mergeSnapshots, toPart } from './parts.ts';
import { createPlan } from './plan.ts';

const plan = {
  model: { kind: 'open', stages: [{ durationMs: 1_000, fromRate: 60, toRate: 60 }] },
  endpoints: [{ name: '/', method: 'GET', path: '/', weight: 1 }],
  freshShare: 0.5,
  maxRequests: null,
  seed: 1,
} as const;

function toIndices(part: LoadSpec): number[] {
  const { at } = createPlan(part.plan);
  const indices: number[] = [];
  for (let position = 0, request = at(0); request !== undefined; position += 1, request = at(position)) {
    indices.push(request.index);
  }
  return indices;
}

describe('toPart()', () => {
  for (const shard of [
    { index: 0, of: 1 },
    { index: 1, of: 3 },
  ]) {
    test(`parts of shard ${shard.index}/${shard.of} are together that shard, each request once`, () => {
      const spec = {
        plan: { ...plan, shard },
        engine: { maxConnections: 100, keptConnections: 25, idleConnections: 8 },
        senders: [{}, {}, {}],
      } as unknown as LoadSpec;
      const parts = [0, 1, 2].map((index) => toPart(spec, index));
      const all = parts.flatMap(toIndices).sort((a, b) => a - b);
      assert.deepEqual(all, toIndices(spec));
      for (const { senders, engine } of parts) {
        assert.deepEqual(senders, []);
        assert.deepEqual([engine.maxConnections, engine.keptConnections, engine.idleConnections], [34, 9, 3]);
      }
    });
  }
});

describe('createSight()', () => {
  test('puts times on this clock, names where from, and keeps connections apart', () => {
    const sight = createSight('node-1', 1);
    const { from, intendedMs, sentMs, endMs } = sight.ofSettlement(createSettlement({ sentMs: 5 }), 100);
    assert.deepEqual(
      { from, intendedMs, sentMs, endMs },
      { from: 'node-1', intendedMs: 100, sentMs: 105, endMs: 110 },
    );
    assert.equal(sight.ofSettlement({ ...createSettlement(), sentMs: null }, 100).sentMs, null);
    const connection = { id: 7 } as never;
    const ids = [0, 1].map(
      (index) => createSight('', index).ofSettlement(createSettlement({ connection }), 0).connection?.id,
    );
    assert.equal(new Set(ids).size, 2);
  });
});

describe('mergeSnapshots()', () => {
  const snapshot = (recentP99Ms: number) => ({
    elapsedMs: 1_000,
    outcomes: { ok: 2 },
    recentSettled: 2,
    recentP99Ms,
  });

  test('adds counts, and has the slowest of the parts that answered', () => {
    assert.deepEqual(mergeSnapshots([snapshot(3), snapshot(Number.NaN), snapshot(9)]), {
      elapsedMs: 1_000,
      outcomes: { ok: 6 },
      recentSettled: 6,
      recentP99Ms: 9,
    });
    assert.ok(Number.isNaN(mergeSnapshots([snapshot(Number.NaN)]).recentP99Ms));
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { createPhases } from './phases.ts';
import { type LoadRecord, mergeRecords, sumCells, sumSeries } from './record.ts';
import { createRecorder, toSlotMs } from './recorder.ts';

function record(
  settlements: readonly Settlement[],
  options = { slotMs: 1_000, timeoutMs: 2_000 },
): LoadRecord {
  const phases = createPhases([{ name: 'warmup', fromMs: 0 }]);
  phases.start({ name: 'load', fromMs: 1_000 });
  const recorder = createRecorder(options, phases);
  for (const given of settlements) recorder.add(given);
  const count = settlements.length;
  // One for each request.
  const connections = { tried: count, established: count, endings: { closed_by_load: count } };
  return recorder.toRecord({ planned: count, sent: count, settled: count, connections });
}

describe('createRecorder()', () => {
  test('keeps response, service and lag apart, and failures apart from successes', () => {
    const { cells } = record([
      createSettlement({ index: 0, intendedMs: 10, sentMs: 12, endMs: 20 }),
      createSettlement({
        index: 1,
        intendedMs: 10,
        sentMs: 11,
        endMs: 1_010,
        outcome: 'timeout',
        status: null,
      }),
      createSettlement({
        index: 2,
        intendedMs: 10,
        sentMs: null,
        endMs: 510,
        outcome: 'not_sent',
        status: null,
      }),
    ]);
    const sum = sumCells(cells);
    assert.deepEqual(sum.outcomes, { ok: 1, timeout: 1, not_sent: 1 });
    assert.deepEqual([sum.response.count, sum.response.sumMs], [1, 10]);
    assert.deepEqual([sum.service.count, sum.service.sumMs], [1, 8]);
    assert.deepEqual([sum.failed.count, sum.failed.sumMs], [2, 1_500]);
    assert.deepEqual([sum.lag.count, sum.lag.sumMs], [2, 3]);
  });

  test('does not count the opening of a connection as lag, neither the first time nor again', () => {
    const facts = { id: 1, setupMs: 30, ageMs: 0, idleMs: 0, requests: 1, localPort: 1, remoteAddress: null };
    const at = { intendedMs: 10, sentMs: 42, endMs: 50 };
    const { cells } = record([
      createSettlement({ ...at, connection: { ...facts, reused: false } }),
      createSettlement({ ...at, index: 1, connection: { ...facts, reused: true } }),
    ]);
    assert.equal(sumCells(cells).lag.sumMs, 2 + 32);
  });

  test('makes a cell for each endpoint, phase of the intended time, and version', () => {
    const { cells } = record([
      createSettlement({ endpoint: 0, intendedMs: 999.9, version: '1' }),
      createSettlement({ endpoint: 0, intendedMs: 1_000, version: '1' }),
      createSettlement({ endpoint: 0, intendedMs: 1_001, version: '2' }),
      createSettlement({ endpoint: 1, intendedMs: 1_001 }),
    ]);
    assert.deepEqual(
      cells.map(({ endpoint, phase, version }) => [endpoint, phase, version]),
      [
        [0, 'load', '1'],
        [0, 'load', '2'],
        [0, 'warmup', '1'],
        [1, 'load', null],
      ],
    );
  });

  test('puts each request into the slot in which it was due, however late it settles', () => {
    const late = createSettlement({ index: 0, intendedMs: 500, endMs: 60_000 });
    const { series } = record([
      createSettlement({ index: 1, intendedMs: 400 }),
      ...[1, 2, 3, 4, 5, 6, 7].map((second) =>
        createSettlement({ index: second + 1, intendedMs: second * 1_000 }),
      ),
      late,
    ]);
    assert.deepEqual(
      series.map(({ slot, outcomes }) => [slot, outcomes.ok]),
      [[0, 2], ...[1, 2, 3, 4, 5, 6, 7].map((slot) => [slot, 1])],
    );
    assert.equal(sumSeries(series).response.maxMs, 59_500);
  });

  test('bounds what a target can add by naming ever new versions', () => {
    const { cells } = record(
      Array.from({ length: 100 }, (_, index) => createSettlement({ index, version: `v${index}` })),
    );
    assert.equal(cells.length, 17);
    assert.equal(cells.find(({ version }) => version === '(others)')?.outcomes.ok, 84);
  });

  test('tells the live line what is new since it last asked', () => {
    const recorder = createRecorder({ slotMs: 1_000, timeoutMs: 1_000 }, createPhases([]));
    for (const index of [0, 1, 2]) recorder.add(createSettlement({ index }));
    recorder.add(createSettlement({ index: 3, outcome: 'http_404' }));
    recorder.add(createSettlement({ index: 4, outcome: 'http_503' }));
    const outcomes = { ok: 3, http_404: 1, http_503: 1 };
    assert.deepEqual(recorder.snapshot(7), { elapsedMs: 7, outcomes, recentSettled: 5, recentP99Ms: 5 });
    recorder.add(createSettlement({ index: 5, intendedMs: 0, endMs: 9 }));
    assert.deepEqual(recorder.snapshot(9), {
      ...{ elapsedMs: 9, outcomes: { ...outcomes, ok: 4 } },
      ...{ recentSettled: 1, recentP99Ms: 9 },
    });
    assert.deepEqual(recorder.snapshot(11).recentP99Ms, Number.NaN);
  });
});

describe('toSlotMs()', () => {
  test('is a second, and more where a run has too many of them', () => {
    assert.deepEqual([0, 1_800_000, 1_800_001, 7_200_000].map(toSlotMs), [1_000, 1_000, 2_000, 4_000]);
  });
});

describe('mergeRecords()', () => {
  const outcome = fc.constantFrom<Outcome>('ok', 'ok', 'ok', 'reset', 'timeout', 'http_503', 'not_sent');
  const requests = fc.array(
    fc.record({
      endpoint: fc.nat(2),
      intendedMs: fc.integer({ min: 0, max: 20_000 }),
      waitMs: fc.nat(50),
      tookMs: fc.double({ min: 0, max: 9_000, noNaN: true }),
      outcome,
      version: fc.constantFrom(null, '1', '2'),
    }),
    { maxLength: 300 },
  );

  test('makes of N shards the very record of the undivided run', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 5 }), (given, of) => {
        const all = given.map(({ waitMs, tookMs, ...request }, index) => {
          const sentMs = request.outcome === 'not_sent' ? null : request.intendedMs + waitMs;
          return createSettlement({ ...request, index, sentMs, endMs: request.intendedMs + waitMs + tookMs });
        });
        const shards = Array.from({ length: of }, (_, shard) =>
          record(all.filter(({ index }) => index % of === shard)),
        );
        const [first, ...rest] = shards;
        assert.ok(first !== undefined);
        assert.deepEqual(mergeRecords([first, ...rest]), record(all));
        assert.deepEqual(mergeRecords([...shards].reverse() as [LoadRecord]), record(all));
      }),
      { numRuns: 40 },
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { MAX_FAILURES_PER_OUTCOME, mergeRecords, type RunRecord, sumCells, sumSeries } from './record.ts';
import { createRecorder, toSlotMs } from './recorder.ts';

const settlement = (changes: Partial<Settlement>): Settlement => ({
  index: 0,
  endpoint: 0,
  intendedMs: 0,
  sentMs: changes.intendedMs ?? 0,
  endMs: (changes.intendedMs ?? 0) + 5,
  outcome: 'ok',
  status: 200,
  bytesReceived: 100,
  connection: null,
  pod: null,
  version: null,
  detail: null,
  ...changes,
});

function record(
  settlements: readonly Settlement[],
  options = { slotMs: 1_000, timeoutMs: 2_000 },
): RunRecord {
  const recorder = createRecorder(options);
  recorder.startPhase({ name: 'warmup', fromMs: 0 });
  recorder.startPhase({ name: 'load', fromMs: 1_000 });
  for (const given of settlements) recorder.record(given);
  const count = settlements.length;
  return recorder.toRecord({ planned: count, sent: count, settled: count });
}

describe('createRecorder()', () => {
  test('keeps response, service and lag apart, and failures apart from successes', () => {
    const { cells } = record([
      settlement({ index: 0, intendedMs: 10, sentMs: 12, endMs: 20 }),
      settlement({ index: 1, intendedMs: 10, sentMs: 11, endMs: 1_010, outcome: 'timeout', status: null }),
      settlement({ index: 2, intendedMs: 10, sentMs: null, endMs: 510, outcome: 'not_sent', status: null }),
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
      settlement({ ...at, connection: { ...facts, reused: false } }),
      settlement({ ...at, index: 1, connection: { ...facts, reused: true } }),
    ]);
    assert.equal(sumCells(cells).lag.sumMs, 2 + 32);
  });

  test('makes a cell for each endpoint, phase of the intended time, and version', () => {
    const { cells } = record([
      settlement({ endpoint: 0, intendedMs: 999.9, version: '1' }),
      settlement({ endpoint: 0, intendedMs: 1_000, version: '1' }),
      settlement({ endpoint: 0, intendedMs: 1_001, version: '2' }),
      settlement({ endpoint: 1, intendedMs: 1_001 }),
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
    const late = settlement({ index: 0, intendedMs: 500, endMs: 60_000 });
    const { series } = record([
      settlement({ index: 1, intendedMs: 400 }),
      ...[1, 2, 3, 4, 5, 6, 7].map((second) => settlement({ index: second + 1, intendedMs: second * 1_000 })),
      late,
    ]);
    assert.deepEqual(
      series.map(({ slot, outcomes }) => [slot, outcomes.ok]),
      [[0, 2], ...[1, 2, 3, 4, 5, 6, 7].map((slot) => [slot, 1])],
    );
    assert.equal(sumSeries(series).response.maxMs, 59_500);
  });

  test('keeps the first failures of each outcome in the order of the plan, and counts all of them', () => {
    const count = 60 * MAX_FAILURES_PER_OUTCOME;
    const resets = Array.from({ length: count }, (_, index) =>
      settlement({ index: count - index, intendedMs: 990, endMs: 1_020, outcome: 'reset', status: null }),
    );
    const { failures, cells } = record([...resets, settlement({ index: count + 1, outcome: 'http_503' })]);
    assert.equal(failures.length, MAX_FAILURES_PER_OUTCOME + 1);
    assert.deepEqual(
      [failures[0]?.index, failures.at(-2)?.index, failures.at(-1)?.index],
      [1, 100, count + 1],
    );
    assert.deepEqual([failures[0]?.phase, failures[0]?.endPhase], ['warmup', 'load']);
    assert.deepEqual(sumCells(cells).outcomes, { reset: count, http_503: 1 });
  });

  test('bounds what a target can add by naming ever new versions', () => {
    const { cells } = record(
      Array.from({ length: 100 }, (_, index) => settlement({ index, version: `v${index}` })),
    );
    assert.equal(cells.length, 17);
    assert.equal(cells.find(({ version }) => version === '(others)')?.outcomes.ok, 84);
  });

  test('tells the live line what is new since it last asked', () => {
    const recorder = createRecorder({ slotMs: 1_000, timeoutMs: 1_000 });
    for (const index of [0, 1, 2]) recorder.record(settlement({ index }));
    recorder.record(settlement({ index: 3, outcome: 'http_404' }));
    recorder.record(settlement({ index: 4, outcome: 'http_503' }));
    const counts = { settled: 5, notOk: 2, lost: 1 };
    assert.deepEqual(recorder.snapshot(7), { elapsedMs: 7, ...counts, recentSettled: 5, recentP99Ms: 5 });
    assert.deepEqual(recorder.snapshot(9), {
      ...{ elapsedMs: 9, ...counts },
      ...{ recentSettled: 0, recentP99Ms: Number.NaN },
    });
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
          return settlement({ ...request, index, sentMs, endMs: request.intendedMs + waitMs + tookMs });
        });
        const shards = Array.from({ length: of }, (_, shard) =>
          record(all.filter(({ index }) => index % of === shard)),
        );
        const [first, ...rest] = shards;
        assert.ok(first !== undefined);
        assert.deepEqual(mergeRecords([first, ...rest]), record(all));
        assert.deepEqual(mergeRecords([...shards].reverse() as [RunRecord]), record(all));
      }),
      { numRuns: 40 },
    );
  });
});

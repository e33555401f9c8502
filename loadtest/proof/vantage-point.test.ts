import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import { formatTable } from '../report/tables.ts';
import { type PodEvent, toPodTimelines } from './timeline.ts';
import { createVantageCounts, toVantagePoints, toVantageTable } from './vantage-point.ts';

const events: readonly PodEvent[] = [
  { atMs: -1_000, pod: 'a', kind: 'ready' },
  { atMs: 5_000, pod: 'a', kind: 'terminating', graceMs: 30_000, preStopMs: 5_000 },
];

test('a node that was led to a deleted pod for longer than the others shows in its row', () => {
  const counts = createVantageCounts();
  for (const from of ['node-2', 'node-1', 'node-2', null]) counts.add(createSettlement({ from }));
  counts.add(createSettlement({ from: 'node-2', outcome: 'reset' }));
  const openings = new Map([
    ['node-1', 5_300],
    ['node-2', 8_100],
  ]);
  const points = toVantagePoints(counts.list(), [...toPodTimelines(events).values()], () => openings);
  assert.deepEqual(points, [
    { from: 'node-1', requests: 1, lost: 0, ledForMs: 300 },
    { from: 'node-2', requests: 3, lost: 1, ledForMs: 3_100 },
  ]);
  assert.match(formatTable(toVantageTable(points)), /node-2 +3 +1 +3\.1 s/);
});

test('a load from one place has no vantage points', () => {
  const counts = createVantageCounts();
  counts.add(createSettlement());
  assert.deepEqual(
    toVantagePoints(counts.list(), [], () => new Map()),
    [],
  );
});

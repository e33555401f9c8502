import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { toPhaseLatencies, toPhaseLatencyTable } from './latency.ts';

const { record } = createSampleProof();

test('toPhaseLatencies() tells each phase apart, and in it each version', () => {
  assert.deepEqual(
    toPhaseLatencies(record).map(({ phase, version, requests, lost, response }) => [
      ...[phase, version, requests, lost],
      ...[response.p50Ms, response.maxMs].map((ms) => Math.round(ms ?? 0)),
    ]),
    [
      ['before', 'v1', 200, 0, 10, 10],
      ['during', 'v1', 303, 3, 10, 10],
      ['during', 'v2', 117, 0, 5, 5],
      ['after', 'v2', 180, 0, 5, 5],
    ],
  );
});

test('toPhaseLatencyTable() shows p50, p99 and max', () => {
  const { columns, rows } = toPhaseLatencyTable(record);
  assert.deepEqual(columns, ['Phase', 'Version', 'Requests', 'p50', 'p99', 'Max']);
  assert.deepEqual(rows[0], ['before', 'v1', '200', '10 ms', '10 ms', '10 ms']);
});

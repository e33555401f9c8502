import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleReport } from '../../test/fixtures/sample-report.ts';
import { toFindings } from '../report/summary.ts';
import { mergeReports } from './merge.ts';

describe('mergeReports()', () => {
  const part = (index: number, of = 3) => createSampleReport({ index, of });

  test('makes the record of the whole from its parts, in any order', () => {
    const merged = mergeReports([part(2), part(0), part(1)]);
    assert.deepEqual(merged.shards, { of: 3, present: [0, 1, 2], duplicates: [], isMerged: true });
    const { summary, verdict } = toFindings(merged);
    assert.deepEqual([summary.requests, summary.lost, verdict.kind], [2_000, 3, 'lost']);
    assert.deepEqual(merged.requirements, ['p99 < 50ms']);
  });

  test('is incomplete with a part missing, and counts a part given twice once', () => {
    const missing = toFindings(mergeReports([createSampleReport({ index: 1, of: 3, lost: 0 })])).verdict;
    assert.deepEqual([missing.kind, missing.exit], ['incomplete', 'inconclusive']);
    const twice = mergeReports([part(0), part(1), part(2), part(1)]);
    assert.deepEqual([twice.shards.duplicates, toFindings(twice).summary.requests], [[1], 2_000]);
  });

  test('carries over what speaks against a part', () => {
    const merged = mergeReports([
      part(0),
      { ...part(1), isInterrupted: true, ledgerFault: 'off by one' },
      part(2),
    ]);
    assert.deepEqual([merged.isInterrupted, merged.ledgerFault], [true, 'off by one']);
  });

  test('refuses parts of different runs, and what is merged already', () => {
    const other = part(1);
    for (const stranger of [
      { ...other, setup: { ...other.setup, seed: 2 } },
      { ...other, setup: { ...other.setup, requests: 'f00d' } },
      { ...other, setup: { ...other.setup, startAt: '2030-01-01T00:00:00.000Z' } },
      part(1, 4),
    ]) {
      assert.throws(() => mergeReports([part(0), stranger]), {
        name: 'Fault',
        message: /^parts 0 and 1 are not from the same run/,
      });
    }
    assert.throws(() => mergeReports([mergeReports([part(0)])]), { name: 'Fault' });
    assert.throws(() => mergeReports([]), { name: 'Fault' });
  });
});

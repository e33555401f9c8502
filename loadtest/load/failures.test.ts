import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import { createFailureCollector, withPhases } from './failures.ts';
import { createPhases } from './phases.ts';

describe('createFailureCollector()', () => {
  test('keeps the first of each outcome in the order of the plan', () => {
    const collector = createFailureCollector(3);
    // More than are held before the first are chosen, the last planned first.
    for (let index = 500; index >= 1; index -= 1) {
      collector.add(createSettlement({ index, outcome: 'reset' }));
    }
    collector.add(createSettlement({ index: 501, outcome: 'http_503' }));
    collector.add(createSettlement({ index: 502 }));
    assert.deepEqual(
      collector.list().map(({ index, outcome }) => [index, outcome]),
      [
        [1, 'reset'],
        [2, 'reset'],
        [3, 'reset'],
        [501, 'http_503'],
      ],
    );
  });

  test('keeps none where none are asked for', () => {
    const collector = createFailureCollector(0);
    collector.add(createSettlement({ outcome: 'reset' }));
    assert.deepEqual(collector.list(), []);
  });
});

test('withPhases() tells when a request was due, and when it ended', () => {
  const phases = createPhases([
    { name: 'warmup', fromMs: 0 },
    { name: 'load', fromMs: 1_000 },
  ]);
  const { phase, endPhase } = withPhases(createSettlement({ intendedMs: 990, endMs: 1_020 }), phases);
  assert.deepEqual([phase, endPhase], ['warmup', 'load']);
});

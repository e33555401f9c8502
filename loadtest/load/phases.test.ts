import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import { createPhases, withPhases } from './phases.ts';

describe('createPhases()', () => {
  test('names the phase of a time from its first moment on, and none before the first', () => {
    const phases = createPhases([{ name: 'warmup', fromMs: 10 }]);
    phases.start({ name: 'load', fromMs: 1_000 });
    assert.deepEqual([9, 10, 999, 1_000, 5_000].map(phases.at), ['', 'warmup', 'warmup', 'load', 'load']);
    assert.deepEqual(phases.list, [
      { name: 'warmup', fromMs: 10 },
      { name: 'load', fromMs: 1_000 },
    ]);
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

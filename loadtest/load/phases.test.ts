import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPhases } from './phases.ts';

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

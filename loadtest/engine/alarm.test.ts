import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAlarm } from './alarm.ts';

/** Rings once for each wait, and then never again. */
async function ringAll(waitsMs: readonly number[]): Promise<number[]> {
  const rungMs: number[] = [];
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const alarm = createAlarm(() => {
    rungMs.push(performance.now());
    const waitMs = waitsMs[rungMs.length - 1];
    if (waitMs === undefined) finish();
    return waitMs ?? null;
  });
  await finished;
  await alarm.stop();
  return rungMs;
}

describe('createAlarm()', () => {
  test('rings once at the start, and no more when there is nothing to wait for', async () => {
    assert.equal((await ringAll([])).length, 1);
  });

  test('rings after each wait, never before, and at once where there is none', async () => {
    const waitsMs = [0, 0.3, 5, 0, -1, 20, 0.01];
    const rungMs = await ringAll(waitsMs);
    assert.equal(rungMs.length, waitsMs.length + 1);
    for (const [i, waitMs] of waitsMs.entries()) {
      assert.ok((rungMs[i + 1] ?? 0) - (rungMs[i] ?? 0) >= waitMs, `wait ${i}`);
    }
  });

  test('stops in the middle of a wait', async () => {
    let rings = 0;
    await new Promise<void>((resolve) => {
      const alarm = createAlarm(() => {
        rings += 1;
        setImmediate(() => alarm.stop().then(resolve));
        return 3_600_000;
      });
    });
    assert.equal(rings, 1);
  });
});

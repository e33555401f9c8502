import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLifecycle, type LifecycleState } from './lifecycle.ts';
import { createShutdown, HARD_EXIT_RESERVE_MS } from './shutdown.ts';
import type { Logger } from './telemetry/log.ts';

const TERM = { reason: 'SIGTERM', exitCode: 0, repeatedExitCode: 143 };

/** A world in which time passes only when someone waits for it, and everything that happens is noted in order. */
function createScene(
  options: { inFlightUntilMs?: number; ready?: boolean; listening?: boolean; flushes?: boolean } = {},
) {
  const { inFlightUntilMs = 0, ready = true, listening = true, flushes = true } = options;
  let nowMs = 0;
  const happened: string[] = [];
  const timers: { dueMs: number; fire: () => void }[] = [];
  const note = (what: string) => void happened.push(`${nowMs} ${what}`);
  const log: Logger = {
    debug: () => {},
    info: (message) => note(message),
    warn: (message) => note(message),
    error: (message) => note(message),
    access: () => {},
  };
  const lifecycle = createLifecycle(
    () => nowMs,
    (state: LifecycleState) => note('step' in state ? state.step : state.state),
  );
  if (ready) lifecycle.enter({ state: 'ready' });
  let exitCode: number | undefined;
  const shutdown = createShutdown({
    lifecycle,
    log,
    lameDuckMs: 2_000,
    drainTimeoutMs: 25_000,
    server: () =>
      listening
        ? {
            inFlight: () => (nowMs < inFlightUntilMs ? 1 : 0),
            stopListening: () => note('stop listening'),
            closeConnections: () => note('close connections'),
          }
        : undefined,
    totals: () => ({ total: 0, '2xx': 0, '4xx': 0, '5xx': 0 }),
    flush: () => {
      note('flush');
      return flushes ? Promise.resolve() : new Promise(() => {});
    },
    exit: (code) => {
      exitCode ??= code;
      note(`exit ${code}`);
    },
    wait: (ms) => new Promise((resolve) => void timers.push({ dueMs: nowMs + ms, fire: resolve })),
    now: () => nowMs,
  });
  return {
    happened,
    shutdown,
    /** Lets time pass until the process has exited. */
    async run(): Promise<number> {
      while (exitCode === undefined) {
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        if (exitCode !== undefined) break;
        timers.sort((a, b) => a.dueMs - b.dueMs);
        const next = timers.shift();
        assert.ok(next, `nothing left to wait for: ${happened.join(', ')}`);
        nowMs = next.dueMs;
        next.fire();
      }
      return exitCode;
    },
  };
}

describe('shutdown', () => {
  test('goes through lame duck, finishing and flush, in this order', async () => {
    const scene = createScene({ inFlightUntilMs: 3_000 });
    scene.shutdown(TERM);
    assert.equal(await scene.run(), 0);
    assert.deepEqual(scene.happened, [
      '0 ready',
      '0 shutdown',
      '0 lame-duck',
      '2000 finishing',
      '2000 stop listening',
      '3000 close connections',
      '3000 closed',
      '3000 closed',
      '3000 flush',
      '3000 exit 0',
    ]);
  });

  for (const [inFlightUntilMs, exitCode] of [
    [26_990, 0],
    [27_000, 0],
    [27_010, 1],
    [Number.POSITIVE_INFINITY, 1],
  ] as const) {
    test(`requests in flight for ${inFlightUntilMs} ms after the signal end in exit ${exitCode}`, async () => {
      const scene = createScene({ inFlightUntilMs });
      scene.shutdown(TERM);
      assert.equal(await scene.run(), exitCode);
      assert.equal(scene.happened.at(-3)?.includes('requests in flight'), exitCode === 1);
    });
  }

  test('a process that was never ready does not wait for clients', async () => {
    const scene = createScene({ ready: false });
    scene.shutdown(TERM);
    assert.equal(await scene.run(), 0);
    assert.ok(scene.happened.includes('0 exit 0'), scene.happened.join(', '));
  });

  test('a process that does not listen yet closes at once', async () => {
    const scene = createScene({ ready: false, listening: false });
    scene.shutdown(TERM);
    assert.equal(await scene.run(), 0);
    assert.deepEqual(scene.happened, ['0 shutdown', '0 closed', '0 closed', '0 flush', '0 exit 0']);
  });

  test('a second cause ends the process with its own code', async () => {
    const scene = createScene();
    scene.shutdown(TERM);
    scene.shutdown(TERM);
    assert.equal(await scene.run(), 143);
    assert.ok(!scene.happened.includes('2000 finishing'));
  });

  test('a hard timer ends the process if nothing else does', async () => {
    const scene = createScene({ flushes: false });
    scene.shutdown(TERM);
    assert.equal(await scene.run(), 1);
    assert.equal(scene.happened.at(-1), `${2_000 + 25_000 + HARD_EXIT_RESERVE_MS} exit 1`);
  });

  test('a failure keeps its exit code after a clean drain', async () => {
    const scene = createScene();
    scene.shutdown({ reason: 'uncaughtException', exitCode: 1, repeatedExitCode: 1 });
    assert.equal(await scene.run(), 1);
    assert.ok(scene.happened.includes('2000 finishing'));
  });
});

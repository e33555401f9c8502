import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLifecycle, type LifecycleState } from './lifecycle.ts';
import { createShutdown, HARD_EXIT_RESERVE_MS } from './shutdown.ts';
import type { Logger } from './telemetry/log.ts';

const TOTALS = { total: 6, '2xx': 3, '4xx': 2, '5xx': 1 };
const TERM = { reason: 'SIGTERM', exitCode: 0, repeatedExitCode: 143 };

/** A world in which time passes only when someone waits for it, and everything that happens is noted in order. */
function createScene(
  options: { inFlightUntilMs?: number; ready?: boolean; listening?: boolean; flushes?: boolean } = {},
) {
  const { inFlightUntilMs = 0, ready = true, listening = true, flushes = true } = options;
  let nowMs = 0;
  const happened: string[] = [];
  const accounts: unknown[] = [];
  const timers: { dueMs: number; fire: () => void }[] = [];
  const note = (what: string) => void happened.push(`${nowMs} ${what}`);
  const tell = (message: string, fields?: object) => {
    note(message);
    accounts.push({ message, ...fields });
  };
  const log: Logger = {
    debug: () => {},
    info: (message, fields) => tell(message, fields),
    warn: (message, fields) => tell(message, fields),
    error: (message, fields) => tell(message, fields),
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
    totals: () => TOTALS,
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
    accounts,
    lifecycle,
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

  test('accounts for what it began with, what was served, and what was cut', async () => {
    const clean = createScene({ inFlightUntilMs: 3_000 });
    clean.shutdown(TERM);
    await clean.run();
    const begun = { message: 'shutdown', reason: 'SIGTERM', lameDuckMs: 2_000, drainTimeoutMs: 25_000 };
    const account = { reason: 'SIGTERM', served: TOTALS, inFlightAtStart: 1 };
    assert.deepEqual(clean.accounts, [
      begun,
      { message: 'closed', ...account, cut: 0, drainMs: 3_000, exitCode: 0 },
    ]);

    const cut = createScene({ inFlightUntilMs: 27_005 });
    cut.shutdown(TERM);
    await cut.run();
    assert.deepEqual(cut.accounts, [
      begun,
      { message: 'closed with requests in flight', ...account, cut: 1, drainMs: 27_010, exitCode: 1 },
    ]);
  });

  test('leaves what it cuts the time to be logged before the account', async () => {
    const scene = createScene({ inFlightUntilMs: 28_000 });
    scene.shutdown(TERM);
    await scene.run();
    assert.ok(scene.happened.includes('27000 close connections'), scene.happened.join(', '));
    assert.ok(scene.happened.includes('27010 closed with requests in flight'), scene.happened.join(', '));
  });

  test('asks for closed connections from the lame duck on, and tells why it ends at once', async () => {
    const scene = createScene();
    scene.shutdown(TERM);
    assert.deepEqual(scene.lifecycle.current, { state: 'draining', step: 'lame-duck' });
    assert.ok(scene.lifecycle.isDraining);
    scene.shutdown({ ...TERM, reason: 'SIGINT', repeatedExitCode: 130 });
    await scene.run();
    assert.deepEqual(scene.accounts.at(-1), { message: 'exit at once', reason: 'SIGINT', exitCode: 130 });
  });

  test('drains a process that was never ready as well', () => {
    const scene = createScene({ ready: false, inFlightUntilMs: 1 });
    scene.shutdown(TERM);
    assert.deepEqual(scene.lifecycle.current, { state: 'draining', step: 'finishing' });
    assert.ok(scene.lifecycle.isDraining);
  });
});

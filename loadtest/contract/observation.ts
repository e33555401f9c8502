import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, type Exchange, getOnce, openClient } from './client.ts';

/** A server that is started, or is running, and can be told to end. */
export interface Subject {
  readonly address: Address;
  /** SIGTERM comes so long after `terminate` has resolved, at most. */
  readonly sigtermWithinMs: number;
  /** Resolves when it is time to send SIGTERM. From here on its end is under way. */
  prepare(): Promise<void>;
  /** Resolves when SIGTERM is sent, or at the earliest moment at which it can come. */
  terminate(): Promise<void>;
  /** When the process has ended, and how. Never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Ends it whatever its state. */
  destroy(): Promise<void>;
}

export interface ContractPaths {
  readonly ready: string;
  readonly health: string;
  /** Any route that is answered at once. */
  readonly path: string;
  /** A route that takes long enough to be in flight at SIGTERM; null: none. */
  readonly slow: string | null;
}

/** What was seen of a start and a shutdown. Times are ms since `terminate`, negative before it; null: not seen. */
export interface Observation {
  /** How long after the start a connection was taken, and the readiness path answered 2xx. */
  readonly startMs: number | null;
  readonly readyMs: number | null;
  readonly ready: readonly Exchange[];
  readonly health: readonly Exchange[];
  readonly fresh: readonly Exchange[];
  readonly kept: readonly Exchange[];
  /** Kept connections that the server closed without having announced it. */
  readonly closedIdleMs: readonly number[];
  /** Null: no slow route is known. */
  readonly slow: readonly Exchange[] | null;
  readonly exit: {
    readonly atMs: number;
    readonly code: number | null;
    readonly signal: string | null;
  } | null;
}

const START_TIMEOUT_MS = 30_000;
const PROBE_MS = 25;
const KEPT_CLIENTS = 6;
const KEPT_PAUSE_MS = 20;
const BASELINE_MS = 500;
/** Begun one after another, so that one slow request is always under way until the latest SIGTERM. */
const SLOW_CLIENTS = 3;
const SLOW_LEAD_MS = 50;

/**
 * Watches a subject come up, loads it, ends it (unless the signal comes before), and writes down what happens when. For `acceptMs` after the latest
 * SIGTERM new connections go on coming; after that whoever sends them is taken to know better, and only probes
 * still come.
 */
export async function observeShutdown(
  subject: Subject,
  paths: ContractPaths,
  { acceptMs, graceMs }: Terms,
  signal: AbortSignal,
): Promise<Observation> {
  const { address } = subject;
  const startedMs = performance.now();
  let hasEnded = false;
  void subject.exited.then(() => {
    hasEnded = true;
  });
  const until = async (isTrue: () => Promise<boolean>) => {
    while (!hasEnded && !signal.aborted && performance.now() < startedMs + START_TIMEOUT_MS) {
      if (await isTrue()) return performance.now() - startedMs;
      await sleep(PROBE_MS);
    }
    return null;
  };
  const startMs = await until(async () => {
    const client = await openClient(address);
    client?.close();
    return client !== null;
  });
  const readyMs =
    startMs === null ? null : await until(async () => isSuccess(await getOnce(address, paths.ready)));
  const nothing = { ready: [], health: [], fresh: [], kept: [], closedIdleMs: [], slow: null, exit: null };
  if (readyMs === null) return { startMs, readyMs, ...nothing };

  const seen = {
    ready: [] as Exchange[],
    health: [] as Exchange[],
    fresh: [] as Exchange[],
    kept: [] as Exchange[],
  };
  const closedIdle: number[] = [];
  const stop = new AbortController();
  const isRunning = () => !stop.signal.aborted && !hasEnded && !signal.aborted;

  let moveAwayMs = Number.POSITIVE_INFINITY;
  const isSentTo = () => isRunning() && performance.now() < moveAwayMs;

  const repeat = async (list: Exchange[], path: string, goesOn: () => boolean) => {
    while (goesOn()) {
      list.push(await getOnce(address, path));
      await sleep(PROBE_MS);
    }
  };
  const keep = async () => {
    while (isSentTo()) {
      const client = await openClient(address);
      if (client === null) return;
      while (client.isOpen && isRunning()) {
        seen.kept.push(await client.get(paths.path));
        await sleep(KEPT_PAUSE_MS);
      }
      if (client.wasClosedIdle) closedIdle.push(performance.now());
      client.close();
    }
  };
  const load = Promise.all([
    repeat(seen.ready, paths.ready, isRunning),
    repeat(seen.health, paths.health, isRunning),
    repeat(seen.fresh, paths.path, isSentTo),
    ...Array.from({ length: KEPT_CLIENTS }, keep),
  ]);

  await sleep(BASELINE_MS, undefined, { signal }).catch(() => {});
  if (signal.aborted) {
    await load;
    return { startMs, readyMs, ...nothing };
  }
  await subject.prepare();
  const slow: Exchange[] = [];
  const slowLoad: Promise<void>[] = [];
  let latestMs = Number.POSITIVE_INFINITY;
  const repeatSlow = async (path: string) => {
    do slow.push(await getOnce(address, path));
    while (isRunning() && performance.now() < latestMs);
  };
  for (let client = 0; paths.slow !== null && client < SLOW_CLIENTS; client += 1) {
    slowLoad.push(repeatSlow(paths.slow));
    await sleep(SLOW_LEAD_MS);
  }
  await subject.terminate();
  const zeroMs = performance.now();
  latestMs = zeroMs + subject.sigtermWithinMs;
  moveAwayMs = latestMs + acceptMs;
  const ended = subject.exited.then((exit) => ({ ...exit, atMs: performance.now() - zeroMs }));
  const patience = AbortSignal.any([signal, stop.signal]);
  const exit = await Promise.race([ended, sleep(graceMs, null, { signal: patience }).catch(() => null)]);
  stop.abort();
  if (exit === null) await subject.destroy();
  await load;
  await Promise.all(slowLoad);

  const shift = (exchange: Exchange): Exchange => ({
    ...exchange,
    sentMs: exchange.sentMs - zeroMs,
    endMs: exchange.endMs - zeroMs,
  });
  return {
    startMs,
    readyMs,
    ready: seen.ready.map(shift),
    health: seen.health.map(shift),
    fresh: seen.fresh.map(shift),
    kept: seen.kept.map(shift),
    closedIdleMs: closedIdle.map((ms) => ms - zeroMs),
    slow: paths.slow === null ? null : slow.map(shift).sort((a, b) => a.sentMs - b.sentMs),
    exit,
  };
}

/** What the server is held to. */
export interface Terms {
  /** How long it must go on taking connections after SIGTERM. */
  readonly acceptMs: number;
  /** By when it must have ended. */
  readonly graceMs: number;
}

export function isSuccess({ status }: Exchange): boolean {
  return status !== null && status >= 200 && status < 400;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';
import type { Target } from '../engine/target.ts';
import { type ContractRequests, createDialer, type Dialer, type Exchange } from './client.ts';
import { type Pair, type SeenExchanges, startContractLoad } from './contract-load.ts';

/** A server that is started, or is running, and can be terminated. */
export interface Subject {
  /** As its user calls it. */
  readonly name: string;
  readonly address: Target;
  /** SIGTERM comes so long after `terminate` has resolved, at most. */
  readonly sigtermWithinMs: number;
  /** Resolves when it is time to send SIGTERM. From here on its end is under way. */
  prepare(): Promise<void>;
  /** Resolves when SIGTERM is sent, or at the earliest moment at which it can come. */
  terminate(): Promise<void>;
  /** When the process has ended, and how. Never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** The last lines that it wrote, where they can be had. */
  lastLines(): Promise<readonly string[]>;
  /** Ends it whatever its state. */
  destroy(): Promise<void>;
}

/** What is sent to a subject. */
export interface ContractWork {
  /** Paths of the probes. */
  readonly ready: string;
  readonly health: string;
  readonly requests: ContractRequests;
}

/** What was seen of a start and a shutdown. Times are ms since `terminate`, negative before it. */
export interface Observation {
  /** How long after the start a connection was taken, and the readiness path answered 2xx. */
  readonly startMs: number;
  readonly readyMs: number;
  /** When `prepare` began. */
  readonly toldMs: number;
  readonly ready: readonly Exchange[];
  readonly health: readonly Exchange[];
  readonly fresh: readonly Exchange[];
  readonly kept: readonly Exchange[];
  /** Keep-alive connections that the server closed without having announced it. */
  readonly closedIdleMs: readonly number[];
  /** Null: no slow route is known. */
  readonly slow: readonly Exchange[] | null;
  readonly pairs: readonly Pair[];
  /** Requests that were half sent at SIGTERM, and completed after it, which is when they count as sent. */
  readonly half: readonly Exchange[];
  /** Sent after SIGTERM, each the first on a connection that was open before it. */
  readonly firstUse: readonly Exchange[];
  /** Null: it had not ended in time. Negative times: it ended before it was told to. */
  readonly exit: {
    readonly atMs: number;
    readonly code: number | null;
    readonly signal: string | null;
  } | null;
}

const START_TIMEOUT_MS = 60_000;
/** Of readiness before it is on, as the kubelet has it by default. */
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_MS = 25;
const BASELINE_MS = 500;

/**
 * Watches a subject come up, loads it, ends it (unless the signal comes before), and writes down what happens when.
 * For `acceptMs` after the latest SIGTERM new connections go on coming; after that whoever sends them is taken to
 * know better, and only probes still come.
 *
 * Rejects as soon as the signal is aborted. Nothing of it goes on after that.
 * @param tell told each step that takes a while
 * @throws {Fault} where the subject does not get ready
 */
export async function observeShutdown(
  subject: Subject,
  work: ContractWork,
  terms: Terms,
  signal: AbortSignal,
  tell: (step: string) => void,
): Promise<Observation> {
  signal.throwIfAborted();
  const dialer = createDialer(subject.address, work.requests);
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([observe(subject, work, terms, dialer, signal, tell), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    dialer.close();
  }
}

async function observe(
  subject: Subject,
  work: ContractWork,
  { acceptMs, graceMs, startTimeoutMs }: Terms,
  dialer: Dialer,
  signal: AbortSignal,
  tell: (step: string) => void,
): Promise<Observation> {
  let end: Observation['exit'] = null;
  const ended = subject.exited.then((exit) => {
    end = { ...exit, atMs: performance.now() };
    return end;
  });
  const hasEnded = () => end !== null;
  tell(`waiting until ${work.ready} is ok`);
  const { startMs, readyMs } = await awaitReady(subject, work.ready, startTimeoutMs, dialer, ended, signal);
  const stop = new AbortController();
  const isRunning = () => !stop.signal.aborted && !hasEnded() && !signal.aborted;
  let latestMs = Number.POSITIVE_INFINITY;
  const isSentTo = () => isRunning() && performance.now() < latestMs + acceptMs;
  const load = startContractLoad(dialer, work, { isRunning, isSentTo });
  const start = { startMs, readyMs, hasSlow: work.requests.slow !== null };

  tell('ready, and under load');
  await Promise.race([ended, sleep(BASELINE_MS, undefined, { signal })]);
  const toldMs = performance.now();
  if (end !== null) {
    await load.done();
    return toObservation({ ...start, toldMs, zeroMs: toldMs, exit: await ended }, load.seen);
  }
  tell('termination begins');
  await subject.prepare();
  signal.throwIfAborted();
  if (work.requests.slow !== null) await load.startSlow(() => performance.now() < latestMs);
  const held = await load.holdBack();
  signal.throwIfAborted();
  await subject.terminate();
  const zeroMs = performance.now();
  held.release(subject.sigtermWithinMs, acceptMs);
  tell(`SIGTERM; it has ${formatDuration(graceMs)} to exit`);
  latestMs = zeroMs + subject.sigtermWithinMs;
  const patience = AbortSignal.any([signal, stop.signal]);
  const exit = await Promise.race([ended, sleep(graceMs, null, { signal: patience }).catch(() => null)]);
  stop.abort();
  if (exit === null) await subject.destroy();
  await load.done();
  const exitAfter = exit === null ? null : { ...exit, atMs: Math.max(zeroMs, exit.atMs) };
  return toObservation({ ...start, toldMs, zeroMs, exit: exitAfter }, load.seen);
}

/** Times of `performance.now()`, except for the two durations. */
interface ShutdownTimes extends Pick<Observation, 'startMs' | 'readyMs' | 'toldMs' | 'exit'> {
  /** When `terminate` had resolved, or the subject was to be terminated, and had ended. */
  readonly zeroMs: number;
  readonly hasSlow: boolean;
}

/** All that was seen, with its times from `zeroMs` on. */
function toObservation(
  { startMs, readyMs, toldMs, zeroMs, exit, hasSlow }: ShutdownTimes,
  seen: SeenExchanges,
): Observation {
  const shiftOne = (each: Exchange): Exchange => ({
    ...each,
    sentMs: each.sentMs - zeroMs,
    endMs: each.endMs - zeroMs,
  });
  const shift = (exchanges: readonly Exchange[]) => exchanges.map(shiftOne);
  return {
    startMs,
    readyMs,
    toldMs: toldMs - zeroMs,
    ready: shift(seen.ready),
    health: shift(seen.health),
    fresh: shift(seen.fresh),
    kept: shift(seen.kept),
    closedIdleMs: seen.closedIdleMs.map((ms) => ms - zeroMs),
    slow: hasSlow ? shift(seen.slow).sort((a, b) => a.sentMs - b.sentMs) : null,
    pairs: seen.pairs.map(({ first, second }) => ({
      first: shiftOne(first),
      second: second && shiftOne(second),
    })),
    half: shift(seen.half),
    firstUse: shift(seen.firstUse),
    exit: exit === null ? null : { ...exit, atMs: exit.atMs - zeroMs },
  };
}

/**
 * How long it took until a connection was taken, and until readiness was on.
 * @throws {Fault} where it ends before, or is not ready in time
 */
export async function awaitReady(
  subject: Subject,
  path: string,
  timeoutMs: number | undefined = START_TIMEOUT_MS,
  dialer: Dialer,
  ended: Subject['exited'],
  signal: AbortSignal,
): Promise<{ readonly startMs: number; readonly readyMs: number }> {
  const beganMs = performance.now();
  /** `look` tells what it sees instead; null: it is so. */
  const until = async (what: string, look: () => Promise<string | null>): Promise<number> => {
    for (;;) {
      const seen = await Promise.race([look(), ended]);
      signal.throwIfAborted();
      if (seen === null) return performance.now() - beganMs;
      if (typeof seen !== 'string') {
        throw await toFault(`exited with ${seen.signal ?? `code ${seen.code}`} before it ${what}`);
      }
      if (performance.now() >= beganMs + timeoutMs) {
        throw await toFault(`never ${what} within ${formatDuration(timeoutMs)}: ${seen}`);
      }
      await sleep(PROBE_MS);
    }
  };
  const toFault = async (what: string) =>
    new Fault([`${subject.name} ${what}`, ...(await subject.lastLines())].join('\n  '));
  const { host, port } = subject.address;
  const startMs = await until('accepted a connection', async () => {
    const client = await dialer.open();
    client?.close();
    return client === null ? `nothing listens on ${host}:${port}` : null;
  });
  const readyMs = await until('was ready', async () => {
    const exchange = await dialer.probe(path, PROBE_TIMEOUT_MS);
    return isSuccess(exchange) ? null : `${path} gives ${describe(exchange)}`;
  });
  return { startMs, readyMs };
}

/** What the server is held to. */
export interface Terms {
  /** How long it must go on taking connections after SIGTERM. */
  readonly acceptMs: number;
  /** By when it must have ended. */
  readonly graceMs: number;
  /** How long idle connections are watched; 0: not at all. */
  readonly idleMs: number;
  /** By when it must be ready, or it is not held to anything [60 s]. */
  readonly startTimeoutMs?: number;
}

export function isSuccess({ status, verdict }: Exchange): boolean {
  return verdict?.isExpected ?? (status !== null && status >= 200 && status < 400);
}

/** How it ended, in words. */
export function describe({ status, failure, verdict }: Exchange): string {
  return status === null ? `${failure}` : (verdict?.detail ?? `status ${status}`);
}

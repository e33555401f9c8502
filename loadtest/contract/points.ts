import { formatMs } from '../cli/format.ts';
import { MIN_IDLE_TIMEOUT_MS } from '../proof/hazard.ts';
import type { Exchange } from './client.ts';
import type { IdleObservation } from './idle-watch.ts';
import { describe, isSuccess, type Observation, type Terms } from './observation.ts';

/** One point of the contract, held or not. */
export interface Point {
  readonly name: string;
  /** Null: not shown, neither held nor broken. */
  readonly isHeld: boolean | null;
  readonly found: string;
}

/** Time within which readiness must be off, counted from when the server knows of SIGTERM. */
const UNREADY_MS = 900;
/** How far apart the effects of one exit may be observed. */
const END_MS = 100;

/** How long after SIGTERM a server may not know of it yet. */
const NOTICE_MS = 100;

const SERVING = 'serves and is alive while ready';

/**
 * Checks what was seen against the contract, point by point, in chronological order. Pure.
 *
 * @param idle null: no idle connection was watched
 * @param sigtermWithinMs how uncertain the moment of SIGTERM is
 */
export function toPoints(
  seen: Observation,
  idle: IdleObservation | null,
  { acceptMs, graceMs }: Terms,
  sigtermWithinMs: number,
): readonly Point[] {
  const { startMs, readyMs } = seen;
  const noticeMs = NOTICE_MS + sigtermWithinMs;
  const started: Point = {
    name: 'accepts connections',
    isHeld: true,
    found: `${formatMs(startMs)} after its start`,
  };
  const ready: Point = { name: 'becomes ready', isHeld: true, found: `${formatMs(readyMs)} after its start` };
  const { exit } = seen;
  if (exit !== null && exit.atMs < 0) {
    const found = `it exited by itself, ${toEnding(exit)}, ${formatMs(-exit.atMs)} before SIGTERM was due`;
    return [started, ready, { name: SERVING, isHeld: false, found }];
  }
  return [
    started,
    ready,
    toServing(seen),
    toSecond(seen),
    toIdle(idle),
    toReadinessOff(seen, noticeMs),
    toAccepting(seen, acceptMs, sigtermWithinMs),
    toLivenessOn(seen, acceptMs),
    toHalf(seen),
    toFirstUse(seen, acceptMs, sigtermWithinMs),
    toAnnounced(seen, noticeMs),
    toKept(seen),
    toAnswered(seen),
    toInFlight(seen, sigtermWithinMs),
    toExitCode(seen),
    toExitTime(seen, graceMs),
  ];
}

function toServing({ ready, health, fresh, kept, toldMs }: Observation): Point {
  const before = [
    ...ready.filter(({ endMs }) => endMs < toldMs),
    ...[...health, ...fresh, ...kept].filter(({ endMs }) => endMs < 0),
  ];
  const failed = before.filter((exchange) => !isSuccess(exchange));
  const [first] = failed;
  return {
    name: SERVING,
    isHeld: before.length === 0 ? null : first === undefined,
    found:
      first === undefined
        ? `${before.length} responses`
        : `${failed.length} of ${before.length} failed: ${describe(first)}`,
  };
}

/** A pair whose first request failed belongs to another point. */
function toSecond({ pairs }: Observation): Point {
  const name = 'answers a second request right after the first';
  const begun = pairs.filter(({ first }) => isSuccess(first));
  const sent = begun.flatMap(({ second }) => second ?? []);
  const lost = sent.filter((exchange) => !isSuccess(exchange));
  const [first] = lost;
  if (begun.length === 0) return { name, isHeld: null, found: 'no connection carried a first one' };
  if (sent.length === 0)
    return { name, isHeld: true, found: 'none was sent: every response says Connection: close' };
  return {
    name,
    isHeld: first === undefined,
    found:
      first === undefined
        ? `${sent.length} requests`
        : `${toLost(first, lost, sent)} ${toMoment(first.endMs)}`,
  };
}

function toIdle(idle: IdleObservation | null): Point {
  const enoughMs = formatMs(MIN_IDLE_TIMEOUT_MS);
  const toPoint = (isHeld: Point['isHeld'], found: string): Point => ({
    name: `keeps idle connections for ${enoughMs}`,
    isHeld,
    found,
  });
  if (idle === null) return toPoint(null, 'not watched, as --idle 0ms asks');
  const { watchedMs, exchanges, announcedMs, closed, exit } = idle;
  if (exit !== null) return toPoint(false, `it exited by itself, ${toEnding(exit)}, while they were watched`);
  const answered = exchanges.filter(({ failure }) => failure === null);
  const kept = answered.filter(({ isClosing }) => !isClosing);
  if (answered.length === 0) {
    const [first] = exchanges;
    return toPoint(null, `none could be opened: ${first === undefined ? 'refused' : describe(first)}`);
  }
  if (kept.length === 0) return toPoint(true, 'there are none: every response says Connection: close');
  const announced =
    announcedMs === null ? 'unannounced' : `announced by Keep-Alive: timeout=${announcedMs / 1_000}`;
  if (closed === null) {
    const open = `all ${kept.length} still open after ${formatMs(watchedMs)}`;
    return watchedMs >= MIN_IDLE_TIMEOUT_MS
      ? toPoint(true, open)
      : toPoint(null, `${open}: watch them for longer, with --idle 60s or more`);
  }
  const end = `closed by ${closed.by} after ${formatMs(closed.idleMs)}, ${announced}`;
  return closed.idleMs >= MIN_IDLE_TIMEOUT_MS
    ? toPoint(true, end)
    : toPoint(
        false,
        `${end}: too soon for load balancers that keep them for ${enoughMs}; keep them for 65 s, in Node by server.keepAliveTimeout = 65_000`,
      );
}

function toReadinessOff({ ready }: Observation, noticeMs: number): Point {
  const answers = ready.filter(({ sentMs, status }) => sentMs >= 0 && status !== null);
  const from = answers.findIndex((exchange) => !isSuccess(exchange));
  const off = answers[from];
  const again = answers.slice(from).find(isSuccess);
  const since = off === undefined ? '' : `${describe(off)} ${formatMs(off.endMs)} after SIGTERM`;
  return {
    name: 'SIGTERM: turns unready',
    isHeld: off !== undefined && off.endMs <= UNREADY_MS + noticeMs && again === undefined,
    found:
      off === undefined
        ? 'stayed ready'
        : again === undefined
          ? since
          : `${since}, and ready again at ${formatMs(again.endMs)}`,
  };
}

/** Shown where no connection is refused for as long as required, however late SIGTERM came. */
function toAccepting({ fresh, health, exit }: Observation, acceptMs: number, sigtermWithinMs: number): Point {
  const untilMs = sigtermWithinMs + acceptMs;
  const sent = [...fresh, ...health].filter(({ sentMs }) => sentMs >= 0 && sentMs < untilMs);
  const refused = sent.filter(({ failure }) => failure === 'refused').map(({ sentMs }) => sentMs);
  const firstMs = Math.min(...refused, exit?.atMs ?? Number.POSITIVE_INFINITY);
  const isUntried = sent.length === 0 && untilMs > 0 && firstMs >= untilMs;
  return {
    name: `keeps accepting connections for ${formatMs(acceptMs)}`,
    isHeld: firstMs < acceptMs ? false : firstMs < untilMs || isUntried ? null : true,
    found: isUntried
      ? 'no connection was tried in that time'
      : firstMs < untilMs
        ? `none from ${formatMs(firstMs)} after SIGTERM${toUncertainty(sigtermWithinMs)}`
        : `all ${sent.length} of that time`,
  };
}

/** A probe sent when connections need no longer be accepted may find the listener closed. */
function toLivenessOn({ health }: Observation, acceptMs: number): Point {
  const taken = health.filter(
    ({ sentMs, status, failure }) =>
      sentMs >= 0 && (status !== null || (failure !== 'refused' && sentMs < acceptMs)),
  );
  const failed = taken.find((exchange) => !isSuccess(exchange));
  return {
    name: 'stays alive while draining',
    isHeld: taken.length === 0 ? null : failed === undefined,
    found:
      failed === undefined
        ? `${taken.length} probes succeeded`
        : `${describe(failed)} ${formatMs(failed.endMs)} after SIGTERM`,
  };
}

/** Half a request at SIGTERM is one on its way, and in flight: whenever the rest comes, it is to be answered. */
function toHalf({ half }: Observation): Point {
  const name = 'answers requests half sent at SIGTERM';
  const lost = half.filter((exchange) => !isSuccess(exchange));
  const [first] = lost;
  if (half.length === 0) return { name, isHeld: null, found: 'none was half sent when SIGTERM came' };
  if (first === undefined) return { name, isHeld: true, found: `${half.length} requests` };
  const found = `${toLost(first, lost, half)}; the rest came ${toMoment(first.sentMs)}`;
  return { name, isHeld: false, found };
}

/** Like a new connection, an unused one must do for as long as required, however late SIGTERM came. */
function toFirstUse({ firstUse }: Observation, acceptMs: number, sigtermWithinMs: number): Point {
  const name = 'answers on connections not used before SIGTERM';
  const untilMs = sigtermWithinMs + acceptMs;
  const sent = firstUse.filter(({ sentMs }) => sentMs < untilMs);
  const lost = sent.filter((exchange) => !isSuccess(exchange));
  const [first] = lost;
  if (first !== undefined) {
    const isDue = lost.some(({ sentMs }) => sentMs < acceptMs);
    const found = `${toLost(first, lost, sent)} ${toMoment(first.sentMs)}${toUncertainty(sigtermWithinMs)}`;
    return { name, isHeld: isDue ? false : null, found };
  }
  if (untilMs > 0 && !sent.some(({ sentMs }) => sentMs >= sigtermWithinMs)) {
    return { name, isHeld: null, found: 'none was certainly used after SIGTERM' };
  }
  return { name, isHeld: true, found: `${sent.length} requests` };
}

function toUncertainty(sigtermWithinMs: number): string {
  return sigtermWithinMs === 0 ? '' : `, which may have come up to ${formatMs(sigtermWithinMs)} later`;
}

function toLost(first: Exchange, lost: readonly Exchange[], of: readonly Exchange[]): string {
  return `${lost.length} of ${of.length} lost, the first by ${describe(first)}`;
}

/** @param atMs since SIGTERM */
function toMoment(atMs: number): string {
  return `${formatMs(Math.abs(atMs))} ${atMs < 0 ? 'before' : 'after'} SIGTERM`;
}

function toAnnounced({ kept, fresh }: Observation, noticeMs: number): Point {
  const answers = [...kept, ...fresh].filter(({ sentMs, status }) => sentMs >= noticeMs && status !== null);
  const silent = answers.filter(({ isClosing }) => !isClosing);
  return {
    name: 'answers with Connection: close',
    isHeld: answers.length === 0 ? null : silent.length === 0,
    found:
      answers.length === 0
        ? 'no response came after SIGTERM'
        : silent.length === 0
          ? `on all ${answers.length} responses after SIGTERM`
          : `missing from ${silent.length} of ${answers.length} responses after SIGTERM`,
  };
}

function toKept({ closedIdleMs }: Observation): Point {
  const [firstMs] = closedIdleMs;
  return {
    name: 'closes no keep-alive connection unannounced',
    isHeld: closedIdleMs.length === 0,
    found:
      firstMs === undefined
        ? 'none'
        : `${closedIdleMs.length} closed, the first ${formatMs(Math.max(0, firstMs))} after SIGTERM`,
  };
}

/**
 * A response that refuses the work, such as 503, loses the request as well. Failures before SIGTERM belong to
 * another point.
 */
function toAnswered({ kept, fresh }: Observation): Point {
  const taken = [...kept, ...fresh]
    .filter(({ endMs, failure }) => endMs >= 0 && failure !== 'refused')
    .sort((a, b) => a.endMs - b.endMs);
  const lost = taken.filter((exchange) => !isSuccess(exchange));
  const [first] = lost;
  return {
    name: 'answers every request it accepted',
    isHeld: taken.length === 0 ? null : first === undefined,
    found:
      first === undefined
        ? `${taken.length} requests`
        : `${toLost(first, lost, taken)} ${formatMs(first.endMs)} after SIGTERM`,
  };
}

/** Shown if at least one of them was in flight at every time at which SIGTERM can have come. */
function toInFlight({ slow, exit }: Observation, sigtermWithinMs: number): Point {
  const name = 'finishes requests in flight';
  if (slow === null) return { name, isHeld: null, found: 'no slow route is known: give --slow' };
  const taken = slow.filter(({ failure }) => failure !== 'refused');
  const failed = taken.find((exchange) => !isSuccess(exchange));
  if (failed !== undefined) {
    return {
      name,
      isHeld: false,
      found: `${describe(failed)} ${formatMs(Math.max(0, failed.endMs))} after SIGTERM`,
    };
  }
  let coveredMs = 0;
  for (const { sentMs, endMs } of taken) if (sentMs <= coveredMs) coveredMs = Math.max(coveredMs, endMs);
  if (coveredMs <= sigtermWithinMs) {
    return { name, isHeld: null, found: 'none was certainly in flight when SIGTERM came' };
  }
  const lastMs = Math.max(...taken.map(({ endMs }) => endMs));
  const found = `${taken.length} of ${formatMs(taken[0] === undefined ? 0 : taken[0].endMs - taken[0].sentMs)}, the last done ${formatMs(lastMs)} after SIGTERM`;
  return { name, isHeld: exit === null || lastMs <= exit.atMs + END_MS, found };
}

function toExitCode({ exit }: Observation): Point {
  return {
    name: 'exits 0',
    isHeld: exit === null ? null : exit.code === 0,
    found: exit === null ? 'it did not exit' : toEnding(exit),
  };
}

function toEnding({ code, signal }: NonNullable<IdleObservation['exit']>): string {
  return signal === null ? `code ${code}` : `ended by ${signal}`;
}

function toExitTime({ exit }: Observation, graceMs: number): Point {
  return {
    name: `exits within ${formatMs(graceMs)}`,
    isHeld: exit !== null,
    found: exit === null ? 'it did not' : `${formatMs(exit.atMs)} after SIGTERM`,
  };
}

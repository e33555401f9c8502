import { formatMs } from '../format.ts';
import type { Exchange } from './client.ts';
import { isSuccess, type Observation, type Terms } from './observation.ts';

/** One point of the contract, held or not. */
export interface Point {
  readonly name: string;
  /** Null: not shown either way. */
  readonly isHeld: boolean | null;
  readonly found: string;
}

/** By when readiness must be off, from when the server knows. */
const UNREADY_MS = 900;
/** How far apart the ends of the parts of one process may be seen. */
const END_MS = 100;

/** Within so long of SIGTERM a server may not know of it yet. */
const NOTICE_MS = 100;

/**
 * Holds what was seen against the contract, point by point, in the order of a life. Pure.
 *
 * @param sigtermWithinMs how uncertain the moment of SIGTERM is
 */
export function toPoints(
  seen: Observation,
  { acceptMs, graceMs }: Terms,
  sigtermWithinMs: number,
): readonly Point[] {
  const { startMs, readyMs } = seen;
  const noticeMs = NOTICE_MS + sigtermWithinMs;
  const started: Point = {
    name: 'takes connections',
    isHeld: startMs !== null,
    found: startMs === null ? 'never' : `${formatMs(startMs)} after its start`,
  };
  const ready: Point = {
    name: 'becomes ready',
    isHeld: readyMs !== null,
    found: readyMs === null ? 'never' : `${formatMs(readyMs)} after its start`,
  };
  if (readyMs === null) return [started, ready];
  return [
    started,
    ready,
    toServing(seen),
    toReadinessOff(seen, noticeMs),
    toAccepting(seen, acceptMs, sigtermWithinMs),
    toLivenessOn(seen),
    toAnnounced(seen, noticeMs),
    toKept(seen),
    toAnswered(seen),
    toInFlight(seen, sigtermWithinMs),
    toExitCode(seen),
    toExitTime(seen, graceMs),
  ];
}

function toServing({ health, fresh, kept }: Observation): Point {
  const before = [...health, ...fresh, ...kept].filter(({ endMs }) => endMs < 0);
  const failed = before.filter((exchange) => !isSuccess(exchange));
  return {
    name: 'serves while ready, and is alive',
    isHeld: before.length === 0 ? null : failed.length === 0,
    found:
      failed.length === 0
        ? `${before.length} answers`
        : `${failed.length} of ${before.length} failed: ${describe(failed[0])}`,
  };
}

function toReadinessOff({ ready }: Observation, noticeMs: number): Point {
  const off = ready.find(
    (exchange) => exchange.sentMs >= 0 && exchange.status !== null && !isSuccess(exchange),
  );
  return {
    name: 'SIGTERM: turns unready',
    isHeld: off !== undefined && off.endMs <= UNREADY_MS + noticeMs,
    found: off === undefined ? 'never said so' : `${off.status} ${formatMs(off.endMs)} after SIGTERM`,
  };
}

/** Shown where no connection is refused for as long as it may not be, however late SIGTERM came. */
function toAccepting({ fresh, health, exit }: Observation, acceptMs: number, sigtermWithinMs: number): Point {
  const untilMs = sigtermWithinMs + acceptMs;
  const sent = [...fresh, ...health].filter(({ sentMs }) => sentMs >= 0 && sentMs < untilMs);
  const refused = sent.filter(({ failure }) => failure === 'refused').map(({ sentMs }) => sentMs);
  const firstMs = Math.min(...refused, exit?.atMs ?? Number.POSITIVE_INFINITY);
  const late = sigtermWithinMs === 0 ? '' : `, which came up to ${formatMs(sigtermWithinMs)} later`;
  return {
    name: `goes on taking connections for ${formatMs(acceptMs)}`,
    isHeld: firstMs >= untilMs ? true : firstMs < acceptMs ? false : null,
    found:
      firstMs < untilMs
        ? `none from ${formatMs(firstMs)} after SIGTERM on${late}`
        : `all ${sent.length} of that time`,
  };
}

function toLivenessOn({ health }: Observation): Point {
  const answered = health.filter(({ sentMs, status }) => sentMs >= 0 && status !== null);
  const failed = answered.filter((exchange) => !isSuccess(exchange));
  return {
    name: 'stays alive while it drains',
    isHeld: answered.length === 0 ? null : failed.length === 0,
    found:
      failed.length === 0
        ? `${answered.length} probes succeeded`
        : `${describe(failed[0])} ${formatMs(failed[0]?.endMs ?? 0)} after SIGTERM`,
  };
}

function toAnnounced({ kept, fresh }: Observation, noticeMs: number): Point {
  const answers = [...kept, ...fresh].filter(({ sentMs, status }) => sentMs >= noticeMs && status !== null);
  const silent = answers.filter(({ isClosing }) => !isClosing);
  return {
    name: 'answers with Connection: close',
    isHeld: answers.length === 0 ? null : silent.length === 0,
    found:
      answers.length === 0
        ? 'no answer came after SIGTERM'
        : silent.length === 0
          ? `on all ${answers.length} answers after SIGTERM`
          : `not on ${silent.length} of ${answers.length} answers after SIGTERM`,
  };
}

function toKept({ closedIdleMs }: Observation): Point {
  const [firstMs] = closedIdleMs;
  return {
    name: 'closes no kept connection unannounced',
    isHeld: closedIdleMs.length === 0,
    found:
      firstMs === undefined
        ? 'none'
        : `${closedIdleMs.length} closed, the first ${formatMs(Math.max(0, firstMs))} after SIGTERM`,
  };
}

function toAnswered({ kept, fresh }: Observation): Point {
  const written = [...kept, ...fresh].filter(({ failure }) => failure !== 'refused');
  const cut = written.filter(({ failure }) => failure !== null);
  return {
    name: 'answers every request it took',
    isHeld: cut.length === 0,
    found:
      cut.length === 0
        ? `${written.length} requests`
        : `${cut.length} of ${written.length} lost, the first ${formatMs(Math.max(0, cut[0]?.endMs ?? 0))} after SIGTERM`,
  };
}

/** Shown where at least one of them was in flight whenever SIGTERM can have come. */
function toInFlight({ slow, exit }: Observation, sigtermWithinMs: number): Point {
  const name = 'finishes what is in flight';
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
    return { name, isHeld: null, found: 'it was not in flight when SIGTERM came, or may have come' };
  }
  const lastMs = Math.max(...taken.map(({ endMs }) => endMs));
  const found = `${taken.length} of ${formatMs(taken[0] === undefined ? 0 : taken[0].endMs - taken[0].sentMs)}, the last done ${formatMs(lastMs)} after SIGTERM`;
  return { name, isHeld: exit === null || lastMs <= exit.atMs + END_MS, found };
}

function toExitCode({ exit }: Observation): Point {
  return {
    name: 'exits 0',
    isHeld: exit !== null && exit.code === 0,
    found:
      exit === null
        ? 'it did not exit'
        : exit.signal === null
          ? `code ${exit.code}`
          : `ended by ${exit.signal}`,
  };
}

function toExitTime({ exit }: Observation, graceMs: number): Point {
  return {
    name: `has ended within ${formatMs(graceMs)}`,
    isHeld: exit !== null,
    found: exit === null ? 'it did not' : `${formatMs(exit.atMs)} after SIGTERM`,
  };
}

function describe(exchange: Exchange | undefined): string {
  if (exchange === undefined) return '-';
  return exchange.status === null ? `${exchange.failure}` : `status ${exchange.status}`;
}

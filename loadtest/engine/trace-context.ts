import { randomBytes } from 'node:crypto';
import type { Endpoint, PlannedRequest } from './settlement.ts';

/**
 * Gives each request a trace of its own, by a `traceparent` field (W3C Trace Context, level 1:
 * https://www.w3.org/TR/trace-context-1/). Plain data: it goes to the thread that sends.
 */
export interface TraceContext {
  /** 16 hexadecimal digits that start every trace id of one load: random, and not all zero, in either half. */
  readonly prefix: string;
  /** Does the caller ask for the trace to be recorded (§3.2.4.1)? */
  readonly isSampled: boolean;
}

/** How requests are traced: `unsampled` names a trace, and leaves it to others to record it. */
export const TRACE_MODES = ['unsampled', 'sampled', 'off'] as const;

export type TraceMode = (typeof TRACE_MODES)[number];

/** Another one at each call, so that no two loads share a trace; null: requests are not traced. */
export function createTraceContext(mode: TraceMode): TraceContext | null {
  if (mode === 'off') return null;
  const bytes = randomBytes(8);
  // An id must not be all zero (§3.2.2.3, §3.2.2.4).
  for (const at of [0, 4]) bytes[at] = (bytes[at] ?? 0) | 1;
  return { prefix: bytes.toString('hex'), isSampled: mode === 'sampled' };
}

/** The traces of one load. */
export interface Traces {
  idOf(request: Pick<PlannedRequest, 'index'>): string;
  /** The value of the field. Its parent id is different in each trace, and never all zero. */
  traceparentOf(request: Pick<PlannedRequest, 'index'>): string;
}

/**
 * The id of each request's trace is the prefix, then its index in 16 digits. The index is scrambled, because samplers
 * decide by the last digits and take them for random; no two indices become the same.
 */
export function createTraces({ prefix, isSampled }: TraceContext): Traces {
  const salt = Number.parseInt(prefix.slice(8), 16);
  // Filled in for each request: strings put together digit by digit would cost several times as much.
  const field = Buffer.from(
    `00-${prefix}${NO_DIGITS}${NO_DIGITS}-${prefix.slice(8)}${NO_DIGITS}-0${isSampled ? 1 : 0}`,
  );
  const fill = (index: number) => {
    const low = scramble(index ^ salt);
    putHex(field, LOW_AT, low);
    putHex(field, LOW_AT + 8, scramble(Math.floor(index / 2 ** 32) ^ low));
    putHex(field, PARENT_LOW_AT, low);
  };
  return {
    idOf({ index }) {
      fill(index);
      return field.toString('latin1', 3, 35);
    },
    traceparentOf({ index }) {
      fill(index);
      return field.toString('latin1');
    },
  };
}

const NO_DIGITS = '00000000';
/** Where in the field the digits stand that differ. */
const LOW_AT = 19;
const PARENT_LOW_AT = 44;

/** Does the user say what the trace of requests with these headers is? */
export function hasOwnTrace(headers: Endpoint['headers'] = {}): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'traceparent');
}

/** The finaliser of MurmurHash3: a bijection of 32 bits. */
function scramble(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const DIGITS = Buffer.from('0123456789abcdef');

/** The 32 bits as 8 digits. */
function putHex(into: Buffer, at: number, bits: number): void {
  for (let position = at + 7, rest = bits; position >= at; position -= 1, rest >>>= 4) {
    into[position] = DIGITS[rest & 15] ?? 0;
  }
}

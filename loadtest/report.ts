import { decodeHistogram } from './histogram.ts';
import { isOutcome, type Outcome } from './outcome.ts';
import { CELL_PRECISION, SERIES_PRECISION } from './record.ts';
import {
  array,
  boolean,
  count,
  dictionary,
  literal,
  nullable,
  number,
  object,
  type Shape,
  type ShapeOf,
  string,
  union,
} from './shape.ts';
import { UsageError } from './usage-error.ts';

/** Changes when a reader of the old one would misread the new one. */
const SCHEMA = 'dropless.loadtest/1';

const outcome: Shape<Outcome> = (value, place) => {
  const name = string(value, place);
  if (!isOutcome(name)) throw new TypeError(`${place} must be an outcome, but is ${JSON.stringify(name)}`);
  return name;
};

const outcomeCounts: Shape<Partial<Record<Outcome, number>>> = (value, place) => {
  const counts = dictionary(count)(value, place);
  for (const name of Object.keys(counts)) outcome(name, place);
  return counts;
};

function histogram(precision: Parameters<typeof decodeHistogram>[1]) {
  const encoded = object({ count, sumUs: count, maxUs: count, hdr: string });
  return ((value, place) => {
    const read = encoded(value, place);
    try {
      decodeHistogram(read, precision);
    } catch {
      throw new TypeError(`${place} must be a histogram of ${read.count} values, but is not`);
    }
    return read;
  }) satisfies Shape<unknown>;
}

const connection = object({
  id: count,
  reused: boolean,
  setupMs: number(),
  ageMs: number(),
  idleMs: number(),
  requests: count,
  localPort: nullable(count),
  // Reports written before it was known lack it.
  remoteAddress: (value, place) => nullable(string)(value ?? null, place),
});

const record = object({
  planned: count,
  sent: count,
  settled: count,
  slotMs: number(1),
  phases: array(object({ name: string, fromMs: number(0) })),
  cells: array(
    object({
      endpoint: count,
      phase: string,
      version: nullable(string),
      outcomes: outcomeCounts,
      response: histogram(CELL_PRECISION),
      service: histogram(CELL_PRECISION),
      failed: histogram(CELL_PRECISION),
      lag: histogram(CELL_PRECISION),
    }),
  ),
  series: array(
    object({
      slot: count,
      version: nullable(string),
      outcomes: outcomeCounts,
      response: histogram(SERIES_PRECISION),
    }),
  ),
  failures: array(
    object({
      index: count,
      endpoint: count,
      intendedMs: number(),
      sentMs: nullable(number()),
      endMs: number(),
      outcome,
      status: nullable(count),
      bytesReceived: count,
      connection: nullable(connection),
      pod: nullable(string),
      version: nullable(string),
      detail: nullable(string),
      phase: string,
      endPhase: string,
    }),
  ),
});

const report = object({
  /** What was asked for: the same in all parts of one run. */
  setup: object({
    target: string,
    endpoints: array(object({ name: string, method: string, path: string, weight: number(0) })),
    model: union({
      open: object({
        kind: literal('open'),
        stages: array(object({ durationMs: number(0), fromRate: number(0), toRate: number(0) })),
      }),
      closed: object({ kind: literal('closed'), connections: count, durationMs: number(0) }),
    }),
    freshShare: number(0),
    maxRequests: nullable(count),
    seed: count,
    timeoutMs: number(0),
    /** The moment agreed upon for the start, RFC 3339; null: none was. */
    startAt: nullable(string),
  }),
  shards: object({
    /** Parts of the whole plan; 1: it was not divided. */
    of: count,
    /** The parts that are in this report, from 0. */
    present: array(count),
    /** Those of them that were given more than once, and counted once. */
    duplicates: array(count),
    isMerged: boolean,
  }),
  /** RFC 3339. */
  startedAt: string,
  durationMs: number(0),
  runtime: string,
  isInterrupted: boolean,
  /** What does not add up in the ledger; null: it balances. */
  ledgerFault: nullable(string),
  /** As they were written on the command line. */
  requirements: array(string),
  /** The target's own figures for the same requests, by endpoint; null: it offers none. */
  server: nullable(array(object({ endpoint: count, count, sumMs: number(0) }))),
  record,
});

/** All that is known of a run or of a part of it. What follows from it, as percentiles and verdict, is not here. */
export type Report = ShapeOf<typeof report>;
export type ServerLatency = NonNullable<Report['server']>[number];

/** The report as one line of text. `derived` is for readers with other tools; `parseReport` leaves it out. */
export function formatReport(given: Report, derived: object): string {
  return `${JSON.stringify({ schema: SCHEMA, ...derived, ...given })}\n`;
}

/**
 * @param place name of the file, for the fault's message
 * @throws {UsageError} where the text is not a report of this schema
 */
export function parseReport(text: string, place: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${place} is not JSON; give a file that loadtest run --json has written`);
  }
  try {
    const { schema } = object({ schema: string })(value, 'the report');
    if (schema !== SCHEMA) throw new TypeError(`schema must be ${SCHEMA}, but is ${schema}`);
    return report(value, 'the report');
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${place} is no report of this version: ${error.message}`);
  }
}

/** The reports among the lines of a log; other lines are left out. */
export function findReports(text: string, place: string): Report[] {
  const lines = text.split('\n').filter((line) => line.startsWith(`{"schema":"dropless.loadtest/`));
  return (lines.length === 0 ? [text] : lines).map((line) => parseReport(line, place));
}

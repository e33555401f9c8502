import { Fault } from '../cli/fault.ts';
import { decodeHistogram } from '../load/histogram.ts';
import { CELL_PRECISION, SERIES_PRECISION } from '../load/record.ts';
import { endingCounts, outcomeCounts, settlementFields } from './settlement-shape.ts';
import {
  addedLater,
  array,
  boolean,
  count,
  finite,
  literal,
  nullable,
  object,
  type Shape,
  type ShapeOf,
  shapeOf,
  string,
  union,
} from './shape.ts';

/** Changes when a reader of the old one would misread the new one. */
export const RUN_SCHEMA = 'dropless.run/1';

/** Failures listed in full in a report; `record` counts all. */
export const MAX_FAILURES_PER_OUTCOME = 100;

function histogram(precision: Parameters<typeof decodeHistogram>[1]) {
  const encoded = object({ count, sumUs: count, maxUs: count, hdr: string });
  return shapeOf(encoded.schema, (value, place) => {
    const read = encoded(value, place);
    try {
      decodeHistogram(read, precision);
    } catch {
      throw new Fault(`${place} must be a histogram of ${read.count} values, but is not`);
    }
    return read;
  });
}

/** What a load measured, in a run or in a proof. */
export const loadRecord = object({
  planned: count,
  sent: count,
  settled: count,
  connections: object({ tried: count, established: count, endings: endingCounts }),
  slotMs: finite(1),
  phases: array(object({ name: string, fromMs: finite(0) })),
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
});

/** A run, without what can be derived. */
export const runShape = object({
  /** What was requested: the same in all parts of one run. */
  setup: object({
    target: string,
    endpoints: array(object({ name: string, method: string, path: string, weight: finite(0) })),
    /** SHA-256 of the files of --requests and --data, with the bodies that they name; null: none was given. */
    requests: addedLater(nullable(string), null),
    model: union({
      open: object({
        kind: literal('open'),
        stages: array(object({ durationMs: finite(0), fromRate: finite(0), toRate: finite(0) })),
      }),
      closed: object({ kind: literal('closed'), connections: count, durationMs: finite(0) }),
    }),
    freshShare: finite(0),
    maxRequests: nullable(count),
    seed: count,
    timeoutMs: finite(0),
    /** The agreed start time, RFC 3339; null: none. */
    startAt: nullable(string),
  }),
  shards: object({
    /** Parts of the whole plan; 1: it was not divided. */
    of: count,
    /** The parts that are in this report, from 0. */
    present: array(count),
    /** The parts that were given more than once, and counted once. */
    duplicates: array(count),
    isMerged: boolean,
  }),
  /** Start time, RFC 3339. */
  startedAt: string,
  durationMs: finite(0),
  runtime: string,
  isInterrupted: boolean,
  /** What does not add up in the ledger; null: it balances. */
  ledgerFault: nullable(string),
  /** As written on the command line. */
  requirements: array(string),
  /** The target's own figures for the same requests, by endpoint; null: it offers none. */
  server: nullable(array(object({ endpoint: count, count, sumMs: finite(0) }))),
  record: loadRecord,
  /** Requests that were not ok, in the order of the plan: the first `MAX_FAILURES_PER_OUTCOME` of each outcome. */
  failures: array(object({ ...settlementFields, phase: string, endPhase: string })),
});

/**
 * All that is known of a run or of a part of it. What can be derived from it, such as percentiles and the verdict,
 * is not here.
 */
export type Report = ShapeOf<typeof runShape>;
export type ServerLatency = NonNullable<Report['server']>[number];

/** The report as one line of text. `derived` is for other tools; `parseReport` ignores it. */
export function formatRunReport(given: Report, derived: object): string {
  return `${JSON.stringify({ schema: RUN_SCHEMA, ...derived, ...given })}\n`;
}

/**
 * @param place name of the file, for the fault's message
 * @throws {Fault} where the text is not a report of this schema
 */
export function parseReport(text: string, place: string): Report {
  return parseAs(text, place, 'run --json', (value, at) => {
    schemaOf(RUN_SCHEMA)(value, at);
    return runShape(value, at);
  });
}

/** The schema of a report; it must be one of these. */
export function schemaOf<const S extends string>(...known: readonly S[]): Shape<S> {
  return shapeOf({ enum: known }, (value, place) => {
    const { schema } = object({ schema: string })(value, place);
    const found = known.find((one) => one === schema);
    if (found === undefined) throw new Fault(`schema must be ${known.join(' or ')}, but is ${schema}`);
    return found;
  });
}

/**
 * Reads the JSON of a file.
 * @param writer what writes such files, for example `run --json`
 * @throws {Fault} that names the file, the place in it, and what is wrong there
 */
export function parseAs<T>(
  text: string,
  place: string,
  writer: string,
  read: (value: unknown, place: string) => T,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Fault(`${place} is not JSON; give a file that dropless ${writer} has written`);
  }
  try {
    return read(value, 'the report');
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(`${place} is no report of this version: ${error.message}`);
  }
}

/** The reports among the lines of a log; other lines are left out. */
export function findReports(text: string, place: string): Report[] {
  const lines = text.split('\n').filter((line) => line.startsWith(`{"schema":"dropless.run/`));
  return (lines.length === 0 ? [text] : lines).map((line) => parseReport(line, place));
}

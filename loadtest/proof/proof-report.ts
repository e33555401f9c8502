import { EXIT_CODES, type Exit } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import type { Slot } from '../load/tally.ts';
import { parseAs, schemaOf } from '../report/report.ts';
import { countsOf, outcomeCounts, settlementFields } from '../report/settlement-shape.ts';
import {
  array,
  boolean,
  count,
  literal,
  nullable,
  number,
  object,
  type Shape,
  string,
} from '../report/shape.ts';
import type { Loss } from './attribution.ts';
import { CAUSES } from './cause.ts';
import type { Proof } from './proof.ts';
import { formatRemoval, parseRemoval, type Removal } from './safeguard.ts';
import { DISRUPTIONS, type Mark } from './scene.ts';
import { type Series, toSeriesVerdict } from './series.ts';
import { PHASES, type PodTimeline, type Span } from './timeline.ts';
import type { Verdict } from './verdict.ts';

/** Changes when a reader of the old one would misread the new one. */
export const PROOF_SCHEMA = 'dropless.proof/4';

/** Losses told one by one in a report: beyond so many the story does not get better. */
export const MAX_LOSSES = 5_000;

/** The series as one line of JSON: of each proof the first losses, and the number of all. */
export function formatReport(series: Series): string {
  return `${JSON.stringify(toReport(series))}\n`;
}

/** What the JSON of a series holds. */
export function toReport({ proofs, controls, cutShort }: Series) {
  const toReported = (proof: Proof) => ({
    ...proof,
    without: proof.without.map(formatRemoval),
    losses: proof.losses.slice(0, MAX_LOSSES),
  });
  return {
    schema: PROOF_SCHEMA,
    verdict: toSeriesVerdict({ proofs, cutShort }),
    cutShort,
    proofs: proofs.map(toReported),
    controls: controls.map(toReported),
  };
}

/**
 * Reads what `toReport` has made: the series is the one that was written, but for the losses that it leaves out.
 * @param place name of the file, for the fault's message
 * @throws {Fault} where the text is not a report of this schema, or its verdict not that of its proofs
 */
export function parseSeries(text: string, place: string): Series {
  return parseAs(text, place, 'prove --json', (value, at) => {
    schemaOf(PROOF_SCHEMA)(value, at);
    const { verdict: given, ...series } = report(value, at);
    // A report that somebody has mended must not turn green by that.
    const { kind } = toSeriesVerdict(series);
    if (kind !== given.kind) {
      throw new Fault(`${at}.verdict.kind must be ${kind}, as its proofs are, but is ${given.kind}`);
    }
    return series;
  });
}

/** One of the registry's keys. */
function keyOf<K extends string>(registry: Readonly<Record<K, unknown>>): Shape<K> {
  // The type of Object.keys does not know that a registry has no more keys than its type.
  return literal(...(Object.keys(registry) as K[]));
}

const EXIT_OF = {
  proven: 'proven',
  losses: 'failed',
  inconclusive: 'inconclusive',
} as const satisfies Record<Verdict['kind'], Exit>;

const verdictFields: Shape<Verdict> = object({
  kind: keyOf(EXIT_OF),
  exit: keyOf(EXIT_CODES),
  sentence: string,
  doubts: array(string),
  upperBound: nullable(number(0)),
});

const verdict: Shape<Verdict> = (value, place) => {
  const read = verdictFields(value, place);
  literal(EXIT_OF[read.kind])(read.exit, `${place}.exit`);
  return read;
};

const POD_BY = { connection: true, elimination: true } as const satisfies Record<
  NonNullable<Loss['podBy']>,
  true
>;

const loss: Shape<Loss> = object({
  settlement: object(settlementFields),
  pod: nullable(string),
  podBy: nullable(keyOf(POD_BY)),
  phase: keyOf(PHASES),
  cause: keyOf(CAUSES),
  why: string,
});

const mark: Shape<Mark> = object({ atMs: number(), text: string });

const span: Shape<Span> = object({ fromMs: number(), toMs: nullable(number()) });

const timeline: Shape<PodTimeline> = object({
  pod: string,
  version: nullable(string),
  node: nullable(string),
  isProbed: boolean,
  scheduledMs: nullable(number()),
  startedMs: nullable(number()),
  ready: array(span),
  endpoint: array(span),
  terminatingMs: nullable(number()),
  graceMs: nullable(number(0)),
  sigtermMs: nullable(number()),
  exit: nullable(object({ atMs: number(), code: nullable(number()), signal: nullable(string) })),
  nodeLostMs: nullable(number()),
  goneMs: nullable(number()),
});

const slot: Shape<Slot> = object({ fromMs: number(), version: nullable(string), outcomes: outcomeCounts });

const removal: Shape<Removal> = (value, place) => {
  const text = string(value, place);
  try {
    return parseRemoval(text);
  } catch (error) {
    throw new Fault(`${place} ${(error as Error).message}, but is ${JSON.stringify(text)}`);
  }
};

const proof: Shape<Proof> = object({
  disruption: keyOf(DISRUPTIONS),
  without: array(removal),
  target: string,
  startedAt: string,
  durationMs: number(0),
  endpoints: array(string),
  planned: count,
  ok: count,
  lost: count,
  givenUp: count,
  outcomes: outcomeCounts,
  lagP99Ms: number(),
  causes: countsOf(keyOf(CAUSES)),
  losses: array(loss),
  marks: array(mark),
  timelines: array(timeline),
  slots: array(slot),
  leftBehind: array(string),
  verdict,
});

const report = object({
  verdict,
  cutShort: nullable(string),
  proofs: array(proof),
  controls: array(proof),
});

import { EXIT_CODES, type Exit } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import { latencySummaryShape, requirementShape } from '../report/findings-shape.ts';
import { loadRecord, parseAs, schemaOf } from '../report/report.ts';
import { countsOf, outcomeCounts, settlementFields } from '../report/settlement-shape.ts';
import {
  addedLater,
  array,
  boolean,
  count,
  finite,
  type JsonSchema,
  keyOf,
  literal,
  nullable,
  object,
  type Shape,
  shapeOf,
  string,
  toDocument,
  withDerived,
} from '../report/shape.ts';
import type { Loss } from './attribution.ts';
import { CAUSES } from './cause.ts';
import type { Fix } from './fix.ts';
import { HAZARDS, type Hazard, toCosts } from './hazard.ts';
import type { Judged, Proof } from './judgement.ts';
import { toPhaseLatencies } from './latency.ts';
import type { ManifestChange } from './manifest-change.ts';
import type { PodMargins } from './margin.ts';
import { PROOF_PHASES } from './proof-load.ts';
import { formatRemoval, parseRemoval, type Removal } from './safeguard.ts';
import { DISRUPTIONS, type Mark } from './scene.ts';
import { type Series, toSeriesVerdict } from './series.ts';
import { PHASES, type PodTimeline, type Span } from './timeline.ts';
import type { VantagePoint } from './vantage-point.ts';
import type { ProofVerdict } from './verdict.ts';

/** Changes when a reader of the old one would misread the new one. */
export const PROOF_SCHEMA = 'dropless.proof/4';

/** Losses listed one by one in a report; all are counted. */
export const MAX_LOSSES = 5_000;

/** The series as one line of JSON, with the first losses of each proof and the number of all. */
export function formatProofReport(series: Series): string {
  return `${JSON.stringify(toReport(series))}\n`;
}

/** What the JSON of a series holds. */
export function toReport({ proofs, controls, cutShort }: Series) {
  const toReported = (proof: Proof) => ({
    ...proof,
    without: proof.without.map(formatRemoval),
    ...toDerived(proof, MAX_LOSSES),
  });
  return {
    schema: PROOF_SCHEMA,
    verdict: toSeriesVerdict({ proofs, cutShort }),
    cutShort,
    proofs: proofs.map(toReported),
    controls: controls.map(toReported),
  };
}

/** What a report has beside, or in the place of, what was judged: the first losses, and what follows, for other tools. */
export function toDerived({ record, hazards, losses }: Judged, maxLosses: number) {
  return {
    latency: toPhaseLatencies(record),
    hazards: hazards.map((found) => ({ ...found, expectedLosses: toCosts(found) })),
    losses: losses.slice(0, maxLosses),
  };
}

/**
 * Reads what `toReport` wrote: the same series, except for the losses that were left out.
 * @param place name of the file, for the fault's message
 * @throws {Fault} where the text is not a report of this schema, or its verdict does not match its proofs
 */
export function parseSeries(text: string, place: string): Series {
  return parseAs(text, place, 'prove --json', (value, at) => {
    schemaOf(PROOF_SCHEMA)(value, at);
    const { verdict: given, ...series } = report(value, at);
    // A report that somebody has edited must not turn green that way.
    const { kind } = toSeriesVerdict(series);
    if (kind !== given.kind) {
      throw new Fault(`${at}.verdict.kind must be ${kind} to match its proofs, but is ${given.kind}`);
    }
    return series;
  });
}

/** Each kind of verdict with its exit. */
export const VERDICT_EXITS = {
  proven: 'proven',
  losses: 'failed',
  missed: 'failed',
  inconclusive: 'inconclusive',
  'at-risk': 'at-risk',
} as const satisfies Record<ProofVerdict['kind'], Exit>;

const verdictFields: Shape<ProofVerdict> = object({
  kind: keyOf(VERDICT_EXITS),
  exit: keyOf(EXIT_CODES),
  sentence: string,
  doubts: array(string),
  upperBound: nullable(finite(0)),
});

export const verdictShape: Shape<ProofVerdict> = shapeOf(verdictFields.schema, (value, place) => {
  const read = verdictFields(value, place);
  literal(VERDICT_EXITS[read.kind])(read.exit, `${place}.exit`);
  return read;
});

const POD_BY = { connection: true, 'direct-probe': true, elimination: true } as const satisfies Record<
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

const mark: Shape<Mark> = object({ atMs: finite(), text: string });

const span: Shape<Span> = object({ fromMs: finite(), toMs: nullable(finite()) });

const timeline: Shape<PodTimeline> = object({
  pod: string,
  version: nullable(string),
  node: nullable(string),
  isProbed: boolean,
  scheduledMs: nullable(finite()),
  startedMs: nullable(finite()),
  ready: array(span),
  endpoint: array(span),
  terminatingMs: nullable(finite()),
  graceMs: nullable(finite(0)),
  sigtermMs: nullable(finite()),
  exit: nullable(
    object({
      atMs: finite(),
      code: nullable(finite()),
      signal: nullable(string),
      isOomKilled: addedLater(boolean, false),
    }),
  ),
  nodeLostMs: nullable(finite()),
  goneMs: nullable(finite()),
  direct: addedLater(
    nullable(
      object({
        accepts: array(span),
        refuses: array(span),
        answeredMs: nullable(finite()),
        closed: array(object({ atMs: finite(), idleMs: finite(0) })),
      }),
    ),
    null,
  ),
});

const vantagePoint: Shape<VantagePoint> = object({
  from: string,
  requests: count,
  lost: count,
  ledForMs: nullable(finite(0)),
});

const podMargins: Shape<PodMargins> = object({
  pod: string,
  ledForMs: nullable(finite(0)),
  ledFrom: addedLater(nullable(string), null),
  acceptedForMs: nullable(finite(0)),
  graceLeftMs: nullable(finite(0)),
  firstResponseMs: nullable(finite(0)),
  firstResponseFrom: addedLater(nullable(string), null),
});

const change: Shape<ManifestChange | null> = nullable(
  object({ preStopMs: nullable(finite(0)), graceMs: nullable(finite(0)), isSurged: boolean }),
);

const fix: Shape<Fix> = object({ cause: keyOf(CAUSES), text: string, change });

const expectedLosses = nullable(array(object({ roundTripMs: finite(0), lost: finite(0) })));

const hazardFields: Shape<Hazard> = object({
  hazard: keyOf(HAZARDS),
  pod: nullable(string),
  atMs: finite(),
  why: string,
  fix: string,
  change,
  exposure: nullable(object({ connections: count, perSecond: finite(0) })),
});

const hazard = withDerived(hazardFields, { expectedLosses });

const removal: Shape<Removal> = shapeOf({ type: 'string' }, (value, place) => {
  const text = string(value, place);
  try {
    return parseRemoval(text);
  } catch (error) {
    throw new Fault(`${place} ${(error as Error).message}, but is ${JSON.stringify(text)}`);
  }
});

/** For `object()`: what every report says of a stretch of load that was judged. */
export const judgedFields = {
  durationMs: finite(0),
  endpoints: array(string),
  planned: count,
  ok: count,
  lost: count,
  givenUp: count,
  outcomes: outcomeCounts,
  lagP99Ms: finite(),
  requirements: array(requirementShape),
  causes: countsOf(keyOf(CAUSES)),
  fixes: array(fix),
  losses: array(loss),
  timelines: array(timeline),
  margins: array(podMargins),
  vantagePoints: addedLater(array(vantagePoint), []),
  hazards: array(hazard),
  allowed: array(keyOf(HAZARDS)),
  record: loadRecord,
  leftBehind: array(string),
  verdict: verdictShape,
} satisfies { readonly [K in keyof Judged]: Shape<Judged[K]> };

const proofFields: Shape<Proof> = object({
  disruption: keyOf(DISRUPTIONS),
  without: array(removal),
  target: string,
  startedAt: string,
  marks: array(mark),
  ...judgedFields,
});

export const latencyShape = array(
  object({
    phase: literal(...PROOF_PHASES),
    version: nullable(string),
    requests: count,
    lost: count,
    response: latencySummaryShape,
  }),
);

const proof = withDerived(proofFields, { latency: latencyShape });

const report = object({
  verdict: verdictShape,
  cutShort: nullable(string),
  proofs: array(proof),
  controls: array(proof),
});

/** The report as JSON Schema, draft 2020-12: made of the same shapes that read it. */
export function toProofSchema(): JsonSchema {
  const document = toDocument(
    PROOF_SCHEMA,
    'What `dropless prove --json` writes. Times are ms since the load began.',
    report,
  );
  const proofs = { type: 'array', items: { $ref: '#/$defs/proof' } };
  return {
    ...document,
    properties: { ...(document.properties as JsonSchema), proofs, controls: proofs },
    $defs: { proof: proof.schema },
  };
}

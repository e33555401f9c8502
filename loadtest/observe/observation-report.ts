import { CAUSES } from '../proof/cause.ts';
import { HAZARDS } from '../proof/hazard.ts';
import { judgedFields, latencyShape, toDerived, VERDICT_EXITS, verdictShape } from '../proof/proof-report.ts';
import { parseAs, schemaOf } from '../report/report.ts';
import { countsOf, outcomeCounts } from '../report/settlement-shape.ts';
import {
  array,
  count,
  dictionary,
  finite,
  type JsonSchema,
  keyOf,
  literal,
  object,
  type ShapeOf,
  string,
  union,
  withDerived,
} from '../report/shape.ts';
import type { ObservationResult } from './observer.ts';
import { REPLACEMENT_REASONS } from './replacement.ts';
import type { JudgedStretch } from './totals.ts';

/** Changes when a reader of the old one would misread the new one. */
const OBSERVATION_SCHEMA = 'dropless.observation/1';

/** Losses listed one by one in a line; all are counted. */
const MAX_LISTED = 100;

/** One replacement, or losses outside of all, as a line of JSON. */
export function formatStretchLine(stretch: JudgedStretch): string {
  return toLine(toStretchLine(stretch));
}

export function toStretchLine(judged: JudgedStretch) {
  const { reasons, record: _, requirements: __, leftBehind: ___, ...stretch } = judged;
  const common = { ...stretch, ...toDerived(judged, MAX_LISTED) };
  return reasons.length === 0
    ? ({ schema: OBSERVATION_SCHEMA, kind: 'losses', ...common } as const)
    : ({ schema: OBSERVATION_SCHEMA, kind: 'replacement', reasons, ...common } as const);
}

/** The last line. */
export function formatSummaryLine(target: string, startedAt: string, observed: ObservationResult): string {
  return toLine(toSummaryLine(target, startedAt, observed));
}

/** @param startedAt RFC 3339 */
export function toSummaryLine(
  target: string,
  startedAt: string,
  { durationMs, verdict, outcomes, totals }: ObservationResult,
) {
  const { replacements, lostInReplacements, lostOutside, givenUp, causes, hazards } = totals;
  return {
    schema: OBSERVATION_SCHEMA,
    kind: 'summary',
    verdict,
    target,
    startedAt,
    durationMs,
    outcomes: { ...outcomes },
    replacements,
    lostInReplacements,
    lostOutside,
    givenUp,
    causes,
    hazards,
  } as const;
}

function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

const { requirements: _, record: __, leftBehind: ___, ...told } = judgedFields;
const stretchFields = { startedAt: string, ...told };
const derived = { latency: latencyShape };

const line = union({
  replacement: withDerived(
    object({
      kind: literal('replacement'),
      reasons: array(object({ reason: keyOf(REPLACEMENT_REASONS), text: string, pods: array(string) })),
      ...stretchFields,
    }),
    derived,
  ),
  losses: withDerived(object({ kind: literal('losses'), ...stretchFields }), derived),
  summary: object({
    kind: literal('summary'),
    verdict: verdictShape,
    target: string,
    startedAt: string,
    durationMs: finite(0),
    outcomes: outcomeCounts,
    /** By verdict, and in each by the first reason. */
    replacements: dictionary(keyOf(VERDICT_EXITS), countsOf(keyOf(REPLACEMENT_REASONS))),
    lostInReplacements: count,
    lostOutside: count,
    givenUp: count,
    causes: countsOf(keyOf(CAUSES)),
    hazards: countsOf(keyOf(HAZARDS)),
  }),
});

type ObservationLine = ShapeOf<typeof line>;

/**
 * Reads what `observe --json` wrote.
 * @param place name of the file, for the fault's message
 * @throws {Fault} where a line is not one of this schema
 */
export function parseObservation(text: string, place: string): ObservationLine[] {
  return text
    .split('\n')
    .filter((each) => each !== '')
    .map((each, index) =>
      parseAs(each, `${place}:${index + 1}`, 'observe --json', (value, at) => {
        schemaOf(OBSERVATION_SCHEMA)(value, at);
        return line(value, at);
      }),
    );
}

/** A line as JSON Schema, draft 2020-12: made of the same shapes that read it. */
export function toObservationSchema(): JsonSchema {
  const kinds = line.schema.oneOf as readonly JsonSchema[];
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: OBSERVATION_SCHEMA,
    description:
      'A line of what `dropless observe --json` writes. Times are ms since `startedAt` of the line.',
    oneOf: kinds.map((kind) => ({
      ...kind,
      required: ['schema', ...(kind.required as string[])],
      properties: { schema: { const: OBSERVATION_SCHEMA }, ...(kind.properties as JsonSchema) },
    })),
  };
}

import { COMPARISON_SCHEMA, type Comparison, type Sides } from './comparison.ts';
import type { PercentileRange } from './noise.ts';
import {
  array,
  boolean,
  count,
  finite,
  type JsonSchema,
  literal,
  nullable,
  object,
  type Shape,
  string,
  toDocument,
} from './shape.ts';

const sides = <T>(shape: Shape<T>): Shape<Sides<T>> => object({ old: shape, new: shape });

const range: Shape<PercentileRange> = object({
  ms: finite(0),
  leastMs: finite(0),
  mostMs: nullable(finite(0)),
});
const counts = object({ name: string, old: count, new: count, isMoreThanNoise: boolean });

const comparison: Shape<Comparison> = object({
  kind: literal('run', 'proof'),
  target: sides(string),
  startedAt: sides(string),
  verdict: sides(object({ kind: string, sentence: string })),
  requests: sides(count),
  confidence: finite(0),
  lost: counts,
  outcomes: array(counts),
  causes: array(counts),
  latencies: array(
    object({
      group: string,
      percentile: finite(0),
      old: nullable(range),
      new: nullable(range),
      isMoreThanNoise: boolean,
    }),
  ),
  hazards: array(object({ name: string, old: count, new: count })),
  margins: array(object({ name: string, old: nullable(finite()), new: nullable(finite()) })),
});

/** A comparison as JSON Schema. */
export function toComparisonSchema(): JsonSchema {
  return toDocument(COMPARISON_SCHEMA, 'What `dropless report OLD NEW --json` writes.', comparison);
}

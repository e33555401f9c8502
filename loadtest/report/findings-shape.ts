import { EXIT_CODES } from '../cli/exit-code.ts';
import { RUN_SCHEMA, runShape } from './report.ts';
import type { RequirementResult } from './requirement.ts';
import { outcomeCounts } from './settlement-shape.ts';
import {
  array,
  count,
  finite,
  type JsonSchema,
  keyOf,
  literal,
  nullable,
  object,
  type Shape,
  string,
  toDocument,
  withDerived,
} from './shape.ts';
import type { LatencySummary, RunFindings } from './summary.ts';

const ms = nullable(finite(0));

export const latencySummaryShape: Shape<LatencySummary> = object({
  count,
  averageMs: ms,
  p50Ms: ms,
  p90Ms: ms,
  p95Ms: ms,
  p99Ms: ms,
  p999Ms: ms,
  maxMs: ms,
});

export const requirementShape: Shape<RequirementResult> = object({
  text: string,
  unit: literal('count', 'percent', 'perSecond', 'time'),
  actual: nullable(finite()),
  state: literal('met', 'missed', 'unknown'),
});

const VERDICT_KINDS: Readonly<Record<RunFindings['verdict']['kind'], true>> = {
  unbalanced: true,
  lost: true,
  missed: true,
  incomplete: true,
  late: true,
  interrupted: true,
  'not-ok': true,
  unmeasured: true,
  part: true,
  clean: true,
};

const group = { name: string, requests: count, notOk: count, lost: count, response: latencySummaryShape };

const findings = {
  verdict: object({
    kind: keyOf(VERDICT_KINDS),
    exit: keyOf(EXIT_CODES),
    sentence: string,
    latency: object({ kind: literal('trusted', 'generator-limited', 'unmeasured'), sentence: string }),
  }),
  summary: object({
    outcomes: outcomeCounts,
    requests: count,
    notOk: count,
    lost: count,
    ratePerSecond: finite(0),
    latency: object({
      response: latencySummaryShape,
      service: latencySummaryShape,
      lag: latencySummaryShape,
      failed: latencySummaryShape,
    }),
    endpoints: array(object({ ...group, totalDurationMs: finite(0), serverAverageMs: nullable(finite(0)) })),
    phases: array(object(group)),
    versions: array(object(group)),
    requirements: array(requirementShape),
  }),
} satisfies { readonly [K in keyof RunFindings]: Shape<RunFindings[K]> };

/** The report of a run as JSON Schema, with all that is derived for other tools. */
export function toRunSchema(): JsonSchema {
  const description =
    'What `dropless run --json`, and of a run `merge --json` and `report --json`, write. Times are ms since the load began.';
  return toDocument(RUN_SCHEMA, description, withDerived(runShape, findings));
}

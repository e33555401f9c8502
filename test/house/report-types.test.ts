import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as Published from '../../loadtest/library/dropless.d.ts';
import type * as Library from '../../loadtest/library/library.ts';
import type { toLintJson } from '../../loadtest/lint/report.ts';
import type { toStretchLine, toSummaryLine } from '../../loadtest/observe/observation-report.ts';
import type { toReport } from '../../loadtest/proof/proof-report.ts';
import type { COMPARISON_SCHEMA, Comparison } from '../../loadtest/report/comparison.ts';
import type * as Json from '../../loadtest/report/json.d.ts';
import { formatRunReport, type Report, type RUN_SCHEMA } from '../../loadtest/report/report.ts';
import { type RunFindings, toFindings } from '../../loadtest/report/summary.ts';
import { createSampleReport } from '../fixtures/sample-report.ts';

type Written = { readonly schema: typeof RUN_SCHEMA } & Report & RunFindings;

/** Both ways, so that the published types neither lack nor invent a field. `npm run check:types` is the test of it. */
type IsSame<A, B> = [Frozen<A>, Frozen<B>] extends [Frozen<B>, Frozen<A>] ? true : false;
type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;
// The kinds of a run's verdict are published as any text.
const isRunReport: IsSame<Omit<Json.RunReport, 'verdict'>, Omit<Written, 'verdict'>> = true;
const isProofReport: IsSame<
  Omit<Json.ProofReport, 'schema'>,
  Omit<ReturnType<typeof toReport>, 'schema'>
> = true;
const isComparison: IsSame<
  Json.ComparisonReport,
  { readonly schema: typeof COMPARISON_SCHEMA } & Comparison
> = true;

const isReplacement: IsSame<
  Omit<Json.ObservedReplacement, 'schema'>,
  Omit<Extract<ReturnType<typeof toStretchLine>, { kind: 'replacement' }>, 'schema'>
> = true;
const isLosses: IsSame<
  Omit<Json.ObservedLosses, 'schema'>,
  Omit<Extract<ReturnType<typeof toStretchLine>, { kind: 'losses' }>, 'schema'>
> = true;
const isSummary: IsSame<
  Omit<Json.ObservationSummary, 'schema'>,
  Omit<ReturnType<typeof toSummaryLine>, 'schema'>
> = true;
const isLint: IsSame<Omit<Json.LintReport, 'schema'>, Omit<ReturnType<typeof toLintJson>, 'schema'>> = true;

/** What is published is there, with the same arguments and results. */
const isLibrary: typeof Library extends typeof Published ? true : false = true;

test('the published types are those of the reports', () => {
  assert.ok(
    isRunReport &&
      isProofReport &&
      isComparison &&
      isReplacement &&
      isLosses &&
      isSummary &&
      isLint &&
      isLibrary,
  );
});

test('a run report is written as its types say', () => {
  const report = createSampleReport();
  const written: Json.RunReport = JSON.parse(formatRunReport(report, toFindings(report)));
  assert.equal(written.schema, 'dropless.run/1');
  assert.equal(written.summary.requests, written.record.planned);
  assert.equal(written.verdict.exit, 'failed');
});

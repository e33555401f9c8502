import { formatCount, formatFixed, formatMs } from '../cli/format.ts';
import { countOutcomes, sumCells } from '../load/record.ts';
import { VERDICT_WORDS } from '../report/html.ts';
import { type CaseResult, type TestCase, type TestSuite, toRequirementCases } from '../report/junit.ts';
import { escapeMarkdown, formatMarkdownTable } from '../report/markdown.ts';
import { type Table, toOutcomeTable, toRequirementTable } from '../report/tables.ts';
import { HAZARDS, type HazardId, toCosts } from './hazard.ts';
import type { Proof } from './judgement.ts';
import { nameRemovals } from './safeguard.ts';
import { type Series, toSeriesTable, toSeriesVerdict } from './series.ts';
import {
  formatProof,
  formatStory,
  toCauseTable,
  toControlRows,
  toHazardTable,
  toSentence,
  toWorth,
} from './summary.ts';
import { formatVerdict } from './verdict.ts';

/** Losses told one by one in a test report: the JSON report has more. */
const MAX_STORIES = 100;

/**
 * A series as suites of tests, one for each proof: that nothing is lost, that each hazard is absent, and each
 * requirement. What fails, or is in error, makes the exit code other than 0, and the other way round; controls never
 * do.
 * @param nowMs since the epoch: for a series without a proof
 */
export function toProofSuites({ proofs, controls, cutShort }: Series, nowMs: number): TestSuite[] {
  const [first] = proofs;
  return [
    ...proofs.map(toProofSuite),
    ...(first === undefined || controls.length === 0 ? [] : [toControlSuite(first, controls)]),
    ...(cutShort === null && first !== undefined ? [] : [toCutShortSuite(cutShort, first, nowMs)]),
  ];
}

function toProofSuite(proof: Proof, position: number): TestSuite {
  const { disruption, target, startedAt, durationMs, verdict, requirements, without } = proof;
  return {
    name: `${position + 1} ${disruption}`,
    startedAt,
    durationMs,
    properties: {
      target,
      disruption,
      ...(without.length === 0 ? {} : { without: nameRemovals(without) }),
      verdict: verdict.kind,
    },
    cases: [
      { name: 'no request is lost', durationMs, result: toLossResult(proof) },
      ...(Object.keys(HAZARDS) as HazardId[]).map((hazard) => toHazardCase(hazard, proof)),
      ...toRequirementCases(requirements, verdict.exit),
    ],
    output: formatProof(proof),
  };
}

function toLossResult({ verdict, losses, endpoints, fixes, causes }: Proof): CaseResult {
  const { kind, doubts } = verdict;
  if (kind !== 'losses' && doubts.length === 0) return { kind: 'passed' };
  if (kind !== 'losses') return { kind: 'error', type: kind, message: doubts.join('; '), details: '' };
  const details = [
    ...fixes.map(({ cause, text }) => `${cause} (${causes[cause] ?? 0}): ${text}`),
    ...losses.slice(0, MAX_STORIES).map((loss) => formatStory(loss, endpoints)),
  ].join('\n');
  return { kind: 'failure', type: kind, message: formatVerdict(verdict), details };
}

function toHazardCase(hazard: HazardId, { hazards, allowed }: Proof): TestCase {
  const found = hazards.filter((each) => each.hazard === hazard);
  const { title, shows } = HAZARDS[hazard];
  const toResult = (): CaseResult => {
    if (found.length === 0) return { kind: 'passed' };
    if (allowed.includes(hazard)) return { kind: 'skipped', message: `allowed, and seen: ${title}` };
    const details = found.map((each) => {
      const costs = toCosts(each)?.map(
        ({ roundTripMs, lost }) => `${formatFixed(lost, 2)} at ${roundTripMs} ms`,
      );
      const lost = costs === undefined ? '' : ` To be expected: ${costs.join(', ')} lost.`;
      return `${formatFixed(each.atMs / 1_000, 3)} s: ${each.why}.${lost} Fix: ${each.fix}`;
    });
    return { kind: 'failure', type: hazard, message: `${title}: ${shows}`, details: details.join('\n') };
  };
  return { name: `no hazard: ${hazard}`, durationMs: 0, result: toResult() };
}

function toControlSuite(proof: Proof, controls: readonly Proof[]): TestSuite {
  const { target, startedAt } = proof;
  return {
    name: 'controls',
    startedAt: controls[0]?.startedAt ?? startedAt,
    durationMs: controls.reduce((sum, { durationMs }) => sum + durationMs, 0),
    properties: { target },
    cases: controls.map((control) => ({
      name: `${nameRemovals(control.without)} is shown to matter`,
      durationMs: control.durationMs,
      result:
        toWorth(control, proof) === 'yes'
          ? { kind: 'passed' }
          : { kind: 'skipped', message: toSentence(control, proof) },
    })),
    output: controls.map((control) => toSentence(control, proof)).join('\n'),
  };
}

function toCutShortSuite(cutShort: string | null, first: Proof | undefined, nowMs: number): TestSuite {
  const message = cutShort ?? 'nothing was disrupted';
  return {
    name: 'series',
    startedAt: first?.startedAt ?? new Date(nowMs).toISOString(),
    durationMs: 0,
    properties: {},
    cases: [
      {
        name: 'every disruption is carried out',
        durationMs: 0,
        result: { kind: 'error', type: 'inconclusive', message, details: '' },
      },
    ],
    output: '',
  };
}

/** A series for a page that shows Markdown: the sums first, then what each proof has found. */
export function formatProofMarkdown(series: Series): string {
  const { proofs, controls, cutShort } = series;
  const [first] = proofs;
  const verdict = toSeriesVerdict(series);
  const { word, mark } = VERDICT_WORDS[verdict.exit];
  const what = first !== undefined && proofs.length === 1 ? first.disruption : `${proofs.length} disruptions`;
  const isAlone = proofs.length === 1 && cutShort === null;
  const sections = [
    ...(isAlone || first === undefined ? [] : [toSeriesTable(proofs)]),
    ...(first === undefined ? [] : [toEndpointTable(proofs), toOutcomeTable(sumOutcomes(proofs))]),
  ].map(formatMarkdownTable);
  return [
    `## ${mark} ${word}: ${what}${first === undefined ? '' : ` of ${escapeMarkdown(first.target)}`}\n`,
    `**${escapeMarkdown(formatVerdict(verdict))}**\n`,
    ...proofs.flatMap((proof, index) =>
      formatFindings(proof, isAlone ? '' : ` of ${index + 1} ${proof.disruption}`),
    ),
    ...sections,
    ...(first === undefined || controls.length === 0
      ? []
      : [formatMarkdownTable({ title: 'Controls', ...toControlRows(first, controls) })]),
    '',
  ].join('\n');
}

/** @param of which proof it is of, where there are several */
function formatFindings(proof: Proof, of: string): string[] {
  const { losses, hazards, requirements, fixes, leftBehind } = proof;
  const section = (table: Table) => formatMarkdownTable({ ...table, title: `${table.title}${of}` });
  const advice = [
    ...fixes.map(({ cause, text }) => `${cause}: ${text}`),
    ...(Object.keys(HAZARDS) as HazardId[]).flatMap((id) => {
      const found = hazards.find(({ hazard }) => hazard === id);
      return found === undefined ? [] : [`${id}: ${found.fix}`];
    }),
  ];
  return [
    ...(losses.length === 0 ? [] : [section(toCauseTable(proof))]),
    ...(hazards.length === 0 ? [] : [section(toHazardTable(proof))]),
    ...(advice.length === 0
      ? []
      : [`Fixes:\n\n${advice.map((text) => `- ${escapeMarkdown(text)}\n`).join('')}`]),
    ...(requirements.length === 0 ? [] : [section(toRequirementTable(proof))]),
    ...leftBehind.map((what) => `Not undone: ${escapeMarkdown(what)}\n`),
  ];
}

function sumOutcomes(proofs: readonly Proof[]) {
  const { outcomes } = sumCells(proofs.flatMap(({ record }) => record.cells));
  return { outcomes, requests: countOutcomes(outcomes).total };
}

/** Over all proofs: they send the same requests. */
function toEndpointTable(proofs: readonly Proof[]): Table {
  const cells = proofs.flatMap(({ record }) => record.cells);
  return {
    title: 'Endpoints',
    note: 'Latencies of ok responses, from the intended time to the end of the response.',
    columns: ['Endpoint', 'Requests', 'NotOk', 'Lost', 'p50', 'p99', 'Max'],
    rows: (proofs[0]?.endpoints ?? []).map((name, endpoint) => {
      const { outcomes, response } = sumCells(cells.filter((cell) => cell.endpoint === endpoint));
      const { total, notOk, lost } = countOutcomes(outcomes);
      const maxMs = response.count === 0 ? null : response.maxMs;
      return [
        name,
        ...[total, notOk, lost].map(formatCount),
        ...[response.percentileMs(50), response.percentileMs(99), maxMs].map(formatMs),
      ];
    }),
  };
}

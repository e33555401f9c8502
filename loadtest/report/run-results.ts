import { VERDICT_WORDS } from './html.ts';
import { type CaseResult, type TestSuite, toRequirementCases } from './junit.ts';
import { escapeMarkdown, formatMarkdownTable } from './markdown.ts';
import type { Report } from './report.ts';
import type { RunFindings } from './summary.ts';
import { formatTable, type Table } from './tables.ts';

/** Failures in a job summary: the reports have more. */
const SHOWN_FAILURES = 50;

/** A run as a suite of tests: that nothing is lost, and each requirement. It fails, or is in error, as the exit says. */
export function toRunSuite(report: Report, { summary, verdict }: RunFindings, output: string): TestSuite {
  const { setup, startedAt, durationMs } = report;
  return {
    name: `run ${setup.target}`,
    startedAt,
    durationMs,
    properties: { target: setup.target, verdict: verdict.kind },
    cases: [
      { name: 'no request is lost', durationMs, result: toLossResult(verdict, summary.requests, output) },
      ...toRequirementCases(summary.requirements, verdict.exit),
    ],
    output,
  };
}

function toLossResult(
  { kind, exit, sentence }: RunFindings['verdict'],
  requests: number,
  details: string,
): CaseResult {
  // The case of the requirement tells it.
  const isOther = kind === 'missed' || (kind === 'unmeasured' && requests > 0);
  if (exit === 'proven' || isOther) return { kind: 'passed' };
  return { kind: exit === 'failed' ? 'failure' : 'error', type: kind, message: sentence, details };
}

/** A run for a page that shows Markdown. */
export function formatRunMarkdown(
  { setup }: Pick<Report, 'setup'>,
  { verdict }: Pick<RunFindings, 'verdict'>,
  tables: readonly Table[],
): string {
  const { word, mark } = VERDICT_WORDS[verdict.exit];
  return [
    `## ${mark} ${word}: load on ${escapeMarkdown(setup.target)}\n`,
    `**${escapeMarkdown(verdict.sentence)}** ${escapeMarkdown(verdict.latency.sentence)}\n`,
    ...tables.map((table) => formatMarkdownTable({ ...table, rows: table.rows.slice(0, SHOWN_FAILURES) })),
    '',
  ].join('\n');
}

/** The tables as text for a terminal, and the verdict. */
export function formatRunText({ verdict }: Pick<RunFindings, 'verdict'>, tables: readonly Table[]): string {
  const { sentence, latency } = verdict;
  return `${[...tables.map(formatTable), `${sentence}\n${latency.sentence}`].join('\n\n')}\n`;
}

import type { Exit } from '../cli/exit-code.ts';
import { VERDICT_WORDS } from '../report/html.ts';
import type { CaseResult, TestSuite } from '../report/junit.ts';
import { escapeMarkdown, formatMarkdownTable } from '../report/markdown.ts';
import { formatTable, type Table } from '../report/tables.ts';
import type { Point } from './points.ts';

/** Broken outweighs not shown, and only a contract that is held in every point is proven. */
export function toContractExit(points: readonly Point[]): Exit {
  if (points.some(({ isHeld }) => isHeld === false)) return 'failed';
  return points.every(({ isHeld }) => isHeld === true) ? 'proven' : 'inconclusive';
}

/** For a terminal. */
export function formatPoints(points: readonly Point[]): string {
  return `${formatTable(toPointTable(points))}\n\n${formatTally(points)}`;
}

/** One test for each point. */
export function toContractSuite(
  points: readonly Point[],
  startedAtMs: number,
  durationMs: number,
): TestSuite {
  return {
    name: 'contract',
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs,
    properties: {},
    cases: points.map((point) => ({ name: point.name, durationMs: 0, result: toResult(point) })),
    output: formatPoints(points),
  };
}

function toResult({ isHeld, found }: Point): CaseResult {
  if (isHeld === true) return { kind: 'passed' };
  return isHeld === false
    ? { kind: 'failure', type: 'broken', message: found, details: '' }
    : { kind: 'error', type: 'not shown', message: found, details: '' };
}

/** For a page that shows Markdown. */
export function formatContractMarkdown(points: readonly Point[]): string {
  const { word, mark } = VERDICT_WORDS[toContractExit(points)];
  return [
    `## ${mark} ${word}: contract of a clean shutdown\n`,
    `**${escapeMarkdown(formatTally(points))}**\n`,
    formatMarkdownTable(toPointTable(points)),
    '',
  ].join('\n');
}

function toPointTable(points: readonly Point[]): Table {
  const state = (isHeld: Point['isHeld']) => (isHeld === null ? 'not shown' : isHeld ? 'held' : 'BROKEN');
  return {
    title: 'Contract',
    note: null,
    columns: ['Point', 'State', 'Found'],
    rows: points.map(({ name, isHeld, found }) => [name, state(isHeld), found]),
  };
}

function formatTally(points: readonly Point[]): string {
  const count = (wanted: Point['isHeld']) => points.filter(({ isHeld }) => isHeld === wanted).length;
  return `${count(true)} held, ${count(false)} broken, ${count(null)} not shown.`;
}

import { formatCount } from '../cli/format.ts';
import { formatMargins } from '../proof/margin.ts';
import { formatFindings } from '../proof/summary.ts';
import { toVantageTable } from '../proof/vantage-point.ts';
import { formatVerdict } from '../proof/verdict.ts';
import { formatTable, type Table } from '../report/tables.ts';
import type { ObservationResult } from './observer.ts';
import type { Replaced } from './replacement.ts';
import type { JudgedStretch } from './totals.ts';

/** Pods named one by one: the rest is in the reports. */
const SHOWN_PODS = 3;

/** A replacement, or losses outside of all, for a terminal: when, why, what was lost, why and from where, and the verdict. */
export function formatStretch(stretch: JudgedStretch): string {
  const { startedAt, reasons, margins, vantagePoints, verdict } = stretch;
  const margin = formatMargins(margins);
  return [
    `${startedAt}  ${formatReasons(reasons)}`,
    ...formatFindings(stretch),
    ...(vantagePoints.length === 0 ? [] : [formatTable(toVantageTable(vantagePoints))]),
    ...(reasons.length === 0 || margin === '' ? [] : [margin]),
    formatVerdict(verdict),
  ].join('\n');
}

/** `scale from 3 to 5 by kubectl: web-a, web-b; crash with exit code 1: web-c`. */
function formatReasons(reasons: readonly Replaced[]): string {
  if (reasons.length === 0) return 'outside of any replacement';
  return reasons.map(({ text, pods }) => `${text}: ${formatPods(pods)}`).join('; ');
}

function formatPods(pods: readonly string[]): string {
  const more = pods.length - SHOWN_PODS;
  return `${pods.slice(0, SHOWN_PODS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The table of all replacements, and the verdict over the whole. */
export function formatObserved({ totals, verdict }: ObservationResult): string {
  const rows = Object.entries(totals.replacements).flatMap(([kind, byReason]) =>
    Object.entries(byReason).map(([reason, count]) => ({ kind, reason, count })),
  );
  const table: Table = {
    title: 'Replacements',
    note: null,
    columns: ['Reason', 'Verdict', 'Count'],
    rows: rows
      .sort((a, b) => (a.reason < b.reason ? -1 : 1))
      .map(({ kind, reason, count }) => [reason, kind, formatCount(count)]),
  };
  return [...(rows.length === 0 ? [] : [formatTable(table)]), formatVerdict(verdict)].join('\n\n');
}

/** What an Event on the workload says; null: nothing was lost in it. */
export function toLossNote({ reasons, lost, planned, causes, verdict }: JudgedStretch): string | null {
  if (reasons.length === 0 || verdict.kind !== 'losses') return null;
  const counts = Object.entries(causes).map(([cause, count]) => `${cause} (${count})`);
  return `Lost ${formatCount(lost)} of ${formatCount(planned)} requests in ${formatReasons(reasons)}. ${counts.join(', ')}`;
}

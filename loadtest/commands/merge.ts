import { isDeepStrictEqual } from 'node:util';
import { defineCommand } from '../cli/command.ts';
import { Fault } from '../cli/fault.ts';
import { readInput } from '../cli/input-file.ts';
import { oneOrMore } from '../cli/positionals.ts';
import { keepFirst } from '../load/failures.ts';
import { mergeRecords } from '../load/record.ts';
import { prepareOutputs, presentReport, REPORT_OPTIONS } from '../report/presentation.ts';
import { findReports, MAX_FAILURES_PER_OUTCOME, type Report } from '../report/report.ts';

export const merge = defineCommand({
  name: 'merge',
  summary: 'merge the parts of a run that several machines shared',
  positionals: oneOrMore('FILE'),
  options: REPORT_OPTIONS,
  examples: [
    { line: 'dropless merge part-0.json part-1.json --html report.html', shows: 'two parts, one report' },
    {
      line: 'kubectl logs job/loadtest --all-pods --tail=-1 | dropless merge -',
      shows: 'the parts that the pods of a Job wrote to their logs',
    },
  ],
  run: async ({ options, positionals }, world) => {
    const parts: Report[] = [];
    for (const path of positionals) parts.push(...findReports(await readInput('', path, world), path));
    await prepareOutputs(options, world);
    const merged = mergeReports(parts);
    return presentReport({ ...merged, requirements: withRequired(merged, options.require) }, options, world);
  },
});

/** The requirements of the report itself and those of the command line. */
export function withRequired({ requirements }: Report, more: readonly { text: string }[]): readonly string[] {
  return [...new Set([...requirements, ...more.map(({ text }) => text)])];
}

/** @throws {Fault} where the parts are not from the same run */
export function mergeReports(parts: readonly Report[]): Report {
  const sorted = [...parts].sort((a, b) => toIndex(a) - toIndex(b));
  const unique = sorted.filter((part, at) => at === 0 || toIndex(part) !== toIndex(sorted[at - 1] as Report));
  const [first, ...rest] = unique;
  if (first === undefined) throw new Fault('there are no parts to merge');
  for (const part of sorted) {
    if (part.shards.isMerged)
      throw new Fault('a merged report is not a part: give the parts that it was made from');
    if (part.shards.of !== first.shards.of || !isDeepStrictEqual(part.setup, first.setup)) {
      throw new Fault(
        `parts ${toIndex(first)} and ${toIndex(part)} are not from the same run: they were started with different flags`,
      );
    }
  }
  return {
    ...first,
    shards: {
      of: first.shards.of,
      present: unique.map(toIndex),
      duplicates: [...new Set(sorted.filter((part) => !unique.includes(part)).map(toIndex))],
      isMerged: true,
    },
    startedAt: unique.map(({ startedAt }) => startedAt).sort()[0] ?? first.startedAt,
    durationMs: Math.max(...unique.map(({ durationMs }) => durationMs)),
    isInterrupted: unique.some(({ isInterrupted }) => isInterrupted),
    ledgerFault: unique.map(({ ledgerFault }) => ledgerFault).find((fault) => fault !== null) ?? null,
    requirements: [...new Set(unique.flatMap(({ requirements }) => requirements))],
    // Each part has read the metrics of the same server: their figures overlap.
    server: null,
    record: mergeRecords([first.record, ...rest.map(({ record }) => record)]),
    failures: keepFirst(
      unique.flatMap(({ failures }) => failures),
      MAX_FAILURES_PER_OUTCOME,
    ),
  };
}

function toIndex({ shards }: Report): number {
  return shards.present[0] ?? 0;
}

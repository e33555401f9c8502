import { defineCommand } from '../cli/command.ts';
import type { Exit } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import { readInput } from '../cli/input-file.ts';
import type { OptionValues } from '../cli/option.ts';
import { type Positionals, toUnexpected } from '../cli/positionals.ts';
import type { World } from '../cli/world.ts';
import { presentProof, presentSeries } from '../proof/presentation.ts';
import { compareSeries } from '../proof/proof-comparison.ts';
import { PROOF_SCHEMA, parseSeries } from '../proof/proof-report.ts';
import { compareRuns } from '../report/comparison.ts';
import {
  prepareOutputs,
  presentComparison,
  presentReport,
  REPORT_OPTIONS,
  toTextOutput,
} from '../report/presentation.ts';
import { parseAs, parseReport, RUN_SCHEMA, schemaOf } from '../report/report.ts';
import { withRequired } from './merge.ts';

const NEW = 'NEW';

/** One report, or two to compare. */
const POSITIONALS: Positionals<{ readonly path: string; readonly newPath: string | null }> = {
  placeholder: `FILE [${NEW}]`,
  parse: ([path, newPath = null, unexpected]) => {
    if (path === undefined) throw new Fault('FILE is missing');
    if (unexpected !== undefined) throw toUnexpected(unexpected);
    return { path, newPath };
  },
  toNames: ({ newPath }) => ['FILE', ...(newPath === null ? [] : [NEW])],
};

type ReportOptions = OptionValues<typeof REPORT_OPTIONS>;

export const report = defineCommand({
  name: 'report',
  summary: 'show a report that run or prove wrote earlier, turn it into a page, or compare two of them',
  positionals: POSITIONALS,
  words: [
    ['FILE', 'a JSON report of run, merge or prove'],
    [
      NEW,
      'a later one of the same load: the two are compared, and the exit code is 0 whatever they differ in',
    ],
  ],
  options: REPORT_OPTIONS,
  relations: { [NEW]: { conflictsWith: ['--require', '--junit'] } },
  examples: [
    { line: 'dropless report run.json --html run.html', shows: 'a page from the JSON of a run' },
    { line: "dropless report run.json --require 'p99 < 20ms'", shows: 'a further requirement, afterwards' },
    {
      line: 'dropless report proof.json --html proof.html',
      shows: 'the flight recorder from the JSON of a proof',
    },
    {
      line: 'dropless report main.json branch.json --html comparison.html',
      shows: 'what has changed between two runs or two proofs, and what of it is more than noise',
    },
  ],
  run: ({ options, positionals: { path, newPath } }, world) =>
    newPath === null ? showOne(path, options, world) : showTwo(path, newPath, options, world),
});

async function showOne(path: string, options: ReportOptions, world: World): Promise<Exit> {
  const text = await readInput('', path, world);
  if (toKind(text, path) === 'proof') {
    const series = parseSeries(text, path);
    if (options.require.length > 0) {
      throw new Fault(
        `--require needs the report of a run: ${path} is a proof, whose requirements are set with prove --require`,
      );
    }
    await prepareOutputs(options, world);
    const [first = null] = series.proofs;
    const output = toTextOutput(options, world);
    for (const proof of series.proofs) presentProof(proof, null, output);
    for (const control of series.controls) presentProof(control, first, output);
    return presentSeries(series, () => null, options, world);
  }
  const given = parseReport(text, path);
  await prepareOutputs(options, world);
  return presentReport({ ...given, requirements: withRequired(given, options.require) }, options, world);
}

/** @throws {Fault} where the two cannot be compared */
async function showTwo(path: string, newPath: string, options: ReportOptions, world: World): Promise<Exit> {
  const [old, now] = [await readInput('', path, world), await readInput('', newPath, world)];
  const names = { old: path, new: newPath };
  const [kind, newKind] = [toKind(old, path), toKind(now, newPath)];
  if (kind !== newKind) {
    throw new Fault(`${path} and ${newPath} cannot be compared: one is a ${kind}, the other a ${newKind}`);
  }
  const comparison =
    kind === 'proof'
      ? compareSeries(parseSeries(old, path), parseSeries(now, newPath), names)
      : compareRuns(parseReport(old, path), parseReport(now, newPath), names);
  await prepareOutputs(options, world);
  return presentComparison(comparison, options, world);
}

const KINDS = { [RUN_SCHEMA]: 'run', [PROOF_SCHEMA]: 'proof' } as const;

/**
 * Whether a report is of a run or of a proof, by its schema. Pure.
 * @throws {Fault} where it is of neither
 */
export function toKind(text: string, place: string): (typeof KINDS)[keyof typeof KINDS] {
  return KINDS[parseAs(text, place, 'run --json or prove --json', schemaOf(RUN_SCHEMA, PROOF_SCHEMA))];
}

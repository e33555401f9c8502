import { defineCommand } from '../cli/command.ts';
import { Fault } from '../cli/fault.ts';
import { readInput } from '../cli/input-file.ts';
import { exactlyOne } from '../cli/positionals.ts';
import { presentProof, presentSeries } from '../proof/presentation.ts';
import { PROOF_SCHEMA, parseSeries } from '../proof/proof-report.ts';
import { prepareOutputs, presentReport, REPORT_OPTIONS, toTextOutput } from '../report/presentation.ts';
import { parseAs, parseReport, RUN_SCHEMA, schemaOf } from '../report/report.ts';
import { withRequired } from './merge.ts';

export const report = defineCommand({
  name: 'report',
  summary: 'show a report that run or prove wrote earlier, or turn it into a page',
  positionals: exactlyOne('FILE', (path) => path),
  options: REPORT_OPTIONS,
  examples: [
    { line: 'dropless report run.json --html run.html', shows: 'a page from the JSON of a run' },
    { line: "dropless report run.json --require 'p99 < 20ms'", shows: 'a further requirement, afterwards' },
    {
      line: 'dropless report proof.json --html proof.html',
      shows: 'the flight recorder from the JSON of a proof',
    },
  ],
  run: async ({ options, positionals: path }, world) => {
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
  },
});

const KINDS = { [RUN_SCHEMA]: 'run', [PROOF_SCHEMA]: 'proof' } as const;

/**
 * Whether a report is of a run or of a proof, by its schema. Pure.
 * @throws {Fault} where it is of neither
 */
export function toKind(text: string, place: string): (typeof KINDS)[keyof typeof KINDS] {
  return KINDS[parseAs(text, place, 'run --json or prove --json', schemaOf(RUN_SCHEMA, PROOF_SCHEMA))];
}

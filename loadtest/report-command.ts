import { defineCommand } from './command.ts';
import { readInput } from './input-file.ts';
import { withRequired } from './merge.ts';
import { prepareOutputs, presentReport, REPORT_OPTIONS } from './presentation.ts';
import { parseReport } from './report.ts';

export const report = defineCommand({
  name: 'report',
  summary: 'show a report that was written before, or make a page of it',
  positionals: { placeholder: 'FILE', min: 1, max: 1 },
  options: REPORT_OPTIONS,
  examples: [
    { line: 'loadtest report run.json --html run.html', shows: 'a page from the JSON of a run' },
    { line: "loadtest report run.json --require 'p99 < 20ms'", shows: 'a further requirement, afterwards' },
  ],
  run: async ({ options, positionals }, world) => {
    const path = positionals[0] ?? '';
    const given = parseReport(await readInput('', path, world), path);
    await prepareOutputs(options, world);
    return presentReport({ ...given, requirements: withRequired(given, options.require) }, options, world);
  },
});

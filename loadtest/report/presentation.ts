import type { Exit } from '../cli/exit-code.ts';
import { group, type OptionValues, optional, outputFile, repeatable } from '../cli/option.ts';
import { prepareOutput, toWrittenExit, writeOutput } from '../cli/output-file.ts';
import type { TextOutput, World } from '../cli/world.ts';
import { loadPageAssets } from './assets.ts';
import { type Comparison, formatComparisonJson, summarize, toComparisonTables } from './comparison.ts';
import { formatComparisonPage } from './comparison-page.ts';
import { formatJunit, type TestSuite } from './junit.ts';
import { escapeMarkdown, formatMarkdownTable } from './markdown.ts';
import { formatPage } from './page.ts';
import { formatRunReport, type Report } from './report.ts';
import { parseRequirement } from './requirement.ts';
import { formatRunMarkdown, formatRunText, toRunSuite } from './run-results.ts';
import { appendStepSummary } from './step-summary.ts';
import { toFindings } from './summary.ts';
import { formatTable, toTables } from './tables.ts';

/** For all commands whose results are to be shown by a CI system. */
export const JUNIT_OPTION = group('Reports', {
  junit: optional(outputFile('Write the results as JUnit XML, which CI systems show as tests')),
});

/** The flags of all commands that end with the report of a run. */
export const REPORT_OPTIONS = {
  ...group('Reports', {
    require: repeatable({
      placeholder: 'CONDITION',
      help: "What must hold, for example 'p99 < 50ms' or 'p99(/payload) < 80ms'; else the exit code is 1",
      parse: parseRequirement,
    }),
    json: optional(
      outputFile(
        'Write the report as one line of JSON; - is standard output, and the tables then go to standard error',
      ),
    ),
    html: optional(outputFile('Write the report as a self-contained page')),
  }),
  ...JUNIT_OPTION,
};

type ReportOptions = OptionValues<typeof REPORT_OPTIONS>;

/** The files to be written; only a proof has a fix. */
export type ReportFiles = Partial<Pick<ReportOptions, 'json' | 'html' | 'junit'>> & {
  readonly fix?: string | undefined;
};

const STANDARD_OUTPUT = '-';
/** Rows of the failures table on a terminal: the rest is in the reports. */
const SHOWN_FAILURES = 10;

/**
 * Empties the files to be written, so that no report of an earlier run is left behind. Called once the inputs are
 * read, and before the run.
 * @throws {Fault} where a report could not be written
 */
export async function prepareOutputs({ json, html, junit, fix }: ReportFiles, world: World): Promise<void> {
  for (const [flag, path] of [
    ['--json', json],
    ['--html', html],
    ['--junit', junit],
    ['--fix', fix],
  ] as const) {
    if (path === undefined || (flag === '--json' && path === STANDARD_OUTPUT)) continue;
    await prepareOutput(flag, path, world);
  }
}

/** Writes the requested reports, shows the tables, and returns the exit. */
export async function presentReport(report: Report, options: ReportOptions, world: World): Promise<Exit> {
  const findings = toFindings(report);
  const tables = toTables(report, findings);
  const shown = tables.map((table) =>
    table.title === 'Failures' ? { ...table, rows: table.rows.slice(0, SHOWN_FAILURES) } : table,
  );
  // The tables first: a full disk must not lose what the run has found.
  const shownText = formatRunText(findings, shown);
  toTextOutput(options, world).write(shownText);

  return writeReports(
    options,
    {
      json: () => formatRunReport(report, findings),
      html: async () => formatPage(report, findings, tables, await loadPageAssets()),
      junit: () => [toRunSuite(report, findings, shownText)],
      markdown: () => formatRunMarkdown(report, findings, tables),
    },
    findings.verdict.exit,
    world,
  );
}

/** Shows two reports side by side, and writes the requested files. What they differ in is no verdict: the exit is 0. */
export async function presentComparison(
  comparison: Comparison,
  files: Pick<ReportFiles, 'json' | 'html'>,
  world: World,
): Promise<Exit> {
  const tables = toComparisonTables(comparison);
  const sentence = summarize(comparison);
  toTextOutput(files, world).write(`${[...tables.map(formatTable), sentence].join('\n\n')}\n`);
  return writeReports(
    files,
    {
      json: () => formatComparisonJson(comparison),
      html: async () => formatComparisonPage(comparison, tables, await loadPageAssets()),
      markdown: () =>
        [
          `## Two ${comparison.kind}s of ${escapeMarkdown(comparison.target.new)}\n`,
          `**${escapeMarkdown(sentence)}**\n`,
          ...tables.map(formatMarkdownTable),
          '',
        ].join('\n'),
    },
    'proven',
    world,
  );
}

/** What a command can tell, each in the form of one reader. */
export interface ReportForms {
  json?(): string;
  html?(): Promise<string>;
  fix?(): string;
  junit?(): readonly TestSuite[];
  /** For the summary of a job of GitHub Actions. */
  markdown(): string;
}

/**
 * Writes the requested reports, each regardless of the others, and names those that cannot be written. Adds to the job
 * summary where there is one.
 * @param exit what was found. Losses stay losses even if they could not be written; a good result does not stay
 * good.
 */
export async function writeReports(
  { json, html, junit, fix }: ReportFiles,
  forms: ReportForms,
  exit: Exit,
  world: World,
): Promise<Exit> {
  let isKept = true;
  async function write(flag: string, path: string, text: string): Promise<void> {
    if (!(await writeOutput(flag, path, text, world))) isKept = false;
  }
  if (forms.json !== undefined) {
    if (json === STANDARD_OUTPUT) world.stdout.write(forms.json());
    else if (json !== undefined) await write('--json', json, forms.json());
  }
  if (html !== undefined && forms.html !== undefined) await write('--html', html, await forms.html());
  if (junit !== undefined && forms.junit !== undefined)
    await write('--junit', junit, formatJunit(forms.junit()));
  if (fix !== undefined && forms.fix !== undefined) await write('--fix', fix, forms.fix());
  await appendStepSummary(() => forms.markdown(), world);
  return toWrittenExit(exit, isKept);
}

/** Where tables and sentences go: if the JSON goes to standard output, it is alone there. */
export function toTextOutput({ json }: Pick<ReportFiles, 'json'>, { stdout, stderr }: World): TextOutput {
  return json === STANDARD_OUTPUT ? stderr : stdout;
}

import type { Exit } from './exit-code.ts';
import { type OptionValues, optional, repeatable, text } from './option.ts';
import { loadPageAssets } from './page/assets.ts';
import { formatPage } from './page/page.ts';
import { formatReport, type Report } from './report.ts';
import { parseRequirement } from './requirement.ts';
import { toFindings } from './summary.ts';
import { formatTable, toTables } from './tables.ts';
import { UsageError } from './usage-error.ts';
import type { World } from './world.ts';

/** Of all commands that end with a report. */
export const REPORT_OPTIONS = {
  require: repeatable({
    placeholder: 'CONDITION',
    help: "What must hold, as 'p99 < 50ms' or 'p99(/payload) < 80ms'; else the exit code is 1",
    parse: parseRequirement,
  }),
  json: optional(
    text(
      'FILE',
      'Write the report as one line of JSON; - is standard output, and the tables then go to standard error',
    ),
  ),
  html: optional(text('FILE', 'Write the report as a page that needs nothing else')),
};

type ReportOptions = OptionValues<typeof REPORT_OPTIONS>;

const STANDARD_OUTPUT = '-';
/** Rows of the failures on a terminal: the rest is in the reports. */
const SHOWN_FAILURES = 10;

/** @throws {UsageError} where a report could not be written: before the run, not after it */
export async function prepareOutputs(
  { json, html }: Pick<ReportOptions, 'json' | 'html'>,
  world: World,
): Promise<void> {
  for (const [flag, path] of [
    ['--json', json],
    ['--html', html],
  ] as const) {
    if (path === undefined || (flag === '--json' && path === STANDARD_OUTPUT)) continue;
    try {
      await world.prepareFile(path);
    } catch (error) {
      throw toWriteFault(flag, path, error);
    }
  }
}

/** Writes the reports asked for, shows the tables, and tells what it comes to. */
export async function presentReport(report: Report, options: ReportOptions, world: World): Promise<Exit> {
  const findings = toFindings(report);
  const tables = toTables(report, findings);
  const { json, html } = options;
  const shown = tables.map((table) =>
    table.title === 'Failures' ? { ...table, rows: table.rows.slice(0, SHOWN_FAILURES) } : table,
  );
  // The tables first: a disk that is full shall not cost what the run has found.
  const output = json === STANDARD_OUTPUT ? world.stderr : world.stdout;
  output.write(`${[...shown.map(formatTable), findings.verdict.sentence].join('\n\n')}\n`);

  if (json === STANDARD_OUTPUT) world.stdout.write(formatReport(report, findings));
  else if (json !== undefined) await write('--json', json, formatReport(report, findings), world);
  if (html !== undefined) {
    await write('--html', html, formatPage(report, findings, tables, await loadPageAssets()), world);
  }
  return findings.verdict.exit;
}

async function write(flag: string, path: string, content: string, world: World): Promise<void> {
  try {
    await world.writeText(path, content);
  } catch (error) {
    throw toWriteFault(flag, path, error);
  }
}

function toWriteFault(flag: string, path: string, error: unknown): UsageError {
  return new UsageError(`${flag} ${JSON.stringify(path)} can't be written: ${(error as Error).message}`);
}

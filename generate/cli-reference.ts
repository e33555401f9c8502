import type { Command } from '../loadtest/cli/command.ts';
import { EXIT_CODES } from '../loadtest/cli/exit-code.ts';
import { OUTCOME_KINDS } from '../loadtest/engine/outcome.ts';
import { listMetrics, type Unit } from '../loadtest/report/metric.ts';
import { formatTable } from './markdown-table.ts';

const UNITS: Readonly<Record<Unit, string>> = {
  count: 'a whole number, as `0`',
  percent: 'a share, as `0.1%`',
  perSecond: 'a rate, as `100/s`',
  time: 'a time, as `50ms`',
};

/** The text of docs/reference-cli.md, from the registries that the program itself reads. */
export function formatReference(commands: readonly Command[]): string {
  return [
    '# dropless: every command and flag\n',
    'Made by `npm run generate` from the definitions in the code. What to use them for: [load-testing.md](load-testing.md).\n',
    ...commands.flatMap(formatCommand),
    '## Conditions of --require\n',
    '`METRIC COMPARISON VALUE`, with one of `==`, `<=`, `>=`, `<`, `>`. An endpoint in parentheses narrows the metric to it: `p99(/payload) < 50ms`.\n',
    formatTable(
      ['Metric', 'Value', 'Meaning'],
      listMetrics().map(({ name, unit, meaning }) => [`\`${name}\``, UNITS[unit], meaning]),
    ),
    '## Outcomes\n',
    'Every request ends in exactly one of these.\n',
    formatTable(
      ['Outcome', 'Lost', 'Meaning'],
      Object.entries(OUTCOME_KINDS).map(([kind, { lost, meaning }]) => [
        `\`${kind}\``,
        kind === 'http_CODE' ? '429, 5xx' : lost ? 'yes' : 'no',
        meaning,
      ]),
    ),
    '## Exit codes\n',
    formatTable(
      ['Code', 'Meaning'],
      Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]),
    ),
  ].join('\n');
}

function formatCommand({ name, summary, positionals, options, examples, notes }: Command): string[] {
  const usage = ['dropless', name, positionals.placeholder, '[flags]']
    .filter((part) => part !== '')
    .join(' ');
  return [
    `## ${name}: ${summary}\n`,
    `    ${usage}\n`,
    ...(notes === undefined
      ? []
      : [
          formatTable(
            [notes.title, 'Meaning'],
            notes.rows.map(([word, meaning]) => [`\`${word}\``, meaning]),
          ),
        ]),
    formatTable(
      ['Flag', 'Default', 'Meaning'],
      Object.entries(options).map(([flag, { placeholder, defaultText, help, isRepeatable }]) => [
        `\`--${flag}${placeholder === null ? '' : ` ${placeholder}`}\``.replaceAll('|', '\\|'),
        defaultText === null ? '' : `\`${defaultText}\``,
        `${help}${isRepeatable ? '; may be repeated' : ''}`.replaceAll('|', '\\|'),
      ]),
    ),
    ...examples.flatMap(({ line, shows }) => [
      `${shows.charAt(0).toUpperCase()}${shows.slice(1)}:\n`,
      `    ${line}\n`,
    ]),
  ];
}

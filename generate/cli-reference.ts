import type { Command } from '../loadtest/cli/command.ts';
import { EXIT_CODES } from '../loadtest/cli/exit-code.ts';
import { describeOption, type Options } from '../loadtest/cli/option.ts';
import { OUTCOME_KINDS } from '../loadtest/engine/outcome.ts';
import { listMetrics, type Unit } from '../loadtest/report/metric.ts';
import { formatTable } from './markdown-table.ts';

const UNITS: Readonly<Record<Unit, string>> = {
  count: 'a whole number, for example `0`',
  percent: 'a share, for example `0.1%`',
  perSecond: 'a rate, for example `100/s`',
  time: 'a time, for example `50ms`',
};

/** The text of docs/reference-cli.md, from the registries that the program itself reads. */
export function formatReference(commands: readonly Command[]): string {
  return [
    '# dropless: every command and flag\n',
    'Made by `npm run generate` from the definitions in the code. What to use them for: [load-testing.md](load-testing.md).\n',
    ...commands.flatMap(formatCommand),
    '## Conditions of --require\n',
    '`METRIC COMPARISON VALUE`, with one of `==`, `<=`, `>=`, `<`, `>`. The name of an endpoint or a phase in parentheses narrows the metric to it: `p99(/payload) < 50ms`, `p99(during) < 50ms`.\n',
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

function formatCommand({
  name,
  summary,
  placeholder,
  options,
  examples,
  words = [],
  notes,
}: Command): string[] {
  const usage = ['dropless', name, placeholder, '[flags]'].filter((part) => part !== '').join(' ');
  return [
    `## ${name}: ${summary}\n`,
    `    ${usage}\n`,
    ...(words.length === 0 ? [] : [formatTable(['Argument', 'Meaning'], words.map(toRow))]),
    ...toGroups(options).flatMap(([heading, flags]) => [
      `### ${heading}\n`,
      formatTable(['Flag', 'Default', 'Meaning'], flags.map(formatFlag)),
    ]),
    ...(notes === undefined ? [] : [formatTable([notes.title, 'Meaning'], notes.rows.map(toRow))]),
    ...examples.flatMap(({ line, shows }) => [
      `${shows.charAt(0).toUpperCase()}${shows.slice(1)}:\n`,
      `    ${line}\n`,
    ]),
  ];
}

function toRow([word, meaning]: readonly [string, string]): string[] {
  return [`\`${word}\``, meaning];
}

type Flag = readonly [name: string, option: Options[string]];

/** The flags by their headings, in the order of the help. */
function toGroups(options: Options): readonly (readonly [heading: string, flags: readonly Flag[]])[] {
  const groups = new Map<string, Flag[]>();
  for (const flag of Object.entries(options)) {
    const heading = flag[1].group ?? 'Flags';
    groups.set(heading, [...(groups.get(heading) ?? []), flag]);
  }
  return [...groups];
}

function formatFlag([name, option]: Flag): string[] {
  const { short, placeholder, defaultText } = option;
  const term = [
    short === null ? '' : `-${short}, `,
    `--${name}`,
    placeholder === null ? '' : ` ${placeholder}`,
  ];
  return [
    `\`${term.join('')}\``.replaceAll('|', '\\|'),
    defaultText === null || / /.test(defaultText) ? (defaultText ?? '') : `\`${defaultText}\``,
    describeOption({ ...option, defaultText: null }).replaceAll('|', '\\|'),
  ];
}

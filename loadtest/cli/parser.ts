import { Argument, CommanderError, Help, Command as Parser, Option as ParserOption } from 'commander';
import type { Command, GivenArguments } from './command.ts';
import { EXIT_CODES } from './exit-code.ts';
import { Fault } from './fault.ts';
import { describeOption, type Option, toFlag } from './option.ts';
import { spellCommands } from './program-name.ts';
import type { TextOutput, World } from './world.ts';

/** What a command line asks for; null: the help or the version, which is already printed. */
export type Request = { readonly command: Command; readonly given: GivenArguments } | null;

interface Program {
  /** What `--version` shows. */
  readonly version: string;
  /** In the order in which the help lists them. */
  readonly commands: readonly Command[];
}

const SUMMARY = 'Puts a service under load, disrupts it, and names the cause of every lost request.';
/** With commander's default of 40, a wide column of flags would leave no room for wrapped text. */
const MIN_WIDTH_TO_WRAP = 20;
const INDENT = '  ';

/**
 * Parses a command line by the commands' definitions.
 * @param args what follows the program's name
 * @throws {Fault} where there is no such command or flag, with the nearest one, or a flag lacks its value
 */
export function parseCommandLine(
  { version, commands }: Program,
  args: readonly string[],
  { program, stdout }: Pick<World, 'program' | 'stdout'>,
): Request {
  let request: Request = null;
  const root = createParser(program, stdout)
    .description(SUMMARY)
    .usage('COMMAND [flags]')
    .optionsGroup('Help:')
    .version(version, '-V, --version', 'Show the version')
    .helpCommand('help [command]', 'show the help of a command');
  root.addHelpText('after', () => `\n${toSection(root, 'Exit codes', EXIT_CODE_ROWS)}`);
  const names = commands.map(({ name }) => name);
  for (const command of commands) {
    const parser = createParser(command.name, stdout);
    const flags = new Map<string, string[]>();
    describe(parser, command, (line) => spellCommands(line, program, names));
    declareFlags(parser, command, flags);
    parser.argument('[words...]').action((words: string[]) => {
      request = { command, given: { flags, words } };
    });
    root.addCommand(parser);
  }
  try {
    root.parse(args, { from: 'user' });
    return request;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    if (error.code === 'commander.help') {
      root.outputHelp();
      throw new Fault('which command?');
    }
    throw new Fault(toMessage(error));
  }
}

/** One line, with what to do about it. */
function toMessage({ code, message }: CommanderError): string {
  const [, flag, value] = /'(?:-\w, )?(--[\w-]+) <(.*)>'/.exec(message) ?? [];
  if (code === 'commander.optionMissingArgument') return `${flag} needs a value: ${flag} ${value}`;
  const line = message.replace(/^error: /, '').replaceAll('\n', ' ');
  return /Did you mean/.test(line) ? line : `${line}; --help lists them`;
}

const EXIT_CODE_ROWS = Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning] as const);

function createParser(name: string, stdout: TextOutput): Parser {
  return new Parser(name)
    .exitOverride()
    .addHelpOption(new ParserOption('-h, --help', 'Show this help').helpGroup('Help:'))
    .configureHelp({
      minWidthToWrap: MIN_WIDTH_TO_WRAP,
      optionTerm: ({ flags }) => flags.replace(/<(.*)>$/, '$1'),
      subcommandTerm: (subcommand) => subcommand.name(),
    })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // Faults are reported in one place, and that is not here.
      writeErr: () => {},
      getOutHelpWidth: () => stdout.columns,
    });
}

function describe(
  parser: Parser,
  { summary, placeholder, words = [], notes, examples }: Command,
  spell: (line: string) => string,
): void {
  parser
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .usage(`${placeholder} [flags]`.trimStart())
    .configureHelp({
      ...parser.configureHelp(),
      visibleArguments: () => words.map(([word, meaning]) => new Argument(word, meaning)),
      argumentTerm: (argument) => argument.name(),
    })
    .addHelpText('after', () => {
      const width = toHelp(parser).helpWidth ?? 80;
      const lines = examples.flatMap(({ line, shows }) => [
        ...wrap(parser, `# ${shows}`, width).map((row) => row.replace(/^ {2}(?!#)/, '  # ')),
        ...wrapCommandLine(spell(line), width),
      ]);
      const sections = [
        ...(notes === undefined ? [] : [toSection(parser, notes.title, notes.rows)]),
        toSection(parser, 'Exit codes', EXIT_CODE_ROWS),
        ['Examples:', ...lines, ''].join('\n'),
      ];
      return `\n${sections.join('\n')}`;
    });
}

function declareFlags(
  parser: Parser,
  { options, retired = {} }: Command,
  given: Map<string, string[]>,
): void {
  const isFlag = (text: string) => parser.options.some(({ long, short }) => text === long || text === short);
  for (const [flag, option] of Object.entries(options)) {
    parser.addOption(toParserOption(flag, option));
    parser.on(`option:${flag}`, (text: string | undefined) => {
      // A flag in the value's place is a value forgotten, for example in `--rate --json out.json`.
      if (text !== undefined && isFlag(text))
        throw new Fault(`${toFlag(flag)} needs a value: ${toTerm(flag, option)}`);
      // kubectl takes -o=json as well as -o json.
      const value = option.short !== null ? (text ?? '').replace(/^=/, '') : (text ?? '');
      given.set(flag, [...(given.get(flag) ?? []), value]);
    });
  }
  for (const [flag, instead] of Object.entries(retired)) {
    parser.addOption(new ParserOption(`--${flag} [value]`).hideHelp());
    parser.on(`option:${flag}`, () => {
      throw new Fault(`--${flag} no longer exists: ${instead}`);
    });
  }
}

function toParserOption(flag: string, option: Option<unknown>): ParserOption {
  const short = option.short === null ? '' : `-${option.short}, `;
  const value = option.placeholder === null ? '' : ` <${option.placeholder}>`;
  const parserOption = new ParserOption(`${short}--${flag}${value}`, describeOption(option));
  // `--no-server-metrics` is a flag of its own, not the negation of another.
  parserOption.negate = false;
  return parserOption.helpGroup(`${option.group ?? 'Flags'}:`);
}

/** `--rate R`. */
function toTerm(flag: string, { placeholder }: Option<unknown>): string {
  return placeholder === null ? toFlag(flag) : `${toFlag(flag)} ${placeholder}`;
}

function toHelp(parser: Parser): Help {
  const help = Object.assign(new Help(), { minWidthToWrap: MIN_WIDTH_TO_WRAP });
  help.prepareContext({ helpWidth: parser.configureOutput().getOutHelpWidth?.() ?? 80 });
  return help;
}

function toSection(parser: Parser, title: string, rows: readonly (readonly [string, string])[]): string {
  const help = toHelp(parser);
  const width = Math.max(...rows.map(([term]) => term.length));
  const lines = rows.map(([term, meaning]) => help.formatItem(term, width, meaning, help));
  return [`${title}:`, ...lines, ''].join('\n');
}

function wrap(parser: Parser, text: string, width: number): string[] {
  return toHelp(parser)
    .boxWrap(text, width - 2 * INDENT.length)
    .split('\n')
    .map((line) => `${INDENT}${line}`);
}

/**
 * A command line broken over as many lines as it needs, ready to paste into a shell. Pure.
 *
 * At width 30: `dropless run URL --rate 5 --html a.html` → `dropless run URL --rate 5 \`, `    --html a.html`.
 */
export function wrapCommandLine(line: string, width: number): string[] {
  const [first = '', ...parts] = line.split(/ (?=--|\| |> |-n )/);
  const lines = [`${INDENT}${first}`];
  for (const part of parts) {
    const joined = `${lines.at(-1)} ${part}`;
    if (joined.length + 2 <= width) lines[lines.length - 1] = joined;
    else lines.push(`${INDENT}${INDENT}${INDENT}${part}`);
  }
  return lines.map((text, index) => (index < lines.length - 1 ? `${text} \\` : text));
}

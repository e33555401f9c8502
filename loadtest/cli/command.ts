import { parseArgs } from 'node:util';
import { EXIT_CODES, type Exit } from './exit-code.ts';
import { Fault } from './fault.ts';
import type { Options, OptionValues } from './option.ts';
import type { World } from './world.ts';

interface Positionals {
  /** As the usage line shows them, for example `URL` or `FILE...`. */
  readonly placeholder: string;
  readonly min: number;
  readonly max: number;
}

interface Example {
  /** A whole command line. */
  readonly line: string;
  readonly shows: string;
}

/** What `--help` and the reference in docs/ need to know of a command. */
interface CommandFace {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly positionals: Positionals;
  readonly options: Options;
  readonly examples: readonly Example[];
  /** What the positionals mean, where there is more to say of them. */
  readonly notes?: { readonly title: string; readonly rows: readonly (readonly [string, string])[] };
}

interface CommandDefinition<O extends Options> extends CommandFace {
  readonly options: O;
  run(input: { options: OptionValues<O>; positionals: readonly string[] }, world: World): Promise<Exit>;
}

/** A subcommand with its options' types closed over. */
export interface Command extends CommandFace {
  /** @throws {Fault} where the arguments are not the command's */
  run(args: readonly string[], world: World): Promise<Exit>;
}

export function defineCommand<O extends Options>(definition: CommandDefinition<O>): Command {
  return {
    ...definition,
    run: async (args, world) => definition.run(parseArguments(definition, args), world),
  };
}

function parseArguments<O extends Options>(
  { name, options, positionals }: CommandDefinition<O>,
  args: readonly string[],
): { options: OptionValues<O>; positionals: readonly string[] } {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([flag, { placeholder }]) => [
        flag,
        { type: placeholder === null ? 'boolean' : 'string' } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const given = new Map<string, string[]>();
  const rest: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') rest.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) {
      throw new Fault(`unknown flag ${token.rawName}; dropless ${name} --help lists them`);
    }
    if (option.placeholder === null && token.value !== undefined) {
      throw new Fault(`--${token.name} takes no value, but was given ${JSON.stringify(token.value)}`);
    }
    // A flag in the value's place is a value forgotten, as in `--rate --json out.json`.
    if (option.placeholder !== null && (token.value === undefined || isForgotten(token))) {
      throw new Fault(`--${token.name} needs a value: --${token.name} ${option.placeholder}`);
    }
    const texts = given.get(token.name) ?? [];
    if (texts.length > 0 && !option.isRepeatable) throw new Fault(`--${token.name} is given twice`);
    given.set(token.name, [...texts, token.value ?? '']);
  }

  if (rest.length < positionals.min) {
    throw new Fault(`${positionals.placeholder} is missing: dropless ${name} ${positionals.placeholder}`);
  }
  if (rest.length > positionals.max) {
    throw new Fault(`unexpected argument ${JSON.stringify(rest[positionals.max])}`);
  }
  const values = Object.fromEntries(
    Object.entries(options).map(([flag, option]) => [flag, parseValue(flag, option, given.get(flag) ?? [])]),
  );
  return { options: values as OptionValues<O>, positionals: rest };
}

function isForgotten(token: { inlineValue?: boolean | undefined; value?: string | undefined }): boolean {
  return token.inlineValue === false && token.value?.startsWith('--') === true;
}

function parseValue(flag: string, option: Options[string], texts: readonly string[]): unknown {
  try {
    return option.parse(texts);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(`--${flag} ${JSON.stringify(texts.at(-1))}: ${error.message}`);
  }
}

/** The text of `dropless COMMAND --help`. */
export function formatHelp({ name, summary, positionals, options, examples, notes }: CommandFace): string {
  const rows = Object.entries(options).map(([flag, option]): [string, string] => [
    option.placeholder === null ? `--${flag}` : `--${flag} ${option.placeholder}`,
    [
      option.help,
      option.isRepeatable ? '; may be repeated' : '',
      option.defaultText === null ? '' : ` [${option.defaultText}]`,
    ].join(''),
  ]);
  return [
    `dropless ${name}: ${summary}`,
    '',
    `Usage: dropless ${name} ${positionals.placeholder} [flags]`.replace('  ', ' '),
    ...(notes === undefined ? [] : section(notes.title, formatColumns(notes.rows))),
    ...section('Flags', formatColumns(rows)),
    ...section('Exit codes', formatExitCodes()),
    ...section(
      'Examples',
      examples.flatMap(({ line, shows }) => [`  # ${shows}`, `  ${line}`]),
    ),
    '',
  ].join('\n');
}

export function formatExitCodes(): string[] {
  return formatColumns(Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]));
}

/** Rows of two columns, indented, the first as wide as its widest cell. */
export function formatColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

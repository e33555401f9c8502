import { formatDuration, parseDurationMs } from './duration.ts';
import { Fault } from './fault.ts';
import type { Relations } from './relations.ts';

/**
 * One flag, defined once: parsing, `--help` and the reference in docs/ all come from it. `Value` is what the
 * command receives.
 */
export interface Option<Value> extends Relations {
  readonly help: string;
  /** The placeholder for the value in the help; null: a switch, which takes none. */
  readonly placeholder: string | null;
  /** What the value may be, for example `1 to 20`; null: the placeholder says it. */
  readonly range: string | null;
  /** The default as the help shows it; null: none. */
  readonly defaultText: string | null;
  /** May be given more than once. */
  readonly isRepeatable: boolean;
  /** One letter, for example `n` of `-n`; null: it has no short form. */
  readonly short: string | null;
  /** Heading in the help; null: `Flags`. */
  readonly group: string | null;
  /** Its value is the path of a file that is read, or written; null: it is none. */
  readonly file: FileUse | null;
  /** Parses the texts given on the command line, none or more. Throws a Fault that says what is accepted. */
  parse(texts: readonly string[]): Value;
}

type FileUse = 'input' | 'output';

export type Options = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer V> ? V : never;
};

interface Range {
  readonly min: number;
  readonly max: number;
}

/** How one text becomes a value. */
export interface Grammar<Value> {
  readonly placeholder: string;
  readonly help: string;
  readonly range?: string;
  readonly file?: FileUse;
  parse(text: string): Value;
}

/**
 * A flag whose value is undefined if the flag is left out.
 * @param defaultText what replaces it then, as the help shows it; null: nothing
 */
export function optional<Value>(
  grammar: Grammar<Value>,
  defaultText: string | null = null,
): Option<Value | undefined> {
  return {
    ...toOption(grammar),
    defaultText,
    parse: (texts) => {
      const text = texts.at(-1);
      return text === undefined ? undefined : grammar.parse(text);
    },
  };
}

/** A flag with a value and a default, written as the user would write it. */
export function withDefault<Value>(defaultText: string, grammar: Grammar<Value>): Option<Value> {
  return {
    ...toOption(grammar),
    defaultText,
    parse: (texts) => grammar.parse(texts.at(-1) ?? defaultText),
  };
}

/** A flag that may be given more than once. */
export function repeatable<Value>(grammar: Grammar<Value>): Option<readonly Value[]> {
  return {
    ...toOption(grammar),
    isRepeatable: true,
    parse: (texts) => texts.map((text) => grammar.parse(text)),
  };
}

/** A flag without a value. */
export function toggle(help: string): Option<boolean> {
  return { ...PLAIN, help, placeholder: null, range: null, parse: (texts) => texts.length > 0 };
}

/** The flag with what it requires of other arguments, or a short form. */
export function refine<Value>(
  option: Option<Value>,
  more: Relations & { readonly short?: string },
): Option<Value> {
  return { ...option, ...more };
}

/** The flags under a heading of the help, with what all of them require of other arguments. */
export function group<O extends Options>(heading: string, options: O, relations: Relations = {}): O {
  const grouped = Object.entries(options).map(([flag, option]) => [
    flag,
    { ...option, group: heading, ...mergeRelations(option, relations) },
  ]);
  return Object.fromEntries(grouped) as O;
}

function mergeRelations(own: Relations, shared: Relations): Relations {
  const join = (key: keyof Relations) => [...(own[key] ?? []), ...(shared[key] ?? [])];
  return { conflictsWith: join('conflictsWith'), needs: join('needs'), onlyWith: join('onlyWith') };
}

const PLAIN = { defaultText: null, isRepeatable: false, short: null, group: null, file: null };

function toOption({ placeholder, help, range, file }: Grammar<unknown>) {
  return { ...PLAIN, placeholder, help, range: range ?? null, file: file ?? null };
}

/** `--namespace`, the form that relations use. */
export function toFlag(name: string): string {
  return `--${name}`;
}

/** What the help says of a flag: its meaning, then range, default and repetition. */
export function describeOption({ help, range, defaultText, isRepeatable }: Option<unknown>): string {
  const details = [
    ...(range === null ? [] : [range]),
    ...(defaultText === null ? [] : [`default: ${defaultText}`]),
    ...(isRepeatable ? ['may be repeated'] : []),
  ];
  return details.length === 0 ? help : `${help} (${details.join('; ')})`;
}

export function text(placeholder: string, help: string): Grammar<string> {
  return {
    placeholder,
    help,
    parse: (given) => {
      if (given === '') throw new Fault('is empty');
      return given;
    },
  };
}

/** The path of a file that the command reads; `-` is standard input where the help says so. */
export function inputFile(help: string): Grammar<string> {
  return { ...text('FILE', help), file: 'input' };
}

/** The path of a file that the command writes. */
export function outputFile(help: string): Grammar<string> {
  return { ...text('FILE', help), file: 'output' };
}

/** A whole number within the range, both ends included. */
export function integer(help: string, range: Range): Grammar<number> {
  return {
    placeholder: 'N',
    help,
    range: `${range.min} to ${range.max}`,
    parse: (given) => {
      if (!/^-?\d+$/.test(given) || !isWithin(Number(given), range)) {
        throw new Fault(`must be a whole number from ${range.min} to ${range.max}`);
      }
      return Number(given);
    },
  };
}

/** A number within the range, both ends included. */
export function number(placeholder: string, help: string, range: Range): Grammar<number> {
  return {
    placeholder,
    help,
    range: `${range.min} to ${range.max}`,
    parse: (given) => {
      if (!/^-?(\d+\.?\d*|\.\d+)$/.test(given) || !isWithin(Number(given), range)) {
        throw new Fault(`must be a number from ${range.min} to ${range.max}`);
      }
      return Number(given);
    },
  };
}

/** A duration with its unit, for example `1.5s`; the range is in ms, both ends included. */
export function duration(help: string, range: Range): Grammar<number> {
  const span = `${formatDuration(range.min)} to ${formatDuration(range.max)}`;
  return {
    placeholder: 'TIME',
    help,
    range: span,
    parse: (given) => {
      const ms = parseDurationMs(given);
      if (ms === null || !isWithin(ms, range)) {
        throw new Fault(`must be a time with its unit (ms, s, m or h) from ${span}`);
      }
      return ms;
    },
  };
}

/** One of the given words. */
export function choice<const Word extends string>(help: string, words: readonly Word[]): Grammar<Word> {
  return {
    placeholder: words.join('|'),
    help,
    parse: (given) => {
      const word = words.find((candidate) => candidate === given);
      if (word === undefined) throw new Fault(`must be ${words.join(' or ')}`);
      return word;
    },
  };
}

function isWithin(value: number, { min, max }: Range): boolean {
  return value >= min && value <= max;
}

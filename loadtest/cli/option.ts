import { formatDuration, parseDurationMs } from './duration.ts';
import { Fault } from './fault.ts';

/**
 * One flag, defined once: parsing, `--help` and the reference in docs/ all come from it. `Value` is what the
 * command receives.
 */
export interface Option<Value> {
  readonly help: string;
  /** Stands for the value in the help; null: a switch, which takes none. */
  readonly placeholder: string | null;
  /** As the help shows it; null: no default. */
  readonly defaultText: string | null;
  /** May be given more than once. */
  readonly isRepeatable: boolean;
  /** From the texts given on the command line, none or more. Throws a plain Error that says what is accepted. */
  parse(texts: readonly string[]): Value;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer V> ? V : never;
};

interface Range {
  readonly min: number;
  readonly max: number;
}

/** How one text becomes a value: for flags whose grammar lives elsewhere. */
interface Grammar<Value> {
  readonly placeholder: string;
  readonly help: string;
  parse(text: string): Value;
}

/** A flag with a value that may be left out; then it is undefined. */
export function optional<Value>(grammar: Grammar<Value>): Option<Value | undefined> {
  return {
    ...grammar,
    defaultText: null,
    isRepeatable: false,
    parse: (texts) => {
      const text = texts.at(-1);
      return text === undefined ? undefined : grammar.parse(text);
    },
  };
}

/** A flag with a value and a default, which is written as the user would write it. */
export function withDefault<Value>(defaultText: string, grammar: Grammar<Value>): Option<Value> {
  return {
    ...grammar,
    defaultText,
    isRepeatable: false,
    parse: (texts) => grammar.parse(texts.at(-1) ?? defaultText),
  };
}

/** A flag that may be given more than once. */
export function repeatable<Value>(grammar: Grammar<Value>): Option<readonly Value[]> {
  return {
    ...grammar,
    defaultText: null,
    isRepeatable: true,
    parse: (texts) => texts.map((text) => grammar.parse(text)),
  };
}

/** A flag without a value. */
export function toggle(help: string): Option<boolean> {
  return {
    help,
    placeholder: null,
    defaultText: null,
    isRepeatable: false,
    parse: (texts) => texts.length > 0,
  };
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

/** A whole number within the range, both ends included. */
export function integer(help: string, range: Range): Grammar<number> {
  return {
    placeholder: 'N',
    help: `${help} (${range.min} to ${range.max})`,
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
    help: `${help} (${range.min} to ${range.max})`,
    parse: (given) => {
      if (!/^-?(\d+\.?\d*|\.\d+)$/.test(given) || !isWithin(Number(given), range)) {
        throw new Fault(`must be a number from ${range.min} to ${range.max}`);
      }
      return Number(given);
    },
  };
}

/** A duration with its unit, as `1.5s`; the range is in ms, both ends included. */
export function duration(help: string, range: Range): Grammar<number> {
  const span = `${formatDuration(range.min)} to ${formatDuration(range.max)}`;
  return {
    placeholder: 'TIME',
    help: `${help} (${span})`,
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

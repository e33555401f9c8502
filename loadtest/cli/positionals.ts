import { Fault } from './fault.ts';

/** The arguments of a command that are not flags. `Value` is what the command receives. */
export interface Positionals<Value> {
  /** As the usage line shows them, for example `URL` or `FILE...`; empty: the command takes none. */
  readonly placeholder: string;
  /** @throws {Fault} where there are too few or too many, or one is not what the command takes */
  parse(words: readonly string[]): Value;
  /** How relations name the given words. Default: each by itself. */
  toNames?(value: Value): readonly string[];
}

export const NONE: Positionals<null> = {
  placeholder: '',
  parse: ([unexpected]) => {
    if (unexpected !== undefined) throw toUnexpected(unexpected);
    return null;
  },
};

export function exactlyOne<Value>(placeholder: string, parse: (word: string) => Value): Positionals<Value> {
  return {
    placeholder,
    parse: ([word, unexpected]) => {
      if (word === undefined) throw new Fault(`${placeholder} is missing`);
      if (unexpected !== undefined) throw toUnexpected(unexpected);
      return parse(word);
    },
    toNames: () => [placeholder],
  };
}

export function oneOrMore(placeholder: string): Positionals<readonly string[]> {
  return {
    placeholder: `${placeholder}...`,
    parse: (words) => {
      if (words.length === 0) throw new Fault(`${placeholder} is missing`);
      return words;
    },
  };
}

export function toUnexpected(word: string): Fault {
  return new Fault(`unexpected argument ${JSON.stringify(word)}`);
}

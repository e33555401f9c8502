import type { Exit } from './exit-code.ts';
import { Fault } from './fault.ts';
import { type Option, type Options, type OptionValues, toFlag } from './option.ts';
import type { Positionals } from './positionals.ts';
import { checkRelations, type Relations } from './relations.ts';
import type { World } from './world.ts';

interface Example {
  /** A whole command line. */
  readonly line: string;
  readonly shows: string;
}

/** What the parser, `--help` and the reference in docs/ need to know of a command. */
interface CommandFace {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly options: Options;
  readonly examples: readonly Example[];
  /** What the positionals mean, where the placeholder does not say enough. */
  readonly words?: readonly (readonly [string, string])[];
  /** What a flag's values mean. */
  readonly notes?: { readonly title: string; readonly rows: readonly (readonly [string, string])[] };
  /** What words among the positionals require of other arguments. Flags have their own relations. */
  readonly relations?: Readonly<Record<string, Relations>>;
  /** Flags that no longer exist, each with what to write instead. */
  readonly retired?: Readonly<Record<string, string>>;
}

interface CommandDefinition<O extends Options, P> extends CommandFace {
  readonly options: O;
  readonly positionals: Positionals<P>;
  run(
    /** `given`: the same before it was parsed. */
    input: { options: OptionValues<O>; positionals: P; given: GivenArguments },
    world: World,
  ): Promise<Exit>;
}

/** A command line taken apart, but not validated yet. */
export interface GivenArguments {
  /** By flag name without dashes: its texts in order; a switch has an empty one. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
}

/** A subcommand with the types of its arguments closed over. */
export interface Command extends CommandFace {
  /** Of the positionals. */
  readonly placeholder: string;
  /** @throws {Fault} where the arguments are not the command's */
  run(given: GivenArguments, world: World): Promise<Exit>;
}

export function defineCommand<O extends Options, P>(definition: CommandDefinition<O, P>): Command {
  const { options, positionals, relations = {}, run, ...face } = definition;
  const all = {
    ...relations,
    ...Object.fromEntries(Object.entries(options).map(([flag, option]) => [toFlag(flag), option])),
  };
  return {
    ...face,
    options,
    placeholder: positionals.placeholder,
    run: async (given, world) => {
      const { flags, words } = given;
      const values = Object.fromEntries(
        Object.entries(options).map(([flag, option]) => [
          flag,
          parseValue(flag, option, flags.get(flag) ?? []),
        ]),
      );
      const parsed = positionals.parse(words);
      const names = positionals.toNames?.(parsed) ?? words;
      checkRelations(all, new Set([...[...flags.keys()].map(toFlag), ...names]));
      return run({ options: values as OptionValues<O>, positionals: parsed, given }, world);
    },
  };
}

function parseValue(flag: string, option: Option<unknown>, texts: readonly string[]): unknown {
  if (texts.length > 1 && option.placeholder !== null && !option.isRepeatable) {
    throw new Fault(`${toFlag(flag)} is given twice`);
  }
  try {
    return option.parse(texts);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(`${toFlag(flag)} ${JSON.stringify(texts.at(-1))}: ${error.message}`);
  }
}

import type { Command } from './command.ts';

/** Every subcommand, in the order in which the help lists them. */
export const COMMANDS: readonly Command[] = [];

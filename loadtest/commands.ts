import type { Command } from './command.ts';
import { createLintCommand } from './lint/command.ts';
import { nodeHost } from './lint/host.ts';

/** Every subcommand, in the order in which the help lists them. */
export const COMMANDS: readonly Command[] = [createLintCommand(nodeHost)];

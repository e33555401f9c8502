import type { Command } from './command.ts';
import { contract } from './contract/command.ts';
import { createLintCommand } from './lint/command.ts';
import { nodeHost } from './lint/host.ts';
import { merge } from './merge.ts';
import { prove } from './prove/command.ts';
import { report } from './report-command.ts';
import { run } from './run.ts';

/** Every subcommand, in the order in which the help lists them. */
export const COMMANDS: readonly Command[] = [
  run,
  prove,
  contract,
  merge,
  report,
  createLintCommand(nodeHost),
];

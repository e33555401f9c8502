import type { Command } from '../cli/command.ts';
import { nodeHost } from '../lint/host.ts';
import { contract } from './contract.ts';
import { createLintCommand } from './lint.ts';
import { merge } from './merge.ts';
import { prove } from './prove.ts';
import { report } from './report.ts';
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

import type { Command } from '../cli/command.ts';
import { nodeHost } from '../lint/host.ts';
import { contract } from './contract.ts';
import { createLintCommand } from './lint.ts';
import { merge } from './merge.ts';
import { observe } from './observe.ts';
import { prove } from './prove.ts';
import { report } from './report.ts';
import { run } from './run.ts';

/** Every subcommand, in the order in which the help lists them. */
export const COMMANDS: readonly Command[] = [
  run,
  prove,
  observe,
  contract,
  merge,
  report,
  createLintCommand(nodeHost),
];

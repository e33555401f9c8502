#!/usr/bin/env node
import { open, readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { EXIT_CODES } from './cli/exit-code.ts';
import { runCli } from './cli/program.ts';
import type { TextOutput } from './cli/world.ts';
import { COMMANDS } from './commands/registry.ts';
import packageJson from './package.json' with { type: 'json' };

/** 128 + SIGINT, as shells report it. */
const EXIT_INTERRUPTED = 130;

const interruption = new AbortController();
let isToldToEnd = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isToldToEnd) process.exit(EXIT_INTERRUPTED);
    isToldToEnd = true;
    interruption.abort();
  });
}
// A terminal that is closed says so more than once, by its shell and by the kernel: nobody asks for haste.
process.on('SIGHUP', () => interruption.abort());

// A reader that has seen enough, as `head`, is no fault; nor is one that ended by the same Ctrl-C, as `tee`, or a
// terminal that was closed (EIO).
const GONE = ['EPIPE', 'EIO'];
let isCutOff = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (GONE.includes(error.code ?? '')) return;
    if (!isCutOff && stream === process.stdout) console.error(`dropless: standard output: ${error.message}`);
    isCutOff = true;
    setExitCode();
  });
}

// A fault of this program proves nothing about the target, so it must not look like a loss (1). What was done to the
// target is taken back as after Ctrl-C.
let isFaulty = false;
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    // Once: what fails may be the writing itself.
    if (!isFaulty) console.error(error);
    isFaulty = true;
    interruption.abort();
    setExitCode();
  });
}

/** Of the command; null: it has not ended. */
let found: number | null = null;

/** A fault, or the word that an output is full, may come after the command has ended. */
function setExitCode(): void {
  // What was found stays found on a disk that is full; but what is good must be there to be read.
  const isUnread = isCutOff && found === EXIT_CODES.proven.code;
  process.exitCode = isFaulty || isUnread ? EXIT_CODES.inconclusive.code : (found ?? 0);
}

found = await runCli({ version: packageJson.version, commands: COMMANDS }, process.argv.slice(2), {
  stdout: toTextOutput(process.stdout),
  stderr: toTextOutput(process.stderr),
  env: process.env,
  interrupted: interruption.signal,
  nowMs: Date.now,
  readText: (path) => (path === '-' ? text(process.stdin) : readFile(path, 'utf8')),
  writeText: (path, content) => writeFile(path, content),
  prepareFile: async (path) => (await open(path, 'w')).close(),
}).catch((error: unknown) => {
  console.error(error);
  return EXIT_CODES.inconclusive.code;
});
setExitCode();

function toTextOutput(stream: NodeJS.WriteStream): TextOutput {
  return {
    write: (content) => void stream.write(content),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}

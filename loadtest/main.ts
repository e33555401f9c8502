#!/usr/bin/env node
import { once } from 'node:events';
import { appendFile, open, readFile, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { EXIT_CODES } from './cli/exit-code.ts';
import { Fault } from './cli/fault.ts';
import { runCli } from './cli/program.ts';
import { toProgramName } from './cli/program-name.ts';
import { VERSION, VERSION_LINE } from './cli/version.ts';
import type { TextOutput, World } from './cli/world.ts';
import { COMMANDS } from './commands/registry.ts';
import { createSender } from './load/sender.ts';
import { SENDER_PORT, SENDER_VARIABLE } from './runner/runner-objects.ts';
import { enterRunner } from './runner/runner-pod.ts';

/** 128 + SIGINT, as shells report it. */
const EXIT_INTERRUPTED = 130;
const PROGRAM = toProgramName([process.argv0, process.argv[1] ?? '']);

const interruption = new AbortController();
let isToldToEnd = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isToldToEnd) process.exit(EXIT_INTERRUPTED);
    isToldToEnd = true;
    interruption.abort();
  });
}
// A closed terminal sends SIGHUP more than once, from its shell and from the kernel: that is not a request to
// hurry.
process.on('SIGHUP', () => interruption.abort());

// A reader that has seen enough (for example `head`) is not a fault; nor is one that ended on the same Ctrl-C
// (`tee`), or a terminal that was closed (EIO).
const GONE = ['EPIPE', 'EIO'];
let isCutOff = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (GONE.includes(error.code ?? '')) return;
    if (!isCutOff && stream === process.stdout)
      console.error(`${PROGRAM}: standard output: ${error.message}`);
    isCutOff = true;
    setExitCode();
  });
}

// A fault of this program proves nothing about the target, so it must not look like a loss (1). What was done to
// the target is undone as after Ctrl-C.
let isFaulty = false;
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    // Only once: writing itself may be what fails.
    if (!isFaulty) console.error(error);
    isFaulty = true;
    interruption.abort();
    setExitCode();
  });
}

/** The exit code of the command; null: it has not ended. */
let found: number | null = null;

/** A fault, or the error that an output is full, may arrive after the command has ended. */
function setExitCode(): void {
  // Losses stay losses even if the disk is full; but a good result must be there to be read.
  const isUnread = isCutOff && found === EXIT_CODES.proven.code;
  process.exitCode = isFaulty || isUnread ? EXIT_CODES.inconclusive.code : (found ?? 0);
}

let stdin: Promise<Buffer> | null = null;
/** It can be read once, and a command that is carried out elsewhere needs it twice. */
function readStdin(): Promise<Buffer> {
  stdin ??= buffer(process.stdin);
  return stdin;
}

const surroundings: World = {
  program: PROGRAM,
  stdout: toTextOutput(process.stdout),
  stderr: toTextOutput(process.stderr),
  env: process.env,
  interrupted: interruption.signal,
  senders: [],
  nowMs: Date.now,
  readText: async (path, encoding = 'utf8') =>
    path === '-' ? (await readStdin()).toString(encoding) : readFile(path, encoding),
  writeText: (path, content) => writeFile(path, content),
  appendText: (path, content) => appendFile(path, content),
  prepareFile: async (path) => (await open(path, 'w')).close(),
};

async function carryOut(): Promise<number> {
  const program = { version: VERSION_LINE, commands: COMMANDS };
  const { [SENDER_VARIABLE]: secret = '' } = process.env;
  if (secret !== '') return serveLoads(secret);
  const runner = await enterRunner(surroundings);
  if (runner === null) return runCli(program, process.argv.slice(2), surroundings).catch(toFaulty);
  const code = await runner
    .prepare(VERSION)
    .then(({ args, world }) => runCli(program, args, world))
    .catch(toFaulty);
  return runner.finish(isFaulty ? EXIT_CODES.inconclusive.code : code);
}

function toFaulty(error: unknown): number {
  // Of what a runner lacks; `runCli` tells all others.
  if (error instanceof Fault) console.error(`${PROGRAM}: ${error.message}`);
  else console.error(error);
  return EXIT_CODES[error instanceof Fault ? error.exit : 'inconclusive'].code;
}

/** Until it is told to end. */
async function serveLoads(secret: string): Promise<number> {
  const server = createSender(secret).listen(SENDER_PORT);
  await once(interruption.signal, 'abort');
  server.close();
  process.exit(isFaulty ? EXIT_CODES.inconclusive.code : EXIT_CODES.proven.code);
}

found = await carryOut().catch(toFaulty);
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

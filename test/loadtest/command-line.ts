import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createBareRoot } from '../fixtures/bare-root.ts';
import { TOOLS } from '../tools.ts';

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
}

export interface Program {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
}

const root = join(import.meta.dirname, '..', '..');

/** A command line for the shell, of words with anything in them. */
export function toShellLine(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}

/** The program as it is run from the sources. */
export const SOURCES: Program = {
  name: 'Bun, from the sources',
  argv: [process.execPath, join(root, 'loadtest', 'main.ts')],
};

/** The program as it is shipped, on both runtimes. Bundles into a directory of its own, inside the project, since the bundle leaves one optional package out. */
export function createPrograms(): { programs: readonly Program[]; directory: string; remove(): void } {
  const directory = mkdtempSync(join(root, 'node_modules', '.dropless-'));
  const built = spawnSync(process.execPath, ['build.ts', directory], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}`);
  const bundle = join(directory, 'loadtest', 'dist', 'main.js');
  return {
    programs: [
      { name: 'Bun', argv: [process.execPath, bundle] },
      { name: 'Node', argv: ['node', bundle] },
    ],
    directory,
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/**
 * The program as one file, of the bundles in a directory of `createPrograms`: on this machine, and in a root that holds
 * nothing else where one can be made, else on this machine again.
 */
export function createBinary(directory: string): { readonly here: Program; readonly alone: Program } {
  const built = spawnSync(process.execPath, ['release/binaries.ts', '--native', directory], {
    cwd: root,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}`);
  const binaries = join(directory, 'dist', 'binaries');
  const file = join(binaries, readdirSync(binaries)[0] ?? '');
  const here: Program = { name: 'the binary', argv: [file] };
  if (TOOLS.bareRoot.command === undefined) return { here, alone: here };
  const argv = createBareRoot(file, join(directory, 'root'), directory);
  return { here, alone: { name: 'the binary, in an empty root', argv } };
}

/** @param place where it runs; by default in the project, with the environment of the tests */
export function start(
  { argv: [command, ...first] }: Program,
  args: readonly string[],
  input = '',
  place: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Running {
  const child = spawn(command, [...first, ...args], { cwd: root, ...place, stdio: 'pipe' });
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<Ending>((resolve) => child.once('close', (code) => resolve({ code, ...out })));
  return { child, ended };
}

/** Runs a line of the shell in a terminal. Only under `testWith(TOOLS.terminal)`. */
export function startInTerminal(line: string): Running {
  const argv = TOOLS.terminal.command;
  if (argv === undefined) throw new Error(`${TOOLS.terminal.name} is missing`);
  return start({ name: 'a terminal', argv }, [line]);
}

export interface Target {
  readonly url: string;
  /** Requests received. */
  readonly received: number;
  /** Resolves as soon as so many have been received. */
  reach(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A server that counts what it receives. */
export async function listen(
  answer: RequestListener = (_, response) => response.end('ok'),
  tls: { key: string; cert: string } | null = null,
): Promise<Target> {
  let received = 0;
  let waiting: { count: number; resolve: () => void }[] = [];
  const onRequest: RequestListener = (request, response) => {
    received += 1;
    for (const { count, resolve } of waiting) if (received >= count) resolve();
    waiting = waiting.filter(({ count }) => received < count);
    answer(request, response);
  };
  const server = tls === null ? createServer(onRequest) : createTlsServer(tls, onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls === null ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get received() {
      return received;
    },
    reach: (count) =>
      new Promise((resolve) => {
        if (received >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

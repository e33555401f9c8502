import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const root = join(import.meta.dirname, '../..');

/** The runtimes the contract holds for, each with the command line that starts the service. */
export const RUNTIMES = {
  bun: [process.execPath, join(root, 'src/main.ts')],
  node: ['node', join(root, 'dist/service/main.js')],
} as const;
export type Runtime = keyof typeof RUNTIMES;

/** One JSON line of the service's output. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The service in a process of its own. */
export interface Service {
  readonly port: number;
  readonly url: string;
  readonly log: readonly LogLine[];
  signal(name: NodeJS.Signals): void;
  /** Resolves with the first log line that matches, past or to come; rejects if the process ends without it. */
  logged(match: (line: LogLine) => boolean): Promise<LogLine>;
  /** Exit code, or the name of the signal that ended the process. */
  readonly exited: Promise<number | string>;
  readonly stderr: () => string;
}

/** Starts a program that logs as the service does; it has printed nothing yet. */
export function spawnProgram(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Omit<Service, 'port' | 'url'> {
  const [program = '', ...args] = command;
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(program, args, {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  const watchers = new Set<() => void>();
  let rest = '';
  let stderr = '';
  let ended = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) log.push(JSON.parse(line));
    for (const watcher of watchers) watcher();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const exited = once(child, 'close').then(([code, signal]) => {
    ended = true;
    for (const watcher of watchers) watcher();
    return code ?? signal;
  });
  return {
    log,
    signal: (name) => void child.kill(name),
    exited,
    stderr: () => stderr,
    logged: (match) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = log.find(match);
          if (line !== undefined) resolve(line);
          else if (ended)
            reject(
              new Error(`the process ended without that line; it wrote: ${JSON.stringify(log)} ${stderr}`),
            );
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
  };
}

/** Starts the service and awaits that it is ready. The caller ends it: see {@link stop}. */
export async function startService(
  runtime: Runtime,
  env: Readonly<Record<string, string>> = {},
): Promise<Service> {
  return awaitReady(spawnProgram(RUNTIMES[runtime], env));
}

/** Awaits that a program listens and is ready. */
export async function awaitReady(program: Omit<Service, 'port' | 'url'>): Promise<Service> {
  const { port } = await program.logged((line) => line.message === 'listening');
  await program.logged((line) => line.message === 'lifecycle' && line.state === 'ready');
  return { ...program, port: Number(port), url: `http://127.0.0.1:${port}` };
}

/** Ends a service that a test is done with. */
export async function stop(service: Pick<Service, 'signal' | 'exited'>): Promise<void> {
  service.signal('SIGKILL');
  await service.exited;
}

/** Asks for the metrics until they match. */
export async function metricsMatch(service: Service, pattern: RegExp): Promise<void> {
  while (!pattern.test(await (await fetch(`${service.url}/metrics`)).text())) {
    // asked again at once: each response takes a turn of the service's event loop
  }
}

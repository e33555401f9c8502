import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerExit } from '../proof/timeline.ts';
import { type PidOne, signalPidOne, toShellArgv } from './pid-one.ts';
import { guardGroup, signalGroup } from './process-group.ts';

/** Log lines kept of each replica, to explain its exit. */
const MAX_LOG_LINES = 20;
/** How long the last output of an exited process may still be on its way. */
const LAST_WORDS_MS = 500;
type Environment = Readonly<Record<string, string | undefined>>;

interface ReplicaOptions {
  /** How far signals reach it as they reach process 1 of a container [`none`]. */
  readonly pidOne?: PidOne;
  /** Variables besides PORT that name its port. */
  readonly portVariables?: readonly string[];
}

/** A server as a process of its own, like the only container of a pod. */
export interface Replica {
  readonly port: number;
  readonly env: Environment;
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<Pick<ContainerExit, 'code' | 'signal'>>;
  /** The last lines it wrote to stdout and stderr. */
  readonly log: readonly string[];
  /** Resolves when the process has exited and its last lines are in the log. */
  readonly logged: Promise<void>;
  /** Signals only the process itself, as the kubelet signals process 1. */
  signal(name: NodeJS.Signals): void;
  /** Kills it and everything it started. */
  destroy(): void;
}

/**
 * Starts `sh -c "exec COMMAND"` with PORT set. A command that cannot be started ends with code 127. No replica
 * outlives this process, however it exits.
 */
export async function startReplica(
  command: string,
  given: Environment,
  { pidOne = 'none', portVariables = [] }: ReplicaOptions = {},
): Promise<Replica> {
  const port = await takeFreePort();
  const ports = ['PORT', ...portVariables].map((name) => [name, String(port)]);
  const env: Environment = { ...given, ...Object.fromEntries(ports) };
  // A process group of its own: Ctrl-C on the terminal reaches only the prover, which then stops the fleet.
  const [program, ...args] = toShellArgv(`exec ${command}`, pidOne);
  const child = spawn(program, args, {
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      log.push(line);
      if (log.length > MAX_LOG_LINES) log.shift();
    });
  }
  const exited = new Promise<Pick<ContainerExit, 'code' | 'signal'>>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const logged = exited.then(() => hearOut(child, closed));
  guardGroup(child, exited);
  return {
    port,
    env,
    exited,
    log,
    logged,
    signal: (name) => signalPidOne(child, name, pidOne),
    destroy: () => signalGroup(child, 'SIGKILL'),
  };
}

/**
 * The last line of defence: whatever ends this process also kills the replicas that still run.
 * @returns a function that undoes this
 */
export function destroyOnExit(replicas: () => Iterable<Replica | null>): () => void {
  const destroyAll = () => {
    for (const replica of replicas()) replica?.destroy();
  };
  process.on('exit', destroyAll);
  return () => void process.off('exit', destroyAll);
}

/** Reads the last output of an exited process. What it started may hold the output open for ever. */
async function hearOut({ stdout, stderr }: ChildProcess, closed: Promise<void>): Promise<void> {
  const heard = new AbortController();
  const patience = sleep(LAST_WORDS_MS, undefined, { signal: heard.signal }).catch(() => {});
  await Promise.race([closed, patience]);
  heard.abort();
  stdout?.destroy();
  stderr?.destroy();
}

/** A port that was free a moment ago. */
function takeFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no free port'));
        else resolve(address.port);
      });
    });
  });
}

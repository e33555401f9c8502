import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Exit } from '../prove/timeline.ts';

/** Log lines kept of each replica, for the story of its end. */
const MAX_LOG_LINES = 20;

/** A server as a process of its own, as the only container of a pod would be. */
export interface Replica {
  readonly port: number;
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<Omit<Exit, 'atMs'>>;
  /** The last lines it wrote to stdout and stderr. */
  readonly log: readonly string[];
  /** To the process alone, as the kubelet signals process 1. */
  signal(name: NodeJS.Signals): void;
  /** Ends it and everything it started. */
  destroy(): void;
}

/** Starts `sh -c "exec COMMAND"` with PORT set. A command that cannot be started ends with code 127. */
export async function startReplica(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Replica> {
  const port = await takeFreePort();
  // A process group of its own: Ctrl-C on the terminal reaches the prover alone, which then ends the fleet.
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], {
    detached: true,
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      log.push(line);
      if (log.length > MAX_LOG_LINES) log.shift();
    });
  }
  const exited = new Promise<Omit<Exit, 'atMs'>>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    port,
    exited,
    log,
    signal: (name) => void child.kill(name),
    destroy: () => destroyGroup(child),
  };
}

/**
 * The last line of defence: whatever ends this process ends the replicas that there are then.
 * @returns what takes that back
 */
export function destroyOnExit(replicas: () => Iterable<Replica | null>): () => void {
  const destroyAll = () => {
    for (const replica of replicas()) replica?.destroy();
  };
  process.on('exit', destroyAll);
  return () => void process.off('exit', destroyAll);
}

function destroyGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: the whole group has ended already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A port that nothing listened on a moment ago. */
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

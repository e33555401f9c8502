import { type ChildProcess, spawn } from 'node:child_process';

/** Waits for the exit of the process at the other end of its standard input, then kills the group $1. */
const GUARD = 'read -r _; kill -s KILL -- "-$1" 2>/dev/null';

/**
 * Signals a child and everything it has started; signal 0 only checks. The child must have been spawned `detached`,
 * which makes it the leader of a process group of its own.
 * @returns whether any process of the group existed
 */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/**
 * Has the child and everything it has started killed with this process, until it has exited. SIGKILL leaves this
 * process no time to do that, so another one has to watch over it. The child must have been spawned `detached`.
 */
export function guardGroup({ pid }: ChildProcess, exited: Promise<unknown>): void {
  if (pid === undefined) return;
  const watcher = spawn('/bin/sh', ['-c', GUARD, 'guard', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => {});
  watcher.unref();
  void exited.then(() => watcher.kill('SIGKILL'));
}

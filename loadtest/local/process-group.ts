import type { ChildProcess } from 'node:child_process';

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

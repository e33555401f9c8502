import type { ChildProcess } from 'node:child_process';

/**
 * Signals everything that a child has started, itself included; 0 only asks. It must have been spawned `detached`,
 * which makes it the leader of a process group of its own.
 * @returns whether anything of the group was there
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

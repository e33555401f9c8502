import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** For tests. A process that has ended and that nobody has asked about yet, a zombie, is none. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z]/.test(stdout.trim());
}

/** Looks for ten seconds and more whether it comes true. */
export async function comesTrue(isTrue: () => boolean): Promise<boolean> {
  for (let n = 0; n < 500 && !isTrue(); n += 1) await sleep(20);
  return isTrue();
}

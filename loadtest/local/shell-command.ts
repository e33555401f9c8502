import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalGroup } from './process-group.ts';

const POLL_MS = 50;

/**
 * Runs a command with `/bin/sh -c`. Its output goes to standard error. An abort sends SIGTERM to it and to
 * everything it started, and SIGKILL to what is left after `patienceMs`, so that nothing outlives this call or this
 * process.
 * @throws {Error} where it does not exit with 0, or was aborted
 */
export async function runInShell(command: string, signal: AbortSignal, patienceMs = 5_000): Promise<void> {
  signal.throwIfAborted();
  const child = spawn('/bin/sh', ['-c', command], { detached: true, stdio: ['ignore', 2, 2] });
  const destroy = () => void signalGroup(child, 'SIGKILL');
  const ended = once(child, 'exit');
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = () => {
      signalGroup(child, 'SIGTERM');
      resolve();
    };
  });
  signal.addEventListener('abort', stop);
  process.on('exit', destroy);
  try {
    await Promise.race([ended, stopped]);
    if (signal.aborted) await awaitEnd();
    signal.throwIfAborted();
    const [code, by] = await ended;
    if (code !== 0) throw new Error(`${JSON.stringify(command)} exited with ${by ?? `code ${code}`}`);
  } finally {
    signal.removeEventListener('abort', stop);
    process.off('exit', destroy);
  }

  async function awaitEnd(): Promise<void> {
    const endMs = performance.now() + patienceMs;
    while (signalGroup(child, 0) && performance.now() < endMs) await sleep(POLL_MS);
    destroy();
  }
}

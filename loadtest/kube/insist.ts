import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from './api.ts';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 1_000;

/**
 * Calls again and again while the API server cannot be heard, or asks for patience, for up to a minute.
 * @throws {Error} the last one, or the first that says more than that
 */
export async function insist<T>(call: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isPassing(error) || performance.now() > endMs) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

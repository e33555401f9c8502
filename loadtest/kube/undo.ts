import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing, toApiStatus } from './api.ts';

/** What was changed, and how each change is taken back. */
export interface Undo {
  /** Write it down before the change is made: a change that was cut off may have come about. */
  add(what: string, run: () => Promise<unknown>): void;
  /** Takes all back, the last change first. Returns what could not be, in words. Never rejects. */
  all(): Promise<readonly string[]>;
}

const PATIENCE_MS = 60_000;
const PAUSE_MS = 1_000;

/** @param tell told each change that is taken back */
export function createUndo(tell: (step: string) => void): Undo {
  const changes: { readonly what: string; run(): Promise<unknown> }[] = [];
  return {
    add: (what, run) => void changes.push({ what, run }),
    async all() {
      const leftBehind: string[] = [];
      for (const { what, run } of changes.splice(0).reverse()) {
        tell(`undoing: ${what}`);
        await insist(run).catch((error: Error) => void leftBehind.push(`${what} (${error.message})`));
      }
      return leftBehind;
    },
  };
}

/** Again and again while the API server cannot be heard, or asks for patience. What is gone needs no undoing. */
async function insist(run: () => Promise<unknown>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await run();
      return;
    } catch (error) {
      if (toApiStatus(error) === 404) return;
      if (!isPassing(error) || performance.now() > endMs) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

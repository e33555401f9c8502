import { toApiStatus } from './api.ts';
import { insist } from './insist.ts';

/** What was changed, and how each change is taken back. */
export interface Undo {
  /** Write it down before the change is made: a change that was cut off may have come about. */
  add(what: string, run: () => Promise<unknown>): void;
  /** Takes all back, the last change first. Returns what could not be, in words. Never rejects. */
  all(): Promise<readonly string[]>;
}

/** @param tell told each change that is taken back */
export function createUndo(tell: (step: string) => void): Undo {
  const changes: { readonly what: string; run(): Promise<unknown> }[] = [];
  return {
    add: (what, run) => void changes.push({ what, run }),
    async all() {
      const leftBehind: string[] = [];
      for (const { what, run } of changes.splice(0).reverse()) {
        tell(`undoing: ${what}`);
        await insist(run).catch((error: Error) => {
          // What is gone needs no undoing.
          if (toApiStatus(error) !== 404) leftBehind.push(`${what} (${error.message})`);
        });
      }
      return leftBehind;
    },
  };
}

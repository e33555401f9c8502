import { setTimeout as sleep } from 'node:timers/promises';

/** Time, for code that waits for it; an argument, so that tests do not have to wait. */
export interface Clock {
  /** Milliseconds on a monotonic clock. */
  nowMs(): number;
  /** Resolves after `ms`, or at once where the signal is aborted before; never rejects. */
  pause(ms: number, signal: AbortSignal | null): Promise<void>;
}

/** The clock of this process, `performance.now()`. */
export const PROCESS_CLOCK: Clock = {
  nowMs: () => performance.now(),
  pause: (ms, signal) => sleep(ms, undefined, signal === null ? {} : { signal }).catch(() => {}),
};

import { setTimeout as sleep } from 'node:timers/promises';

/** Time, as far as somebody waits for it; an argument, so that tests need not. */
export interface Clock {
  /** Milliseconds on a monotonic clock. */
  nowMs(): number;
  /** Resolves after `ms`, or at once where the signal is aborted before; never rejects. */
  pause(ms: number, signal: AbortSignal | null): Promise<void>;
}

/** That of this process, `performance.now()`. */
export const PROCESS_CLOCK: Clock = {
  nowMs: () => performance.now(),
  pause: (ms, signal) => sleep(ms, undefined, signal === null ? {} : { signal }).catch(() => {}),
};

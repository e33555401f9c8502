import type { Clock } from '../cli/clock.ts';

/** Background tasks, none of which outlives `close`. */
export interface Tasks {
  readonly isClosing: boolean;
  run(task: Promise<void>): void;
  /** Pauses; ends early when the tasks are closed. */
  pause(ms: number): Promise<void>;
  /** Calls `action` after `ms`, unless the tasks are closed before. */
  later(ms: number, action: () => void): void;
  /** Ends every pause. */
  stop(): void;
  /** Resolves when none is left. */
  ended(): Promise<void>;
}

export function createTasks(clock: Clock): Tasks {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();

  const pause = (ms: number) => clock.pause(ms, closing.signal);
  const run = (task: Promise<void>) => {
    running.add(task);
    void task.finally(() => running.delete(task));
  };
  return {
    get isClosing() {
      return closing.signal.aborted;
    },
    run,
    pause,
    later: (ms, action) =>
      run(
        pause(ms).then(() => {
          if (!closing.signal.aborted) action();
        }),
      ),
    stop: () => closing.abort(),
    async ended() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

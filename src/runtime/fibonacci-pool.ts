import { Piscina } from 'piscina';
import type { FibonacciPool, PoolVitals } from '../world.ts';

export interface FibonacciPoolOptions {
  /** Module whose default export computes a job in a worker thread. */
  readonly workerUrl: URL;
  readonly workers: number;
  /** Jobs that may wait for a worker. */
  readonly queueLength: number;
  /** Time for a job, its wait in the queue included. */
  readonly timeoutMs: number;
}

export interface RunningFibonacciPool extends FibonacciPool {
  vitals(): PoolVitals;
  /** Resolves when a worker has computed its first job. */
  warmUp(): Promise<void>;
  /** Ends the workers. */
  close(): Promise<void>;
}

/**
 * A worker pool by Piscina, which works on Bun and on Node. A job that is cancelled ends its worker thread, and
 * a new one takes its place: a running recursion cannot be interrupted otherwise.
 */
export function createFibonacciPool(options: FibonacciPoolOptions): RunningFibonacciPool {
  const { workerUrl, workers, queueLength, timeoutMs } = options;
  const pool = new Piscina({
    filename: workerUrl.href,
    minThreads: workers,
    maxThreads: workers,
    recordTiming: false,
  });
  // A worker that dies while idle: Piscina replaces it. Without a listener, the event would end the process.
  pool.on('error', () => {});
  let admitted = 0;
  const ended = { computed: 0, queueFull: 0, timedOut: 0, abandoned: 0, crashed: 0 };

  return {
    async compute(n, client) {
      if (admitted >= workers + queueLength) {
        ended.queueFull += 1;
        return { kind: 'queue-full' };
      }
      admitted += 1;
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        const value: number = await pool.run(n, { signal: AbortSignal.any([client, deadline]) });
        ended.computed += 1;
        return { kind: 'computed', value };
      } catch {
        if (client.aborted) {
          ended.abandoned += 1;
          return { kind: 'abandoned' };
        }
        if (deadline.aborted) {
          ended.timedOut += 1;
          return { kind: 'timed-out' };
        }
        ended.crashed += 1;
        return { kind: 'crashed' };
      } finally {
        admitted -= 1;
      }
    },
    vitals: () => ({
      workers,
      busy: Math.min(admitted, workers),
      queued: Math.max(admitted - workers, 0),
      ...ended,
    }),
    warmUp: async () => void (await pool.run(1)),
    close: () => pool.destroy(),
  };
}

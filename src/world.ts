/**
 * What the service needs of the world outside Fetch, as plain functions. `main.ts` passes the real ones;
 * tests pass their own.
 */

/** How the payload pool stands. Job counts are since the start. */
export interface PoolVitals {
  readonly workers: number;
  readonly busy: number;
  readonly queued: number;
  readonly computed: number;
  readonly queueFull: number;
  readonly timedOut: number;
  readonly abandoned: number;
  readonly crashed: number;
}

/** What the runtime knows of the process. Reading it costs no system call. */
export interface Vitals {
  readonly refusedRequests: number;
  readonly droppedLogLines: number;
  readonly eventLoopLagMs: number;
  readonly eventLoopLagMaxMs: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly startTimeMs: number;
  readonly pool: PoolVitals;
}

/** How a job of the pool ended. */
export type PoolResult =
  | { readonly kind: 'computed'; readonly value: number }
  | { readonly kind: 'queue-full' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'crashed' };

/** Computes Fibonacci numbers off the event loop, with a bounded queue and a time limit. */
export interface FibonacciPool {
  /** @param client aborted when nobody waits for the result any more. Never rejects. */
  compute(n: number, client: AbortSignal): Promise<PoolResult>;
}

/**
 * Resolves after that time, or as soon as the client is gone, with the timer cleared. Never rejects.
 *
 * @param client aborted when nobody waits for the response any more.
 */
export type Wait = (ms: number, client: AbortSignal) => Promise<void>;

import { Worker } from 'node:worker_threads';
import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { LoadResult, LoadSpec } from './load-spec.ts';
import type { Phase } from './phases.ts';
import type { Snapshot } from './recorder.ts';

/** What a worker is made from: the load, and whether somebody collects settlements, too. */
export interface WorkerSpec extends LoadSpec {
  readonly isStreamed: boolean;
}

export type ToLoadWorker =
  | { readonly kind: 'phase'; readonly phase: Phase }
  /** Take no request that is due after this; let what is open settle. */
  | { readonly kind: 'end'; readonly atMs: number }
  /** Settle what is open at once. */
  | { readonly kind: 'stop' };

export type FromLoadWorker =
  /** `startAtMs` is on the clock of whoever started the worker: performance.timeOrigin + performance.now(). */
  | { readonly kind: 'ready'; readonly startAtMs: number }
  | {
      readonly kind: 'ended';
      readonly settlements: readonly Settlement[];
      readonly connections: readonly ConnectionEnd[];
    }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'finished'; readonly result: LoadResult };

/** A worker that carries out a load, wherever it is. */
export interface LoadLink {
  tell(message: ToLoadWorker): void;
  /** After its last message. */
  close(): void;
}

export interface LinkHooks {
  onMessage(message: FromLoadWorker): void;
  /** There will be no more messages, and why. */
  onEnd(error: Error): void;
}

/** Starts a worker in a thread of this process. Threads share one clock. */
export function startWorker(spec: WorkerSpec, { onMessage, onEnd }: LinkHooks): LoadLink {
  // Bundled, this file and the worker are JavaScript side by side.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./load-worker.${extension}`, import.meta.url), { workerData: spec });
  worker.on('message', onMessage);
  worker.on('error', onEnd);
  worker.on('exit', (code) => onEnd(new Error(`the load's thread ended with code ${code} and no result`)));
  // It ends by itself.
  return { tell: (message) => worker.postMessage(message), close: () => {} };
}

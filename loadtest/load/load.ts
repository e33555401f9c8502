import { Worker } from 'node:worker_threads';
import { Fault } from '../cli/fault.ts';
import type { EngineOptions } from '../engine/engine.ts';
import type { PlanSpec } from './plan.ts';
import type { Phase, RunRecord } from './record.ts';
import type { Snapshot } from './recorder.ts';

/** All that a load is made from: plain data, which goes to the worker thread. */
export interface LoadSpec {
  readonly plan: PlanSpec;
  readonly engine: EngineOptions;
  /** Known beforehand; others are started while the load runs. */
  readonly phases: readonly Phase[];
  readonly slotMs: number;
  /** Ms since the epoch, in the future; null: at once. */
  readonly startAtEpochMs: number | null;
}

export interface LoadResult {
  readonly record: RunRecord;
  /** What does not add up in the ledger; null: it balances. */
  readonly ledgerFault: string | null;
  /** Stopped before the plan's end. */
  readonly isInterrupted: boolean;
  readonly startedAtEpochMs: number;
  readonly durationMs: number;
}

export type ToWorker = { readonly kind: 'stop' } | { readonly kind: 'phase'; readonly name: string };

export type FromWorker =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'finished'; readonly result: LoadResult }
  | { readonly kind: 'refused'; readonly message: string };

/** A load that runs in a thread of its own, so that nothing on this one can delay it. */
export interface Load {
  /** Rejects with a Fault for a plan that the engine refuses. */
  readonly result: Promise<LoadResult>;
  /** Starts a phase with the requests due from now on. */
  startPhase(name: string): void;
  /** Settles what is open at once; `result` then comes. */
  stop(): void;
}

export function startLoad(spec: LoadSpec, onSnapshot: (snapshot: Snapshot) => void): Load {
  // Bundled, this file and the worker are JavaScript side by side.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./load-worker.${extension}`, import.meta.url), { workerData: spec });
  const tell = (message: ToWorker) => worker.postMessage(message);

  const result = new Promise<LoadResult>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'snapshot') onSnapshot(message.snapshot);
      else if (message.kind === 'finished') resolve(message.result);
      else reject(new Fault(message.message));
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the load's thread ended with code ${code} and no result`)));
  });

  return {
    result,
    startPhase: (name) => tell({ kind: 'phase', name }),
    stop: () => tell({ kind: 'stop' }),
  };
}

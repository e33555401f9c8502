import { Worker } from 'node:worker_threads';
import { Fault } from '../cli/fault.ts';
import type { EngineOptions } from '../engine/engine.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { PlanSpec } from './plan.ts';

/** The load of a proof: plain data, which goes to the worker thread. */
export interface WitnessSpec {
  readonly plan: PlanSpec;
  readonly engine: EngineOptions;
}

export interface WitnessSummary {
  readonly planned: number;
  readonly sent: number;
  readonly settled: number;
  /** What does not add up in the ledger; null: it balances. */
  readonly ledgerFault: string | null;
}

export type ToWorker =
  /** Take no request that is due after this; let what is open settle. */
  | { readonly kind: 'end'; readonly atMs: number }
  /** Settle what is open at once. */
  | { readonly kind: 'abort' };

export type FromWorker =
  /** `startAtMs` is on the clock that all threads share: performance.timeOrigin + performance.now(). */
  | { readonly kind: 'ready'; readonly startAtMs: number }
  | { readonly kind: 'settled'; readonly settlements: readonly Settlement[] }
  | { readonly kind: 'finished'; readonly summary: WitnessSummary }
  | { readonly kind: 'refused'; readonly message: string };

/** Load from a thread of its own, whose every settlement is handed over here. */
export interface Witness {
  /** Ms since the load began, the clock of its settlements; negative before. */
  nowMs(): number;
  readonly summary: Promise<WitnessSummary>;
  /** Ends the plan now. `summary` comes when all open requests are settled. */
  end(): void;
  abort(): void;
}

/** Resolves once the load is about to begin. */
export async function startWitness(
  spec: WitnessSpec,
  onSettled: (settlement: Settlement) => void,
): Promise<Witness> {
  // Bundled, this file and the worker are JavaScript side by side.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./witness-worker.${extension}`, import.meta.url), {
    workerData: spec,
  });
  const tell = (message: ToWorker) => worker.postMessage(message);
  let begin: (startAtMs: number) => void = () => {};
  const begun = new Promise<number>((resolve) => {
    begin = resolve;
  });
  const summary = new Promise<WitnessSummary>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') begin(message.startAtMs);
      else if (message.kind === 'settled')
        for (const settlement of message.settlements) onSettled(settlement);
      else if (message.kind === 'finished') resolve(message.summary);
      else reject(new Fault(message.message));
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the load's thread ended with code ${code} and no result`)));
  });
  // Its rejection reaches whoever awaits it later, too.
  summary.catch(() => {});
  const startAtMs = await Promise.race([begun, summary.then(() => 0)]);
  const nowMs = () => performance.timeOrigin + performance.now() - startAtMs;
  return {
    nowMs,
    summary,
    end: () => tell({ kind: 'end', atMs: nowMs() }),
    abort: () => tell({ kind: 'abort' }),
  };
}

import { Worker } from 'node:worker_threads';
import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { EngineOptions } from '../engine/engine.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { Collector, ConnectionCollector } from './collector.ts';
import type { Failure } from './failures.ts';
import type { HeaderFile } from './header-file.ts';
import type { Phase } from './phases.ts';
import type { PlanSpec } from './plan.ts';
import type { LoadRecord } from './record.ts';
import type { Snapshot } from './recorder.ts';

/** All that a load is made from: plain data, which goes to the worker thread. */
export interface LoadSpec {
  readonly plan: PlanSpec;
  readonly engine: EngineOptions;
  /** Headers that are sent as they are in this file at the time; absent: none. */
  readonly headerFile?: HeaderFile;
  /** Known beforehand; others are started while the load runs. */
  readonly phases: readonly Phase[];
  /** Width of the slots of the record's time series. */
  readonly slotMs: number;
  /** Requests that were not ok and are kept in full, of each outcome. */
  readonly failuresPerOutcome: number;
  /** Ms since the epoch, in the future; null: at once. */
  readonly startAtEpochMs: number | null;
}

/** The deadline of the request that is given the longest. */
export function toLongestTimeoutMs({ plan, engine }: Pick<LoadSpec, 'plan' | 'engine'>): number {
  return Math.max(...plan.endpoints.map(({ timeoutMs }) => timeoutMs ?? engine.timeoutMs));
}

/** What a load came to. */
export interface LoadResult {
  readonly record: LoadRecord;
  /** In the order of the plan. */
  readonly failures: readonly Failure[];
  /** What does not add up in the ledger; null: it balances. */
  readonly ledgerFault: string | null;
  /** Stopped before the plan's end. */
  readonly isInterrupted: boolean;
  readonly startedAtEpochMs: number;
  readonly durationMs: number;
}

/** What the worker is made from: the load, and whether somebody here collects settlements, too. */
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
  /** `startAtMs` is on the clock that all threads share: performance.timeOrigin + performance.now(). */
  | { readonly kind: 'ready'; readonly startAtMs: number }
  | {
      readonly kind: 'ended';
      readonly settlements: readonly Settlement[];
      readonly connections: readonly ConnectionEnd[];
    }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'finished'; readonly result: LoadResult };

/** A load that runs in a thread of its own, so that nothing on this one can delay it. */
export interface Load {
  /** Ms since the load began, the clock of its settlements; negative before. */
  nowMs(): number;
  readonly result: Promise<LoadResult>;
  /** Starts a phase with the requests due from its time on. */
  startPhase(phase: Phase): void;
  /** Ends the plan now; `result` comes when all open requests are settled. */
  end(): void;
  /** Settles what is open at once; `result` then comes. */
  stop(): void;
}

export interface LoadHooks {
  /** Shown every settlement, within a tenth of a second of it. None: the settlements stay in the worker. */
  readonly collectors?: readonly Collector[];
  /** Shown every connection that ended, with the settlements. */
  readonly connectionCollectors?: readonly ConnectionCollector[];
  /** Told where the load stands, some times a second. */
  onSnapshot(snapshot: Snapshot): void;
  /** Told what its user should know while it goes on. */
  onNotice?(text: string): void;
}

/** Resolves once the load is about to begin. */
export async function startLoad(
  spec: LoadSpec,
  { collectors = [], connectionCollectors = [], onSnapshot, onNotice }: LoadHooks,
): Promise<Load> {
  // Bundled, this file and the worker are JavaScript side by side.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const workerData: WorkerSpec = { ...spec, isStreamed: collectors.length + connectionCollectors.length > 0 };
  const worker = new Worker(new URL(`./load-worker.${extension}`, import.meta.url), { workerData });
  const tell = (message: ToLoadWorker) => worker.postMessage(message);
  let begin: (startAtMs: number) => void = () => {};
  const begun = new Promise<number>((resolve) => {
    begin = resolve;
  });
  const result = new Promise<LoadResult>((resolve, reject) => {
    worker.on('message', (message: FromLoadWorker) => {
      if (message.kind === 'ready') begin(message.startAtMs);
      else if (message.kind === 'snapshot') onSnapshot(message.snapshot);
      else if (message.kind === 'notice') onNotice?.(message.text);
      else if (message.kind === 'finished') resolve(message.result);
      else {
        for (const settlement of message.settlements) for (const each of collectors) each.add(settlement);
        for (const end of message.connections)
          for (const each of connectionCollectors) each.addConnection(end);
      }
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the load's thread ended with code ${code} and no result`)));
  });
  // Its rejection reaches whoever awaits it later, too.
  result.catch(() => {});

  const startAtMs = await Promise.race([begun, result.then(() => 0)]);
  const nowMs = () => performance.timeOrigin + performance.now() - startAtMs;
  return {
    nowMs,
    result,
    startPhase: (phase) => tell({ kind: 'phase', phase }),
    end: () => tell({ kind: 'end', atMs: nowMs() }),
    stop: () => tell({ kind: 'stop' }),
  };
}

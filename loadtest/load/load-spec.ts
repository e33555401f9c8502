import type { Sender } from '../cli/world.ts';
import type { EngineOptions } from '../engine/engine.ts';
import type { Failure } from './failures.ts';
import type { HeaderFile } from './header-file.ts';
import type { Phase } from './phases.ts';
import type { PlanSpec } from './plan.ts';
import type { LoadRecord } from './record.ts';

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
  /** Each sends a part of it from where it is; none: this process sends it all. */
  readonly senders: readonly Sender[];
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

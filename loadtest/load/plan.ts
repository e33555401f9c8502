import { Fault } from '../cli/fault.ts';
import type { Endpoint, Plan } from '../engine/settlement.ts';
import type { DataTable } from '../engine/template.ts';
import { ENDPOINT_STREAM, FRESH_STREAM, ROW_STREAM, uniformAt } from './random.ts';
import { createSchedule, type Stage } from './schedule.ts';

/** Worker `index` of `of` sends every arrival k of the one global plan with k mod `of` = `index`. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** Open: arrivals come when they are due, whatever the target does. Closed: each connection waits for its response. */
export type LoadModel =
  | { readonly kind: 'open'; readonly stages: readonly Stage[] }
  | { readonly kind: 'closed'; readonly connections: number; readonly durationMs: number };

/** All that a plan is made from. Plain data: it goes to the worker, into the report, and into every shard. */
export interface PlanSpec {
  readonly model: LoadModel;
  readonly endpoints: readonly Endpoint[];
  /** Values for the endpoints' `{{column}}`, a row for each request; absent: none. */
  readonly data?: DataTable;
  /** Part of the requests that open a connection of their own, 0 to 1. */
  readonly freshShare: number;
  /** Requests of the global plan, at most; null: as many as its time allows. */
  readonly maxRequests: number | null;
  /** 32 bits. The same spec and seed make the same plan. */
  readonly seed: number;
  readonly shard: Shard;
}

/** The requests of this shard: `at(0)` is its first, and each carries its index in the global plan. */
export function createPlan(spec: PlanSpec): Plan {
  const { endpoints, data, freshShare, seed, shard, model } = spec;
  const schedule = model.kind === 'open' ? createSchedule(model.stages) : null;
  const maxRequests = spec.maxRequests ?? Number.POSITIVE_INFINITY;
  const chooseEndpoint = createWeightedChoice(endpoints.map(({ weight }) => weight));

  return {
    endpoints,
    ...(data === undefined ? {} : { data }),
    at(position) {
      const index = position * shard.of + shard.index;
      if (index >= maxRequests) return undefined;
      const intendedMs = schedule === null ? 0 : schedule.intendedMsAt(index);
      if (intendedMs === undefined) return undefined;
      const request = {
        index,
        intendedMs,
        endpoint: chooseEndpoint(uniformAt(seed, ENDPOINT_STREAM, index)),
        fresh: uniformAt(seed, FRESH_STREAM, index) < freshShare,
      };
      if (data === undefined) return request;
      return { ...request, row: Math.floor(uniformAt(seed, ROW_STREAM, index) * data.rows.length) };
    },
  };
}

/** Requests of this shard; null where only the clock ends the run. */
export function countPlanned({ model, maxRequests, shard }: PlanSpec): number | null {
  const scheduled = model.kind === 'open' ? createSchedule(model.stages).count : null;
  if (scheduled === null && maxRequests === null) return null;
  const total = Math.min(scheduled ?? Number.POSITIVE_INFINITY, maxRequests ?? Number.POSITIVE_INFINITY);
  return Math.max(0, Math.ceil((total - shard.index) / shard.of));
}

/** How long the plan goes on, in ms; a plan cut by `maxRequests` may end before. */
export function planDurationMs({ model }: Pick<PlanSpec, 'model'>): number {
  return model.kind === 'open' ? createSchedule(model.stages).durationMs : model.durationMs;
}

/** Position of the weight on which a number in [0, 1) falls when all are laid end to end. */
function createWeightedChoice(weights: readonly number[]): (uniform: number) => number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  const bounds = weights.map((weight) => {
    reached += weight / total;
    return reached;
  });
  const last = weights.findLastIndex((weight) => weight > 0);
  return (uniform) => {
    const found = bounds.findIndex((bound) => uniform < bound);
    return found === -1 ? last : found;
  };
}

/** `I/N`: part I, from 0, of N. */
export function parseShard(text: string): Shard {
  const [, index, of] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  if (index === undefined || of === undefined || Number(index) >= Number(of)) {
    throw new Fault('must be I/N with I from 0 to N - 1, for example 0/3, 1/3 and 2/3');
  }
  return { index: Number(index), of: Number(of) };
}

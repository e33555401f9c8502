import { createSchedule, type Stage } from './schedule.ts';
import type { Endpoint, Plan } from './settlement.ts';

/** Worker `index` of `of` sends every arrival k of the one global plan with k mod `of` = `index`. */
interface Shard {
  readonly index: number;
  readonly of: number;
}

/** Open: arrivals come when they are due, whatever the target does. Closed: each connection waits for its answer. */
type LoadModel =
  | { readonly kind: 'open'; readonly stages: readonly Stage[] }
  | { readonly kind: 'closed'; readonly connections: number; readonly durationMs: number };

/** All that a plan is made from. Plain data: it goes to the worker, into the report, and into every shard. */
export interface PlanSpec {
  readonly model: LoadModel;
  readonly endpoints: readonly Endpoint[];
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
  const { endpoints, freshShare, seed, shard, model } = spec;
  const schedule = model.kind === 'open' ? createSchedule(model.stages) : null;
  const maxRequests = spec.maxRequests ?? Number.POSITIVE_INFINITY;
  const chooseEndpoint = createWeightedChoice(endpoints.map(({ weight }) => weight));

  return {
    endpoints,
    at(position) {
      const index = position * shard.of + shard.index;
      if (index >= maxRequests) return undefined;
      const intendedMs = schedule === null ? 0 : schedule.intendedMsAt(index);
      if (intendedMs === undefined) return undefined;
      return {
        index,
        intendedMs,
        endpoint: chooseEndpoint(uniformAt(seed, ENDPOINT_STREAM, index)),
        fresh: uniformAt(seed, FRESH_STREAM, index) < freshShare,
      };
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
export function planDurationMs({ model }: PlanSpec): number {
  return model.kind === 'open' ? createSchedule(model.stages).durationMs : model.durationMs;
}

// Independent streams of one seed, so that the choice of endpoint does not decide which requests are fresh.
const ENDPOINT_STREAM = 0x1b873593;
const FRESH_STREAM = 0x3c6ef372;

/** A number in [0, 1) that depends on the seed, the stream and the index alone. */
function uniformAt(seed: number, stream: number, index: number): number {
  return scramble(scramble(seed ^ stream) + Math.imul(index, 0x9e3779b1)) / 2 ** 32;
}

/** The finaliser of MurmurHash3: every bit of the input changes every bit of the output with chance ½. */
function scramble(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
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

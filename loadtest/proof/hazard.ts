import { Fault } from '../cli/fault.ts';
import type { ManifestChange } from './manifest-change.ts';

/** Balancers keep idle connections for so long: the default of ALB, and of nginx towards its clients (75 s) and more. */
export const MIN_IDLE_TIMEOUT_MS = 60_000;

interface HazardKind {
  readonly title: string;
  /** What shows it. */
  readonly shows: string;
}

/**
 * The closed list of hazards: events that lose a request whenever one is on its way at that moment. They are counted
 * whether or not one was. Search, verdict, reports and docs take them from here.
 */
export const HAZARDS = {
  'silent-close-while-draining': {
    title: 'Closes keep-alive connections in silence while draining',
    shows:
      'A terminating pod closes a keep-alive connection that is idle, and no response before announced it.',
  },
  'short-idle-timeout': {
    title: 'Closes idle connections sooner than clients do',
    shows:
      'A pod that is not terminating closes a keep-alive connection that has been idle for less than 60 s.',
  },
  'late-endpoint': {
    title: 'Endpoint used until shortly before the pod stops accepting',
    shows:
      'A connection is led to a pod so late after its deletion that less than 2 s are left before the pod stops accepting.',
  },
  'cold-start': {
    title: 'First responses are slow',
    shows: 'The first responses of a new pod take longer than half of the deadline.',
  },
  'tight-grace': {
    title: 'Grace period nearly used up',
    shows:
      'A pod ends with less than a tenth of its grace period left, or is killed at its end with nothing in flight.',
  },
  'thin-capacity': {
    title: 'Too little capacity in the disruption',
    shows:
      'While pods are replaced, the others respond at more than half of the deadline, or one pod alone is left ready.',
  },
} as const satisfies Record<string, HazardKind>;

export type HazardId = keyof typeof HAZARDS;

/** @throws {Fault} where there is no such hazard */
export function parseHazard(text: string): HazardId {
  if (Object.hasOwn(HAZARDS, text)) return text as HazardId;
  throw new Fault(`must be one of ${Object.keys(HAZARDS).join(', ')}`);
}

/** The keep-alive connections that a hazard met. */
export interface Exposure {
  readonly connections: number;
  /** Requests per second on each of them. */
  readonly perSecond: number;
}

/** One hazard at one pod. */
export interface Hazard {
  readonly hazard: HazardId;
  /** Null: not known, or all of them. */
  readonly pod: string | null;
  /** When it first showed, in ms since the load began. */
  readonly atMs: number;
  /** The evidence, in one sentence with the numbers of this proof. */
  readonly why: string;
  /** What to change, in the numbers of this proof. */
  readonly fix: string;
  /** Null: a manifest cannot mend it. */
  readonly change: ManifestChange | null;
  /** What it would cost follows from this; null: that cannot be told. */
  readonly exposure: Exposure | null;
}

/** Round trips, in ms, for which reports tell what a hazard costs: one zone, one region, far away. */
export const ROUND_TRIPS_MS = [1, 10, 50] as const;

/**
 * Losses to be expected where clients are a round trip away: a request is lost if it was sent while the close was on
 * its way, and requests on a connection come as a Poisson process: c · (1 − e^(−λ·r)).
 *
 * 18 connections with 13 requests a second each, at 10 ms: 18 · (1 − e^(−0.13)) = 2.19.
 */
export function toExpectedLosses({ connections, perSecond }: Exposure, roundTripMs: number): number {
  return connections * (1 - Math.exp((-perSecond * roundTripMs) / 1_000));
}

/** What a hazard would cost at each of `ROUND_TRIPS_MS`; null: that cannot be told. */
export function toCosts({ exposure }: Pick<Hazard, 'exposure'>) {
  if (exposure === null) return null;
  return ROUND_TRIPS_MS.map((roundTripMs) => ({
    roundTripMs,
    lost: toExpectedLosses(exposure, roundTripMs),
  }));
}

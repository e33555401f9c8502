import { parseDurationMs } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';

/** A stretch of an open-model run in which the rate changes linearly; equal ends are a constant rate. */
export interface Stage {
  readonly durationMs: number;
  /** Requests per second at its start. */
  readonly fromRate: number;
  /** Requests per second at its end. */
  readonly toRate: number;
}

/** When each request is due: the inverse of the integral of the rate, so that no delay can shift it. */
export interface Schedule {
  /** Arrivals in all stages together. */
  readonly count: number;
  readonly durationMs: number;
  /** Intended time of the index-th arrival in ms since the start; undefined past the end. */
  intendedMsAt(index: number): number | undefined;
}

// Sums of rates × times are off by rounding: 0.1/s for 10 s must be 1 arrival, not 2.
const ROUNDING = 1e-9;

export function createSchedule(stages: readonly Stage[]): Schedule {
  let startMs = 0;
  let arrivalsBefore = 0;
  const spans = stages.map((stage) => {
    const span = { ...stage, startMs, arrivalsBefore };
    startMs += stage.durationMs;
    arrivalsBefore += ((stage.fromRate + stage.toRate) / 2) * (stage.durationMs / 1_000);
    return { ...span, arrivalsAfter: arrivalsBefore };
  });
  const count = Math.max(0, Math.ceil(arrivalsBefore - ROUNDING));

  return {
    count,
    durationMs: startMs,
    intendedMsAt(index) {
      if (index >= count) return undefined;
      const span = spans.find(({ arrivalsAfter }) => index < arrivalsAfter - ROUNDING);
      if (span === undefined) return undefined;
      const into = toElapsedMs(span, Math.max(0, index - span.arrivalsBefore));
      return span.startMs + Math.min(into, span.durationMs);
    },
  };
}

/**
 * The time at which `arrivals` have come in: the root of `from·t + (to − from)/(2·duration)·t² = arrivals`,
 * in the form that neither cancels nor divides by zero where the rate is constant.
 */
function toElapsedMs({ fromRate, toRate, durationMs }: Stage, arrivals: number): number {
  if (arrivals === 0) return 0;
  const slope = (toRate - fromRate) / (durationMs / 1_000);
  const root = Math.sqrt(Math.max(0, fromRate * fromRate + 2 * slope * arrivals));
  return (2_000 * arrivals) / (fromRate + root);
}

/** `RATE/TIME` or `FROM..TO/TIME`, in requests per second: `100/30s`, `0..500/1m`. */
export function parseStage(text: string): Stage {
  const [, from, to = from, time = ''] = /^(\d+\.?\d*)(?:\.\.(\d+\.?\d*))?\/(\w+)$/.exec(text) ?? [];
  const durationMs = parseDurationMs(time);
  if (from === undefined || durationMs === null || durationMs === 0) {
    throw new Fault('must be RATE/TIME or FROM..TO/TIME, for example 100/30s or 0..500/1m');
  }
  return { durationMs, fromRate: Number(from), toRate: Number(to) };
}

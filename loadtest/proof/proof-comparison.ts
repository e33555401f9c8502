import { Fault } from '../cli/fault.ts';
import { countOutcomes, type LoadRecord, sumCells } from '../load/record.ts';
import {
  type Compared,
  type Comparison,
  checkComparable,
  compare,
  type Sides,
} from '../report/comparison.ts';
import { HAZARDS, type HazardId } from './hazard.ts';
import type { Proof } from './judgement.ts';
import { toLeastMargins } from './margin.ts';
import { PROOF_PHASES } from './proof-load.ts';
import { formatRemoval } from './safeguard.ts';
import { type Series, toSeriesVerdict } from './series.ts';
import { formatVerdict } from './verdict.ts';

/** Rates this much apart are those of different loads. */
const RATE_TOLERANCE = 0.05;

/**
 * Compares what two calls of `prove` found, over all of their proofs; controls are left out.
 * @param names of the two files, for the fault's message
 * @throws {Fault} that says what differs, where the two cannot be compared
 */
export function compareSeries(old: Series, now: Series, names: Sides<string>): Comparison {
  const [first, second] = [toFirst(old, names.old), toFirst(now, names.new)];
  checkComparable(toSetup(old, first), toSetup(now, second), names);
  const rates = [first, second].map(({ record }) => toRate(record)) as [number, number];
  const [a, b] = rates;
  if (Math.abs(a - b) > RATE_TOLERANCE * Math.max(a, b)) {
    throw new Fault(
      `${names.old} and ${names.new} cannot be compared: they differ in load: ${rates.map((rate) => `${Math.round(rate)}/s`).join(' and ')}`,
    );
  }
  return compare('proof', toCompared(old, first), toCompared(now, second));
}

function toFirst({ proofs }: Series, name: string): Proof {
  const [first] = proofs;
  if (first === undefined) throw new Fault(`${name} has no proof that could be compared`);
  return first;
}

/** How often a disruption was repeated changes no share and no percentile. */
function toSetup({ proofs }: Series, { endpoints, without }: Proof): Readonly<Record<string, unknown>> {
  return {
    disruptions: [...new Set(proofs.map(({ disruption }) => disruption))].sort(),
    endpoints,
    'safeguards that are removed': without.map(formatRemoval),
  };
}

/** Requests per second: the median over the slots of the load, whose first and last are not full. */
function toRate({ series, slotMs }: Pick<LoadRecord, 'series' | 'slotMs'>): number {
  const totals = new Map<number, number>();
  for (const { slot, outcomes } of series) {
    totals.set(slot, (totals.get(slot) ?? 0) + countOutcomes(outcomes).total);
  }
  const sorted = [...totals.values()].sort((a, b) => a - b);
  return (1_000 * (sorted[Math.floor(sorted.length / 2)] ?? 0)) / slotMs;
}

const MARGINS = {
  ledForMs: 'endpoint used after deletion, at most',
  acceptedForMs: 'accepted after that, at least',
  graceLeftMs: 'left of the grace period, at least',
  firstResponseMs: 'first response of a new endpoint, at most',
} as const;

function toCompared(series: Series, first: Proof): Compared {
  const { proofs } = series;
  const cells = proofs.flatMap(({ record }) => record.cells);
  const verdict = toSeriesVerdict(series);
  const least = toLeastMargins(proofs.flatMap(({ margins }) => margins));
  const causes: Record<string, number> = {};
  for (const [cause, count] of proofs.flatMap((proof) => Object.entries(proof.causes))) {
    causes[cause] = (causes[cause] ?? 0) + count;
  }
  const hazards = proofs.flatMap((proof) => proof.hazards);
  return {
    target: first.target,
    startedAt: first.startedAt,
    verdict: { kind: verdict.kind, sentence: formatVerdict(verdict) },
    outcomes: sumCells(cells).outcomes,
    latencies: Object.fromEntries(
      PROOF_PHASES.map((name) => [name, sumCells(cells.filter(({ phase }) => phase === name)).response]),
    ),
    causes,
    hazards: Object.fromEntries(
      (Object.keys(HAZARDS) as HazardId[]).flatMap((id) => {
        const found = hazards.filter(({ hazard }) => hazard === id).length;
        return found === 0 ? [] : [[id, found]];
      }),
    ),
    margins: Object.fromEntries(
      (Object.keys(MARGINS) as (keyof typeof MARGINS)[]).map((key) => [MARGINS[key], least[key]?.ms ?? null]),
    ),
  };
}

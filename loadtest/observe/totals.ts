import { formatCount } from '../cli/format.ts';
import { upperBound95 } from '../load/evidence.ts';
import { countOutcomes, type OutcomeCounts } from '../load/record.ts';
import type { CauseId } from '../proof/cause.ts';
import type { HazardId } from '../proof/hazard.ts';
import type { Judged } from '../proof/judgement.ts';
import {
  countHazards,
  formatProven,
  listCounted,
  nameHazardCounts,
  type ProofVerdict,
} from '../proof/verdict.ts';
import type { Replaced, ReplacementReason } from './replacement.ts';

/** A part of an observation with a verdict of its own. Times are ms since its start. */
export interface JudgedStretch extends Judged {
  /** Its start, RFC 3339. */
  readonly startedAt: string;
  /** Why pods were replaced; empty: none was, and requests were lost all the same. */
  readonly reasons: readonly Replaced[];
}

type Counts<K extends string> = Readonly<Partial<Record<K, number>>>;

/** What an observation came to, in a size that does not grow with its time. */
export interface Totals {
  /** By verdict, and in each by the first reason. */
  readonly replacements: Readonly<Partial<Record<ProofVerdict['kind'], Counts<ReplacementReason>>>>;
  readonly lostInReplacements: number;
  readonly lostOutside: number;
  /** Requests that failed because the load itself was late, or could not send; not part of what was lost. */
  readonly givenUp: number;
  readonly causes: Counts<CauseId>;
  readonly hazards: Counts<HazardId>;
  /** Those that are not allowed. */
  readonly counted: Counts<HazardId>;
  /** Of stretches, other than losses; the first of them. */
  readonly doubts: readonly string[];
}

export const NO_TOTALS: Totals = {
  replacements: {},
  lostInReplacements: 0,
  lostOutside: 0,
  givenUp: 0,
  causes: {},
  hazards: {},
  counted: {},
  doubts: [],
};

/** Doubts that are told at the end; each has been told with its stretch. */
const MAX_DOUBTS = 10;

/** The totals with one more stretch. Pure. */
export function addStretch(totals: Totals, stretch: JudgedStretch): Totals {
  const { reasons, verdict, lost, givenUp, causes, hazards } = stretch;
  const [first] = reasons;
  const isDoubtful = verdict.kind === 'inconclusive';
  return {
    replacements:
      first === undefined
        ? totals.replacements
        : {
            ...totals.replacements,
            [verdict.kind]: addCounts(totals.replacements[verdict.kind] ?? {}, { [first.reason]: 1 }),
          },
    lostInReplacements: totals.lostInReplacements + (first === undefined ? 0 : lost),
    lostOutside: totals.lostOutside + (first === undefined ? lost : 0),
    givenUp: totals.givenUp + givenUp,
    causes: addCounts(totals.causes, causes),
    hazards: addCounts(totals.hazards, countHazards(hazards)),
    counted: addCounts(totals.counted, countHazards(listCounted(stretch))),
    doubts: isDoubtful ? [...totals.doubts, ...verdict.doubts].slice(0, MAX_DOUBTS) : totals.doubts,
  };
}

function addCounts<K extends string>(sum: Counts<K>, more: Counts<NoInfer<K>>): Counts<K> {
  const counts: Partial<Record<K, number>> = { ...sum };
  for (const [key, count] of Object.entries(more) as [K, number][]) counts[key] = (counts[key] ?? 0) + count;
  return counts;
}

export function countReplacements({ replacements }: Pick<Totals, 'replacements'>): number {
  const counts = Object.values(replacements).flatMap((byReason) => Object.values(byReason));
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * The verdict over a whole observation: a loss anywhere is a loss. Pure.
 * @param outcomes of all requests
 * @param doubts about the whole of it
 */
export function toObservationVerdict(
  totals: Totals,
  outcomes: OutcomeCounts,
  doubts: readonly string[],
): ProofVerdict {
  const { total, lost: failed } = countOutcomes(outcomes);
  const lost = totals.lostInReplacements + totals.lostOutside;
  const replacements = countReplacements(totals);
  const where = ` in ${formatCount(replacements)} replacement${replacements === 1 ? '' : 's'}`;
  const missing = failed - lost - totals.givenUp;
  const all = [
    ...doubts,
    ...(total === 0 ? ['no request was made'] : []),
    ...(missing === 0 ? [] : [`${formatCount(missing)} failed requests are in no stretch that was judged`]),
    ...(totals.givenUp === 0
      ? []
      : [`${formatCount(totals.givenUp)} requests were abandoned by the load itself`]),
    ...totals.doubts,
  ];
  if (lost > 0) {
    const outside = totals.lostOutside === 0 ? '' : `, ${formatCount(totals.lostOutside)} outside of any`;
    const sentence = `LOST ${formatCount(lost)} of ${formatCount(total)} requests: ${formatCount(totals.lostInReplacements)}${where}${outside}.`;
    return { kind: 'losses', exit: 'failed', sentence, doubts: all, upperBound: null };
  }
  if (all.length > 0) {
    const sentence = `INCONCLUSIVE: none lost of ${formatCount(total)} requests${where}, but ${all.join('; ')}.`;
    return { kind: 'inconclusive', exit: 'inconclusive', sentence, doubts: all, upperBound: null };
  }
  const ok = outcomes.ok ?? 0;
  const upperBound = upperBound95(ok);
  const named = nameHazardCounts(totals.counted);
  if (named !== '') {
    const sentence = `AT RISK: none lost of ${formatCount(total)} requests${where}, but one on its way would have been: ${named}.`;
    return { kind: 'at-risk', exit: 'at-risk', sentence, doubts: all, upperBound };
  }
  return { kind: 'proven', exit: 'proven', sentence: formatProven(ok, where), doubts: all, upperBound };
}

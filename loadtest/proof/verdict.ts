import type { Exit } from '../cli/exit-code.ts';
import { isLateForLosses, MAX_LAG_OF_A_LOSS_MS, upperBound95 } from '../load/evidence.ts';
import type { RequirementResult } from '../report/requirement.ts';
import { formatMetric } from '../report/tables.ts';
import { HAZARDS, type Hazard, type HazardId } from './hazard.ts';

/** Everything that a verdict rests on. */
export interface ProofEvidence {
  /** Requests planned; each has one outcome, or `isLedgerClosed` is false. */
  readonly planned: number;
  readonly ok: number;
  readonly lost: number;
  /**
   * Requests that failed because the load itself was late, was stopped or could not send: reported separately, and
   * not lost.
   */
  readonly givenUp: number;
  /** Losses that ended before the disruption began, which cannot be to blame. */
  readonly lostBefore: number;
  readonly isLedgerClosed: boolean;
  /** How late requests went out: the 99th percentile. */
  readonly lagP99Ms: number;
  /** Seconds of the load, from the disruption on, in which most of the requests went out late. */
  readonly lateSeconds: readonly number[];
  /** Why the events of the pods may be incomplete; empty: the watch covered the whole event. */
  readonly watchGaps: readonly string[];
  /** Stopped by the user, with requests still open. */
  readonly isInterrupted: boolean;
  /** Why the disruption did not complete, or was not seen to; null: it did. */
  readonly incomplete: string | null;
  /** Which of the pods that had to be seen answering never did, in words; empty: all did. */
  readonly unseen: readonly string[];
  /** What was done to the target and could not be undone, in words. */
  readonly leftBehind: readonly string[];
  /** What would have lost a request, had one been on its way. */
  readonly hazards: readonly Hazard[];
  /** Hazards that do not count. */
  readonly allowed: readonly HazardId[];
  readonly requirements: readonly RequirementResult[];
  /** Did requests go out so late that it shows in their latencies? */
  readonly isLatencyDoubtful: boolean;
}

export type ProofVerdict = {
  readonly kind: 'proven' | 'at-risk' | 'losses' | 'missed' | 'inconclusive';
  readonly exit: Exit;
  /** One plain sentence. */
  readonly sentence: string;
  /** Doubts about a proof, besides losses. */
  readonly doubts: readonly string[];
  /** 95 % upper bound of the share of requests lost; null where requests were lost. */
  readonly upperBound: number | null;
};

/**
 * Losses are red whatever else is in doubt, unless all came before the disruption. So is a requirement that is
 * missed, unless the load itself was late. Zero losses are green only if nothing is in doubt, and no hazard was seen.
 */
export function toVerdict(evidence: ProofEvidence): ProofVerdict {
  const { planned, ok, lost } = evidence;
  const doubts = toDoubts(evidence);
  if (evidence.isLedgerClosed && lost > evidence.lostBefore) {
    const sentence = `LOST ${count(lost)} of ${count(planned)} requests.`;
    return { kind: 'losses', exit: 'failed', sentence, doubts, upperBound: null };
  }
  const missed = listRequirements(evidence, 'missed');
  if (evidence.isLedgerClosed && missed !== '' && !evidence.isLatencyDoubtful) {
    const sentence = `MISSED: ${lost === 0 ? 'none' : count(lost)} lost of ${count(planned)} requests, but requirements were missed: ${missed}.`;
    return { kind: 'missed', exit: 'failed', sentence, doubts, upperBound: null };
  }
  if (doubts.length > 0 || lost > 0) {
    const sentence = `INCONCLUSIVE: ${lost === 0 ? 'none' : count(lost)} lost of ${count(planned)} requests, but ${doubts.join('; ')}.`;
    return { kind: 'inconclusive', exit: 'inconclusive', sentence, doubts, upperBound: null };
  }
  const counted = listCounted(evidence);
  if (counted.length > 0) {
    const sentence = `AT RISK: none lost of ${count(planned)} requests, but one on its way would have been: ${nameHazards(counted)}.`;
    return { kind: 'at-risk', exit: 'at-risk', sentence, doubts, upperBound: upperBound95(ok) };
  }
  const accepted = evidence.hazards.length === 0 ? '' : ` Allowed: ${nameHazards(evidence.hazards)}.`;
  return {
    kind: 'proven',
    exit: 'proven',
    sentence: `${formatProven(ok, '')}${accepted}`,
    doubts,
    upperBound: upperBound95(ok),
  };
}

/** The verdict, with the doubts that stand beside losses. */
export function formatVerdict({ kind, sentence, doubts }: ProofVerdict): string {
  return (kind === 'losses' || kind === 'missed') && doubts.length > 0
    ? `${sentence} Also, ${doubts.join('; ')}.`
    : sentence;
}

/** @param where the requests were made: the end of the first sentence */
export function formatProven(ok: number, where: string): string {
  const rate = `1 in ${count(Math.floor(1 / upperBound95(ok)))}`;
  return `PROVEN: 0 lost of ${count(ok)} requests${where}. At 95 % confidence fewer than ${rate} are lost.`;
}

function toDoubts(evidence: ProofEvidence): string[] {
  const { planned, ok, lost, givenUp, lateSeconds } = evidence;
  const neither = planned - ok - lost - givenUp;
  const missed = listRequirements(evidence, 'missed');
  const unknown = listRequirements(evidence, 'unknown');
  // Beside losses, or where it was the load that was late.
  const isAside = evidence.isLatencyDoubtful || lost > evidence.lostBefore;
  return [
    ...(evidence.isLedgerClosed ? [] : ['the ledger does not balance']),
    ...(planned === 0 ? ['no request was planned'] : []),
    ...(neither > 0 ? [`${count(neither)} responses were neither ok nor lost (4xx or 3xx)`] : []),
    ...(givenUp > 0 ? [`${count(givenUp)} requests were abandoned by the load itself`] : []),
    ...(isLateForLosses(evidence)
      ? [`the load generator could not keep its schedule (p99 ${Math.round(evidence.lagP99Ms)} ms late)`]
      : []),
    ...(lateSeconds.length > 0 && !isLateForLosses(evidence)
      ? [
          `the load generator could not keep its schedule at ${lateSeconds.slice(0, 5).join(', ')} s${lateSeconds.length > 5 ? ' and later' : ''} (most requests of each such second went out more than ${MAX_LAG_OF_A_LOSS_MS} ms late)`,
        ]
      : []),
    ...(missed === '' || !isAside
      ? []
      : [
          `requirements were missed: ${missed}${evidence.isLatencyDoubtful ? `, in part because the load itself was ${Math.round(evidence.lagP99Ms)} ms late at p99` : ''}`,
        ]),
    ...(unknown === '' ? [] : [`there was nothing to measure for ${unknown}`]),
    ...(evidence.isInterrupted ? ['it was interrupted'] : []),
    ...(evidence.incomplete === null ? [] : [evidence.incomplete]),
    ...evidence.watchGaps.map((gap) => `the watch was interrupted (${gap})`),
    ...(evidence.lostBefore === 0 ? [] : [`${count(evidence.lostBefore)} were lost before the disruption`]),
    ...evidence.unseen,
    ...evidence.leftBehind.map((what) => `not undone: ${what}`),
  ];
}

/** Those that are not allowed. */
export function listCounted({ hazards, allowed }: Pick<ProofEvidence, 'hazards' | 'allowed'>): Hazard[] {
  return hazards.filter(({ hazard }) => !allowed.includes(hazard));
}

/** `short-idle-timeout (1), …`: in the order of the registry. */
export function nameHazards(hazards: readonly Hazard[]): string {
  return nameHazardCounts(countHazards(hazards));
}

/** How often each was found. */
export function countHazards(hazards: readonly Hazard[]): Partial<Record<HazardId, number>> {
  const counts: Partial<Record<HazardId, number>> = {};
  for (const { hazard } of hazards) counts[hazard] = (counts[hazard] ?? 0) + 1;
  return counts;
}

export function nameHazardCounts(counts: Readonly<Partial<Record<HazardId, number>>>): string {
  return (Object.keys(HAZARDS) as HazardId[])
    .flatMap((id) => (counts[id] === undefined ? [] : [`${id} (${counts[id]})`]))
    .join(', ');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `p99 < 50ms (61.2 ms)`. */
function listRequirements({ requirements }: ProofEvidence, state: RequirementResult['state']): string {
  return requirements
    .filter((result) => result.state === state)
    .map(({ text, actual, unit }) => (actual === null ? text : `${text} (${formatMetric(actual, unit)})`))
    .join(', ');
}

import type { Settlement } from '../engine/settlement.ts';
import type { CauseId } from './cause.ts';
import { type Judgement, judgeLoss, toIdleReason } from './cause-rules.ts';
import { describeDirect } from './direct-times.ts';
import {
  isFlapping,
  isIdledOut,
  isOfProxy,
  isOverload,
  type LossEvidence,
  toLossFacts,
} from './loss-facts.ts';
import type { Suspect } from './pod-inference.ts';
import { countEndpoints, type PodPhase, type PodTimeline, toPhase } from './timeline.ts';

/** A lost request, with the pod and the cause to blame. */
export interface Loss {
  readonly settlement: Settlement;
  readonly pod: string | null;
  /**
   * How the pod is known: from the response or the connection, because it alone refused direct probes at that time, or
   * because no other pod is possible.
   */
  readonly podBy: 'connection' | 'direct-probe' | 'elimination' | null;
  /** The pod's phase when the request failed. */
  readonly phase: PodPhase;
  readonly cause: CauseId;
  /** The facts that point to the cause, in one sentence. */
  readonly why: string;
}

/** Judges one lost request. Pure: the same evidence gives the same loss. */
export function toLoss(settlement: Settlement, evidence: LossEvidence): Loss {
  const known = evidence.podOf(settlement) ?? settlement.pod;
  if (known !== null && !isOfProxy(settlement, evidence)) return toLossOf(known, settlement, evidence);
  const nobody = { settlement, pod: null, podBy: null, phase: 'unknown' } as const;
  if (isFleetEmpty(settlement, evidence)) return { ...nobody, ...judgeEmptyFleet(settlement, evidence) };
  const refuser = evidence.refusers.get(settlement.index);
  if (refuser !== undefined) return toProbedLoss(refuser, settlement, evidence);
  const suspects = evidence.inferred.get(settlement.index) ?? [];
  const [first, ...others] = suspects;
  if (first === undefined) {
    return known === null
      ? { ...nobody, ...judgeFleet(settlement, evidence) }
      : toLossOf(known, settlement, evidence);
  }
  const judgement = judgeSuspect(settlement, first, evidence);
  const agree = others.every(
    (suspect) => judgeSuspect(settlement, suspect, evidence).cause === judgement.cause,
  );
  const pods = [...new Set(suspects.map(({ pod }) => pod))];
  const names = pods.map((pod) => pod ?? 'the fleet').join(', ');
  if (!agree) return { ...nobody, cause: 'unknown', why: `any of ${names} could have caused it` };
  if (pods.length > 1) {
    return { ...nobody, ...judgement, why: `one of ${names}; for the first: ${judgement.why}` };
  }
  if (first.pod === null) return { ...nobody, ...judgement };
  const phase = phaseOf(settlement, evidence.timelines.get(first.pod));
  return { settlement, pod: first.pod, podBy: 'elimination', phase, ...judgement };
}

function toLossOf(pod: string, settlement: Settlement, evidence: LossEvidence): Loss {
  const timeline = evidence.timelines.get(pod);
  const judgement = timeline === undefined ? unseen(pod) : judge(settlement, timeline, evidence);
  return { settlement, pod, podBy: 'connection', phase: phaseOf(settlement, timeline), ...judgement };
}

/** The loss of a pod that refused direct probes when it refused the request. */
function toProbedLoss(pod: string, settlement: Settlement, evidence: LossEvidence): Loss {
  const loss = toLossOf(pod, settlement, evidence);
  const timeline = evidence.timelines.get(pod);
  const told = timeline === undefined ? '' : describeDirect(timeline, settlement.endMs);
  return {
    ...loss,
    podBy: 'direct-probe',
    why: told === '' ? loss.why : `${loss.why}; direct probes: ${told}`,
  };
}

function phaseOf({ endMs }: Settlement, timeline: PodTimeline | undefined): PodPhase {
  return toPhase(timeline, endMs);
}

function unseen(pod: string): Judgement {
  return { cause: 'unknown', why: `no timeline was recorded for ${pod}` };
}

function judge(settlement: Settlement, timeline: PodTimeline, evidence: LossEvidence): Judgement {
  return judgeLoss(toLossFacts(settlement, timeline, evidence));
}

function judgeSuspect(settlement: Settlement, { pod, kind }: Suspect, evidence: LossEvidence): Judgement {
  const timeline = pod === null ? undefined : evidence.timelines.get(pod);
  if (timeline === undefined) return judgeFleet(settlement, evidence);
  return judgeLoss(toLossFacts(settlement, timeline, evidence, kind));
}

function isFleetEmpty({ endMs }: Settlement, { timelines }: LossEvidence): boolean {
  return timelines.size > 0 && countEndpoints(timelines.values(), endMs) === 0;
}

function judgeEmptyFleet({ endMs }: Settlement, { timelines }: LossEvidence): Judgement {
  const flapping = [...timelines.values()].find((timeline) => isFlapping(timeline, endMs));
  return flapping === undefined
    ? { cause: 'too-little-capacity', why: 'no pod was a ready endpoint' }
    : {
        cause: 'readiness-flaps',
        why: `no pod was a ready endpoint, and ${flapping.pod} had turned unready`,
      };
}

/** The cause where no pod alone is suspect. */
function judgeFleet(settlement: Settlement, { timelines, idleTimeoutMs }: LossEvidence): Judgement {
  if (isIdledOut(settlement, idleTimeoutMs)) {
    return {
      cause: 'closes-idle-connections',
      why: toIdleReason('a pod', settlement.connection?.idleMs ?? 0),
    };
  }
  const endpoints = countEndpoints(timelines.values(), settlement.endMs);
  return isOverload(settlement)
    ? {
        cause: 'too-little-capacity',
        why: `every pod that could be reached was ready; there were ${endpoints}`,
      }
    : { cause: 'unknown', why: 'no pod that could be reached was starting, terminating or unready' };
}

import { isLost, type Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { countOwnFailures, isOwnFailure } from '../load/evidence.ts';
import type { LoadResult } from '../load/load-spec.ts';
import { countOutcomes, type LoadRecord, sumCells } from '../load/record.ts';
import { judgeRequirements, type Requirement, type RequirementResult } from '../report/requirement.ts';
import { isGeneratorLimited } from '../report/verdict.ts';
import { type Loss, toLoss } from './attribution.ts';
import { CAUSES, type CauseId } from './cause.ts';
import { findRefusers, withDirectAnswers } from './direct-times.ts';
import { type Fix, toFixes } from './fix.ts';
import type { Hazard, HazardId } from './hazard.ts';
import { type EndpointTimes, findHazards } from './hazard-search.ts';
import type { Successes } from './inference-evidence.ts';
import { isIdledOut, isOfProxy } from './loss-facts.ts';
import { type PodMargins, toPodMargins } from './margin.ts';
import type { PodConnections } from './pod-connections.ts';
import { inferSuspects } from './pod-inference.ts';
import type { PodResponses } from './pod-responses.ts';
import { PROOF_PHASES } from './proof-load.ts';
import type { Removal } from './safeguard.ts';
import type { Disruption, Mark, Scene } from './scene.ts';
import type { ServiceTimes } from './service-times.ts';
import { isWithin, type PodTimeline, type Span } from './timeline.ts';
import { toVantagePoints, type VantageCounts, type VantagePoint } from './vantage-point.ts';
import { type ProofVerdict, toVerdict } from './verdict.ts';

/** What a stretch of load came to, and the verdict on it. Times are ms since its start. */
export interface Judged {
  readonly durationMs: number;
  readonly endpoints: readonly string[];
  readonly planned: number;
  readonly ok: number;
  readonly lost: number;
  /** Requests that failed because the load itself was late, was stopped or could not send; not part of `lost`. */
  readonly givenUp: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** How late requests went out: the 99th percentile. */
  readonly lagP99Ms: number;
  readonly requirements: readonly RequirementResult[];
  /** All losses by cause. */
  readonly causes: Readonly<Partial<Record<CauseId, number>>>;
  /** One for each cause. */
  readonly fixes: readonly Fix[];
  /** In the order in which they ended; all that were kept for judgement. */
  readonly losses: readonly Loss[];
  readonly timelines: readonly PodTimeline[];
  /** One for each timeline. */
  readonly margins: readonly PodMargins[];
  /** Where the load was sent from; empty: from this process alone. */
  readonly vantagePoints: readonly VantagePoint[];
  /** In the order in which they first showed. */
  readonly hazards: readonly Hazard[];
  /** Hazards that do not count. */
  readonly allowed: readonly HazardId[];
  /** Exact counts and latencies before, during and after the disruption, by version. */
  readonly record: LoadRecord;
  /** What was done to the target and could not be undone. */
  readonly leftBehind: readonly string[];
  readonly verdict: ProofVerdict;
}

/** One disruption under load, with the verdict on it. Times are ms since the load began. */
export interface Proof extends Judged {
  readonly disruption: Disruption;
  /** The safeguards that were removed; empty: this is the proof itself. */
  readonly without: readonly Removal[];
  readonly target: string;
  /** Start time, RFC 3339. */
  readonly startedAt: string;
  readonly marks: readonly Mark[];
}

/** Everything that was observed in a stretch of load. Times are ms since its start. */
export interface LoadObservation
  extends Pick<Judged, 'durationMs' | 'endpoints' | 'timelines' | 'leftBehind' | 'allowed'> {
  readonly load: Pick<LoadResult, 'record' | 'ledgerFault'>;
  /** Requests that were not ok; all of them, or the first that could be kept. */
  readonly failures: readonly Settlement[];
  /** The pod that a request's connection led to; null: not known. */
  podOf(settlement: Settlement): string | null;
  readonly responses: PodResponses;
  readonly serviceTimes: ServiceTimes;
  readonly connections: PodConnections;
  readonly successes: Successes;
  /** Deadline of each request. */
  readonly deadlineMs: number;
  /** Seconds of the load in which most of the requests went out late. */
  readonly lateSeconds: readonly number[];
  /** When the disruption began; Infinity: there was none. */
  readonly beganMs: number;
  /** Why the disruption did not complete; null: it did. */
  readonly incomplete: string | null;
  /** How far the timestamp of an event may lag behind the event. */
  readonly slackMs: number;
  /** What to do for more pods in a rollout. */
  readonly surgeAdvice: string;
  /** By where requests were sent from; empty: from this process alone. */
  readonly vantageCounts: ReturnType<VantageCounts['list']>;
  /** Why events may be missing or stamped late. */
  readonly watchGaps: readonly string[];
  readonly isInterrupted: boolean;
  readonly requirements: readonly Requirement[];
}

/** Everything that was observed of one disruption under load. Times are ms since the load began. */
export type ProofObservation = LoadObservation &
  Pick<Proof, 'disruption' | 'without' | 'target' | 'startedAt' | 'marks'> &
  Pick<Scene, 'isTarget'>;

/** A pod that was an endpoint for less time may have received no request: busy nodes learn of it so late. */
const MIN_REACHABLE_MS = 3_000;

/** Judges one disruption, which must have had an effect. Pure. */
export function judgeProof(observation: ProofObservation): Proof {
  const { disruption, without, target, startedAt, marks, timelines, beganMs } = observation;
  const incomplete =
    observation.incomplete ??
    toUndisrupted(
      disruption,
      timelines.filter(({ pod }) => observation.isTarget(pod)),
      beganMs,
    );
  return {
    disruption,
    without,
    target,
    startedAt,
    marks,
    ...judgeObservation({ ...observation, incomplete }),
  };
}

/** Judges a stretch of load, whatever disrupted it. Pure. */
export function judgeObservation(observation: LoadObservation): Judged {
  const { durationMs, endpoints, timelines, leftBehind, load, beganMs, isInterrupted, surgeAdvice } =
    observation;
  const { record, ledgerFault } = load;
  const sum = sumCells(record.cells);
  const counts = countOutcomes(sum.outcomes);
  const lagP99Ms = sum.lag.count === 0 ? 0 : sum.lag.percentileMs(99);
  const conduct = { lagP99Ms, isInterrupted };
  const ok = sum.outcomes.ok ?? 0;
  const givenUp = countOwnFailures(sum.outcomes, conduct);
  const lost = counts.lost - givenUp;
  const losses = toLosses(
    observation.failures.filter(({ outcome }) => isLost(outcome) && !isOwnFailure(outcome, conduct)),
    observation,
  );
  const causes = countCauses(losses, lost);
  const margins = timelines.map((timeline) =>
    toPodMargins(timeline, {
      lastOpenings: observation.connections.lastOpenings,
      firstOk: (pod) => {
        const { answered, answeredFrom } = observation.responses;
        const ms = answered.get(pod);
        return ms === undefined ? null : { ms, from: answeredFrom.get(pod) ?? null };
      },
    }),
  );
  const hazards = findHazards({
    ...observation,
    ...observation.connections,
    margins,
    endMs: durationMs,
    endpoints: toEndpointTimes(record, endpoints),
    firstServiceMs: observation.responses.firstServiceMs,
  });
  const requirements = judgeRequirements(observation.requirements, record, endpoints, durationMs);
  return {
    durationMs,
    endpoints,
    planned: record.planned,
    ok,
    lost,
    givenUp,
    outcomes: sum.outcomes,
    lagP99Ms,
    requirements,
    causes,
    fixes: toFixes({
      causes,
      losses,
      timelines,
      beganMs,
      deadlineMs: observation.deadlineMs,
      surgeAdvice,
    }),
    losses,
    timelines,
    margins,
    vantagePoints: toVantagePoints(
      observation.vantageCounts,
      timelines,
      observation.connections.lastOpenings,
    ),
    hazards,
    allowed: observation.allowed,
    record,
    leftBehind,
    verdict: toVerdict({
      planned: record.planned,
      ok,
      lost,
      givenUp,
      lostBefore:
        beganMs === Number.POSITIVE_INFINITY
          ? lost
          : losses.filter(({ settlement }) => settlement.endMs < beganMs).length,
      isLedgerClosed: ledgerFault === null && record.planned === counts.total,
      lagP99Ms,
      lateSeconds: observation.lateSeconds.filter((second) => second >= Math.floor(beganMs / 1_000)),
      watchGaps: observation.watchGaps,
      isInterrupted,
      incomplete: observation.incomplete,
      unseen: toUnseen(observation.responses, timelines, durationMs),
      leftBehind,
      hazards,
      allowed: observation.allowed,
      requirements,
      isLatencyDoubtful: isGeneratorLimited({ lagP99Ms, responseP50Ms: sum.response.percentileMs(50) }),
    }),
  };
}

function toEndpointTimes(record: LoadRecord, endpoints: readonly string[]): EndpointTimes[] {
  const [before, during] = PROOF_PHASES;
  return endpoints.map((name, endpoint) => {
    const own = record.cells.filter((cell) => cell.endpoint === endpoint);
    const sumOf = (phase: string) => sumCells(own.filter((cell) => cell.phase === phase));
    const { service } = sumOf(before);
    return {
      name,
      usualMs: (service.count === 0 ? sumCells(own).service : service).percentileMs(50),
      beforeP99Ms: sumOf(before).response.percentileMs(99),
      duringP99Ms: sumOf(during).response.percentileMs(99),
    };
  });
}

type LossObservation = Pick<
  LoadObservation,
  'timelines' | 'podOf' | 'responses' | 'serviceTimes' | 'successes' | 'beganMs' | 'slackMs'
> & { readonly connections: Pick<PodConnections, 'idleTimeoutMs' | 'hasAnnounced'> };

/** All lost requests with their pods and causes, in the order in which they ended. Pure. */
export function toLosses(
  settlements: readonly Settlement[],
  { timelines, podOf, responses, serviceTimes, successes, connections, beganMs, slackMs }: LossObservation,
): Loss[] {
  const idleTimeoutMs = connections.idleTimeoutMs(beganMs);
  const unnamed = settlements.filter(
    (settlement) =>
      ((podOf(settlement) ?? settlement.pod) === null || isOfProxy(settlement, { podOf })) &&
      !isIdledOut(settlement, idleTimeoutMs),
  );
  const isNamed = timelines.some(({ pod }) => responses.answered.has(pod));
  const firstOkMs = withDirectAnswers(responses.firstOkMs, timelines);
  const evidence = {
    refusers: findRefusers(unnamed, timelines),
    inferred: inferSuspects({
      isNamed,
      timelines,
      losses: unnamed,
      successes,
      firstOkMs,
      beganMs,
      slackMs,
    }),
    timelines: new Map(timelines.map((timeline) => [timeline.pod, timeline])),
    podOf,
    isNamed,
    firstOkMs,
    slackMs,
    idleTimeoutMs,
    hasAnnounced: connections.hasAnnounced,
    usualMs: serviceTimes.usualMs,
  };
  return settlements
    .map((settlement) => toLoss(settlement, evidence))
    .sort((a, b) => a.settlement.endMs - b.settlement.endMs);
}

/**
 * Why the target was not disrupted, whatever was done to it; null: it was. Pods that served when the disruption
 * began must have been terminated: all of them in a rollout, at least one otherwise. What the command of `run` does is not known, but
 * at least one pod must show an effect.
 * @param timelines of the pods that the disruption is aimed at
 */
export function toUndisrupted(
  disruption: Disruption,
  timelines: readonly PodTimeline[],
  beganMs: number,
): string | null {
  if (beganMs === Number.POSITIVE_INFINITY) return null;
  if (disruption === 'run') {
    return timelines.some((timeline) => timeline.scheduledMs !== null && isTouched(timeline, beganMs))
      ? null
      : 'no pod was seen to change, so the command of --do disrupted something else, or nothing';
  }
  const endMsOf = ({ terminatingMs, goneMs }: PodTimeline) => terminatingMs ?? goneMs;
  const served = timelines.filter(
    (timeline) => timeline.scheduledMs !== null && timeline.endpoint.length > 0,
  );
  const ended = served.filter((timeline) => (endMsOf(timeline) ?? Number.NEGATIVE_INFINITY) >= beganMs);
  if (ended.length === 0) return 'no serving pod was terminated';
  if (disruption !== 'rollout') return null;
  const old = served.filter((timeline) => isWithin(timeline.endpoint, beganMs));
  const left = old.filter((timeline) => !ended.includes(timeline));
  return left.length === 0 ? null : `not replaced: ${left.map(({ pod }) => pod).join(', ')}`;
}

/** Losses that were not kept for judgement count as unknown. */
function countCauses(losses: readonly Loss[], lost: number): Partial<Record<CauseId, number>> {
  const counts: Partial<Record<CauseId, number>> = {};
  for (const { cause } of losses) counts[cause] = (counts[cause] ?? 0) + 1;
  if (lost > losses.length) counts.unknown = (counts.unknown ?? 0) + lost - losses.length;
  const order = Object.keys(CAUSES) as CauseId[];
  return Object.fromEntries(
    order.flatMap((cause) => (counts[cause] === undefined ? [] : [[cause, counts[cause]]])),
  );
}

/** Did anything happen to the pod after that time? */
function isTouched(timeline: PodTimeline, afterMs: number): boolean {
  const { scheduledMs, startedMs, terminatingMs, exit, nodeLostMs, goneMs, ready, endpoint } = timeline;
  return [
    ...[scheduledMs, startedMs, terminatingMs, exit?.atMs ?? null, nodeLostMs, goneMs],
    ...[...ready, ...endpoint].flatMap(({ fromMs, toMs }) => [fromMs, toMs]),
  ].some((ms) => ms !== null && ms >= afterMs);
}

/**
 * Every pod that was an endpoint long enough must have answered. Where responses name no pod at all, there must be
 * ok responses from before the first change and after the last: those came from old and new pods. Responses that
 * name only unknown pods came from elsewhere.
 */
export function toUnseen(
  { answered, okSpan }: Pick<PodResponses, 'answered' | 'okSpan'>,
  timelines: readonly PodTimeline[],
  endMs: number,
): string[] {
  if (timelines.some(({ pod }) => answered.has(pod))) {
    const isLong = ({ fromMs, toMs }: Span) =>
      Math.min(toMs ?? endMs, endMs) - Math.max(0, fromMs) >= MIN_REACHABLE_MS;
    return timelines
      .filter(({ pod, endpoint }) => !answered.has(pod) && endpoint.some(isLong))
      .map(({ pod }) => `no response came from ${pod}`);
  }
  const [foreign] = answered.keys();
  if (foreign !== undefined) {
    return [`the responses name pods that are not the target’s, for example ${foreign} (--pod-header)`];
  }
  const changes = timelines.flatMap(({ endpoint, goneMs }) => [
    ...endpoint.flatMap(({ fromMs, toMs }) => [fromMs, ...(toMs === null ? [] : [toMs])]),
    ...(goneMs === null ? [] : [goneMs]),
  ]);
  const during = changes.filter((ms) => ms > 0);
  if (okSpan === null) return ['no response was ok'];
  if (during.length === 0) return ['no pod was seen to change'];
  return [
    ...(okSpan.firstMs < Math.min(...during) ? [] : ['no ok response came before the first change']),
    ...(okSpan.lastMs > Math.max(...during) ? [] : ['no ok response came after the last change']),
  ];
}

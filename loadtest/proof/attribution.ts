import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { CauseId } from './cause.ts';
import {
  type ContainerExit,
  isWithin,
  type PodPhase,
  type PodTimeline,
  toExit,
  toPhase,
} from './timeline.ts';

/** What is known about the pods when a loss is judged. */
export interface LossEvidence {
  readonly timelines: ReadonlyMap<string, PodTimeline>;
  /** The pod that the connection led to; null: not known. */
  podOf(settlement: Settlement): string | null;
  /**
   * Is any of these pods identified by its responses or by a connection? If not, `firstOkMs` is null for all of
   * them.
   */
  readonly isNamed: boolean;
  /** When the pod first gave an ok response on this endpoint, or on any if `endpoint` is null; null: never. */
  firstOkMs(pod: string, endpoint: number | null): number | null;
  /** How far the timestamp of an event may lag behind the event. */
  readonly slackMs: number;
  /** Median service time of the ok responses around that time. It grows when anything on the path stalls. */
  usualMs(atMs: number): number;
}

/** A lost request, with the pod and the cause to blame. */
export interface Loss {
  readonly settlement: Settlement;
  readonly pod: string | null;
  /** How the pod is known: from the response or the connection, or because no other pod is possible. */
  readonly podBy: 'connection' | 'elimination' | null;
  /** The pod's phase when the request failed. */
  readonly phase: PodPhase;
  readonly cause: CauseId;
  /** The facts that point to the cause, in one sentence. */
  readonly why: string;
}

interface Judgement {
  readonly cause: CauseId;
  readonly why: string;
}

/**
 * A request whose connection closes while it is on the way fails sooner than a response would have arrived. Twice
 * the usual time plus this means that the server had received the request, and dropped it.
 */
const IN_FLIGHT_MS = 10;
/** A process that exits this soon after SIGTERM has not drained. */
const AT_ONCE_MS = 100;
/**
 * node-monitor-grace-period is 50 s since Kubernetes 1.32: what is lost before the node turns NotReady is due to
 * the node too.
 */
const NODE_GRACE_MS = 60_000;
/**
 * A reused client port is routed to the same pod as before for as long as a node remembers a connection that was
 * never answered: nf_conntrack_tcp_timeout_syn_sent.
 */
const NAT_MS = 120_000;
/** A pod that fails every request for this long after it became ready is broken, and not merely ready too early. */
const START_MS = 60_000;
/** A readiness change and a loss are related within the default probe's three periods of 10 s. */
const FLAP_MS = 30_000;
/** The watch learns of a new endpoint at most this long after the nodes do. */
const NEWS_MS = 250;
/**
 * How long a removed endpoint still gets traffic from nodes that have not learned of its removal: usually, and at
 * most.
 */
const PROPAGATION_MS = [2_000, 10_000] as const;

const CUT: readonly Outcome[] = ['refused', 'tls', 'reset', 'closed_before_response', 'truncated'];
/** There was no connection to send the request on. */
const UNCONNECTED: readonly Outcome[] = ['refused', 'tls', 'connect_timeout'];
const SILENT: readonly Outcome[] = ['timeout', 'connect_timeout', 'unfinished', 'not_sent'];
const OVERLOAD: readonly Outcome[] = ['http_429', 'http_503', 'http_504'];

/** Judges one lost request. Pure: the same evidence gives the same loss. */
export function toLoss(settlement: Settlement, evidence: LossEvidence): Loss {
  const known = evidence.podOf(settlement) ?? settlement.pod;
  if (known !== null && !isOfProxy(settlement, evidence)) return toLossOf(known, settlement, evidence);
  const nobody = { settlement, pod: null, podBy: null, phase: 'unknown' } as const;
  if (isFleetEmpty(settlement, evidence)) return { ...nobody, ...judgeEmptyFleet(settlement, evidence) };
  const suspects = findSuspects(settlement, evidence);
  const [first, ...others] = suspects;
  if (first === undefined) {
    return known === null ? { ...nobody, ...judgeFleet(settlement) } : toLossOf(known, settlement, evidence);
  }
  const judgement = judge(settlement, first, evidence);
  if (others.length === 0) {
    return {
      settlement,
      pod: first.pod,
      podBy: 'elimination',
      phase: phaseOf(settlement, first),
      ...judgement,
    };
  }
  const agree = others.every((timeline) => judge(settlement, timeline, evidence).cause === judgement.cause);
  const names = suspects.map(({ pod }) => pod).join(', ');
  return {
    ...nobody,
    cause: agree ? judgement.cause : 'unknown',
    why: agree ? `one of ${names}; for the first: ${judgement.why}` : `any of ${names} could have caused it`,
  };
}

function toLossOf(pod: string, settlement: Settlement, evidence: LossEvidence): Loss {
  const timeline = evidence.timelines.get(pod);
  const judgement = timeline === undefined ? unseen(pod) : judge(settlement, timeline, evidence);
  return { settlement, pod, podBy: 'connection', phase: phaseOf(settlement, timeline), ...judgement };
}

function phaseOf({ endMs }: Settlement, timeline: PodTimeline | undefined): PodPhase {
  return toPhase(timeline, endMs);
}

function unseen(pod: string): Judgement {
  return { cause: 'unknown', why: `no timeline was recorded for ${pod}` };
}

/** The pods that may have failed the request: the most likely group that has any. */
function findSuspects(settlement: Settlement, evidence: LossEvidence): readonly PodTimeline[] {
  const timelines = [...evidence.timelines.values()];
  const isLastReachable = (timeline: PodTimeline) =>
    isReachable(settlement, timeline, evidence, PROPAGATION_MS[1]);
  const grounds: readonly ((timeline: PodTimeline) => boolean)[] = [
    ...PROPAGATION_MS.map(
      (propagationMs) => (timeline: PodTimeline) =>
        isReachable(settlement, timeline, evidence, propagationMs) &&
        (isChanging(settlement, timeline, evidence) ||
          (evidence.isNamed && isUntried(settlement, timeline, evidence))),
    ),
    (timeline) => isUnanswered(settlement, evidence) && isNodeLost(settlement, timeline),
    // Where responses name no pod, every new pod looks untried: only when no other pod can have failed the request.
    (timeline) => isLastReachable(timeline) && isUntried(settlement, timeline, evidence),
    // A pod in its preStop sleep still serves, so it comes last.
    (timeline) => isLastReachable(timeline) && isPast(timeline.terminatingMs, settlement, evidence),
  ];
  for (const isSuspect of grounds) {
    const suspects = timelines.filter(isSuspect);
    if (suspects.length > 0) return suspects;
  }
  return [];
}

/** Did the pod fail to give a complete response? A proxy may have given one in its place. */
function isUnanswered(settlement: Settlement, evidence: LossEvidence): boolean {
  const { outcome } = settlement;
  return CUT.includes(outcome) || SILENT.includes(outcome) || isOfProxy(settlement, evidence);
}

/**
 * Is it the response of a proxy that got none from a pod (RFC 9110 §15.6.3 and §15.6.5)? A pod that is known from
 * the connection, or from this very response, has answered itself.
 */
function isOfProxy(settlement: Settlement, { podOf }: LossEvidence): boolean {
  const { outcome, pod, connection } = settlement;
  if (podOf(settlement) !== null) return false;
  // On a keep-alive connection the name may come from an earlier response. A 504 is as likely to be the pod's own.
  const isUnnamed = pod === null || (outcome === 'http_502' && connection?.reused === true);
  return isUnnamed && (outcome === 'http_502' || outcome === 'http_504');
}

/** Could the request have reached this pod when it was written, or, if it was not, when it failed? */
function isReachable(
  { sentMs, endMs }: Settlement,
  { endpoint }: PodTimeline,
  { slackMs }: LossEvidence,
  propagationMs: number,
): boolean {
  const atMs = sentMs ?? endMs;
  return endpoint.some(
    ({ fromMs, toMs }) =>
      atMs >= fromMs - Math.min(slackMs, NEWS_MS) && (toMs === null || atMs < toMs + propagationMs),
  );
}

/**
 * Was the pod terminating, lost or unready around then? Where the time of SIGTERM is not known, it may have come
 * with the deletion.
 */
function isChanging(settlement: Settlement, timeline: PodTimeline, evidence: LossEvidence): boolean {
  return (
    isPast(timeline.sigtermMs ?? timeline.terminatingMs, settlement, evidence) ||
    isNodeLost(settlement, timeline) ||
    isFlapping(timeline, settlement.endMs) ||
    isPast(toExit(timeline, settlement.endMs)?.atMs ?? null, settlement, evidence)
  );
}

/**
 * Is the pod new, and not known to have answered by then: this endpoint, or any endpoint if there was no
 * connection?
 */
function isUntried(settlement: Settlement, timeline: PodTimeline, evidence: LossEvidence): boolean {
  const { endMs, outcome } = settlement;
  if (outcome === 'refused' && timeline.isProbed) return false;
  const okMs = firstOkMsOf(settlement, timeline, evidence);
  return isNew(timeline, endMs) && (okMs === null || okMs > endMs);
}

/** A pod that has answered anything accepts connections. */
function firstOkMsOf({ outcome, endpoint }: Settlement, { pod }: PodTimeline, { firstOkMs }: LossEvidence) {
  return firstOkMs(pod, UNCONNECTED.includes(outcome) ? null : endpoint);
}

function isPast(
  ms: number | null,
  { endMs }: Pick<Settlement, 'endMs'>,
  { slackMs }: LossEvidence,
): ms is number {
  return ms !== null && endMs >= ms - slackMs;
}

/**
 * Was its node lost then, or so recently that connections are still routed there? A pod whose exit was reported is
 * on a live node.
 */
function isNodeLost(settlement: Settlement, timeline: PodTimeline): boolean {
  const { endMs } = settlement;
  const { nodeLostMs, ready, goneMs } = timeline;
  if (nodeLostMs === null || endMs < nodeLostMs - NODE_GRACE_MS) return false;
  const toldEndMs = toExit(timeline, settlement.endMs)?.atMs ?? goneMs;
  if (toldEndMs !== null && toldEndMs < nodeLostMs) return false;
  const backMs = ready.find(({ fromMs }) => fromMs > nodeLostMs)?.fromMs ?? goneMs;
  return backMs === null || endMs < backMs + NAT_MS;
}

function isNew({ ready }: PodTimeline, atMs: number): boolean {
  const fromMs = ready[0]?.fromMs;
  return fromMs !== undefined && fromMs > 0 && atMs <= fromMs + START_MS;
}

/** Was the pod unready near that moment, between two ready spans or for good, without terminating? */
function isFlapping({ ready, terminatingMs }: PodTimeline, atMs: number): boolean {
  return ready.some(({ toMs }, index) => {
    if (toMs === null || (terminatingMs !== null && toMs >= terminatingMs)) return false;
    const untilMs = ready[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    return atMs >= toMs - FLAP_MS && atMs < untilMs + FLAP_MS;
  });
}

function judge(settlement: Settlement, timeline: PodTimeline, evidence: LossEvidence): Judgement {
  const { outcome, endMs, connection } = settlement;
  const { pod } = timeline;
  const exit = toExit(timeline, settlement.endMs);
  // The connection to a proxy says nothing about the proxy's own to the pod, which is assumed to be fresh.
  const isKept = connection?.reused === true && !isOfProxy(settlement, evidence);

  if (isUnanswered(settlement, evidence) && isNodeLost(settlement, timeline)) {
    return {
      cause: 'node-lost',
      why: `the node ${timeline.node ?? ''} of ${pod} was lost${when(timeline.nodeLostMs)}`,
    };
  }
  if (isPast(timeline.terminatingMs, settlement, evidence)) {
    return judgeTerminating(settlement, timeline, evidence, isKept);
  }
  if (exit !== null && isPast(exit.atMs, settlement, evidence) && isUnanswered(settlement, evidence)) {
    return { cause: 'unknown', why: `the process of ${pod} exited without being asked to${how(exit)}` };
  }
  if (isUntried(settlement, timeline, evidence)) {
    if (isBroken(settlement, timeline, evidence)) {
      return { cause: 'unknown', why: `${pod} is new, and never answered this endpoint: broken, not early` };
    }
    const sinceMs = Math.round(endMs - (timeline.ready[0]?.fromMs ?? 0));
    return {
      cause: 'ready-too-early',
      why: `${pod} was ready for ${sinceMs} ms, and ${describeFirstOk(settlement, timeline, evidence)}`,
    };
  }
  if (isFlapping(timeline, endMs)) {
    return {
      cause: 'readiness-flaps',
      why: `${pod} became unready around that time without being terminated`,
    };
  }
  const lost = [...evidence.timelines.values()].find((other) => isNodeLost(settlement, other));
  if (SILENT.includes(outcome) && lost !== undefined) {
    return {
      cause: 'node-lost',
      why: `${pod} was ready, and the route to it may have gone through node ${lost.node ?? ''}, which was lost${when(lost.nodeLostMs)}`,
    };
  }
  if (OVERLOAD.includes(outcome) || SILENT.includes(outcome)) {
    const what = OVERLOAD.includes(outcome) ? `answered ${settlement.status}` : 'did not answer in time';
    return { cause: 'too-little-capacity', why: `${pod} was ready and ${what}` };
  }
  if (isKept && (outcome === 'reset' || outcome === 'closed_before_response')) {
    return {
      cause: 'closes-keep-alive-connections',
      why: `${pod} was ready and closed a connection that had been idle for ${Math.round(connection.idleMs)} ms`,
    };
  }
  return {
    cause: 'unknown',
    why: `${pod} was ${toPhase(timeline, endMs)} and the request ended as ${outcome}`,
  };
}

/** Does the pod take requests, yet answer none on this endpoint until the end of the load? */
function isBroken(settlement: Settlement, timeline: PodTimeline, evidence: LossEvidence): boolean {
  const isTaken = !UNCONNECTED.includes(settlement.outcome) && !isOfProxy(settlement, evidence);
  return evidence.isNamed && isTaken && firstOkMsOf(settlement, timeline, evidence) === null;
}

function describeFirstOk(settlement: Settlement, timeline: PodTimeline, evidence: LossEvidence): string {
  const { endMs } = settlement;
  if (!evidence.isNamed) return 'no response shows whether it had answered';
  const okMs = firstOkMsOf(settlement, timeline, evidence);
  return okMs === null
    ? 'never answered this endpoint'
    : `first answered this endpoint ${Math.round(okMs - endMs)} ms later`;
}

function judgeTerminating(
  settlement: Settlement,
  timeline: PodTimeline,
  evidence: LossEvidence,
  isKept: boolean,
): Judgement {
  const { outcome, sentMs, endMs, bytesReceived } = settlement;
  const { pod } = timeline;
  const exit = toExit(timeline, settlement.endMs);
  const at =
    timeline.sigtermMs === null ? `, ${SIGTERM_UNKNOWN}` : relative(endMs, timeline.sigtermMs, 'SIGTERM');
  const hasNoAnswer = isUnanswered(settlement, evidence);
  const ended = exit !== null && isPast(exit.atMs, settlement, evidence);
  if (hasNoAnswer && timeline.graceMs === 0) {
    return { cause: 'killed-at-grace-end', why: `${pod} was deleted with grace period 0: killed at once` };
  }
  if (hasNoAnswer && ended && (exit.signal === 'SIGKILL' || exit.code === 137)) {
    return {
      cause: 'killed-at-grace-end',
      why: `${pod} was killed${relative(exit.atMs, timeline.sigtermMs, 'SIGTERM')}`,
    };
  }
  const endedAtOnce =
    ended && timeline.sigtermMs !== null && exit.atMs <= timeline.sigtermMs + AT_ONCE_MS + evidence.slackMs;
  // Some runtimes, the JVM among them, exit with 143 after a clean shutdown too.
  if (hasNoAnswer && ended && (exit.signal === 'SIGTERM' || (exit.code === 143 && endedAtOnce))) {
    return { cause: 'exits-on-sigterm', why: `SIGTERM ended ${pod}; the request failed${at}` };
  }
  if (
    outcome === 'timeout' &&
    sentMs !== null &&
    !isPast(timeline.terminatingMs, { endMs: sentMs }, evidence)
  ) {
    return {
      cause: 'too-little-capacity',
      why: `${pod} received the request before it began terminating, and did not answer in time`,
    };
  }
  const isInFlight =
    bytesReceived > 0 || (sentMs !== null && endMs - sentMs >= 2 * evidence.usualMs(endMs) + IN_FLIGHT_MS);
  // A refused connection would have been lost just the same had the process only stopped listening. A process that
  // exits with 0 has waited for all requests in flight that it knew of.
  if (hasNoAnswer && isKept && endedAtOnce && (exit.code !== 0 || isInFlight)) {
    return {
      cause: 'exits-on-sigterm',
      why: `${pod} exited${relative(exit.atMs, timeline.sigtermMs, 'SIGTERM')}`,
    };
  }
  if (CUT.includes(outcome) && outcome !== 'refused' && isInFlight) {
    const waited = sentMs === null ? 0 : Math.round(endMs - sentMs);
    if (timeline.sigtermMs === null) {
      return {
        cause: 'unknown',
        why: `${pod} dropped a request that had been in flight for ${waited} ms, ${SIGTERM_UNKNOWN}`,
      };
    }
    return {
      cause: 'exits-on-sigterm',
      why: `${pod} dropped a request that had been in flight for ${waited} ms${at}`,
    };
  }
  if (CUT.includes(outcome) && isKept) {
    return { cause: 'closes-keep-alive-connections', why: `${pod} closed a keep-alive connection${at}` };
  }
  if (hasNoAnswer && !isKept) {
    const what = isOfProxy(settlement, evidence)
      ? `a proxy answered ${settlement.status} for ${pod}`
      : outcome === 'timeout'
        ? `${pod} gave no response on a fresh connection`
        : `${pod} accepted no fresh connection`;
    return { cause: 'stops-listening-early', why: `${what}${at}` };
  }
  if (OVERLOAD.includes(outcome) && timeline.sigtermMs === null) {
    return { cause: 'unknown', why: `${pod} answered ${settlement.status}, ${SIGTERM_UNKNOWN}` };
  }
  if (OVERLOAD.includes(outcome) && !isPast(timeline.sigtermMs, settlement, evidence)) {
    return {
      cause: 'too-little-capacity',
      why: `${pod} had not been sent SIGTERM and answered ${settlement.status}`,
    };
  }
  if (OVERLOAD.includes(outcome)) {
    return { cause: 'stops-listening-early', why: `${pod} answered ${settlement.status}${at}` };
  }
  return { cause: 'unknown', why: `${pod} was terminating and the request ended as ${outcome}` };
}

/** A clause to follow a comma. */
const SIGTERM_UNKNOWN = 'and it is not known when it was sent SIGTERM (preStop of unknown length)';

function isFleetEmpty({ endMs }: Settlement, { timelines }: LossEvidence): boolean {
  return (
    timelines.size > 0 && ![...timelines.values()].some((timeline) => isWithin(timeline.endpoint, endMs))
  );
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

/** The cause where no pod is suspect. */
function judgeFleet({ outcome }: Settlement): Judgement {
  return OVERLOAD.includes(outcome) || SILENT.includes(outcome)
    ? { cause: 'too-little-capacity', why: 'every pod that could be reached was ready' }
    : { cause: 'unknown', why: 'no pod that could be reached was starting, terminating or unready' };
}

function relative(atMs: number, toMs: number | null, name: string): string {
  if (toMs === null) return '';
  const ms = Math.round(atMs - toMs);
  return ms < 0 ? ` ${-ms} ms before ${name}` : ` ${ms} ms after ${name}`;
}

function when(atMs: number | null): string {
  return atMs === null ? '' : ` (seen at ${(atMs / 1000).toFixed(1)} s)`;
}

function how(exit: ContainerExit): string {
  return exit.signal === null ? ` with code ${exit.code}` : ` by ${exit.signal}`;
}

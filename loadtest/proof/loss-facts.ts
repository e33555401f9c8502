import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { Suspect } from './pod-inference.ts';
import type { SuspicionKind } from './suspicion.ts';
import {
  type ContainerExit,
  isKilled,
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
   * Is any of these pods identified by its responses or by a connection? If not, `firstOkMs` is known from direct
   * probes alone.
   */
  readonly isNamed: boolean;
  /** When the pod first gave an ok response on this endpoint, or on any if `endpoint` is null; null: never. */
  firstOkMs(pod: string, endpoint: number | null): number | null;
  /** Who may have failed a loss, by its index, where neither responses nor the connection tell the pod. */
  readonly inferred: ReadonlyMap<number, readonly Suspect[]>;
  /** The pod that direct probes show to have refused the connection of a loss, by its index. */
  readonly refusers: ReadonlyMap<number, string>;
  /** How long the server keeps idle connections at rest; null: longer than was seen. */
  readonly idleTimeoutMs: number | null;
  /** How far the timestamp of an event may lag behind the event. */
  readonly slackMs: number;
  /** Did the pod ever announce that it closes a keep-alive connection? A server that reacts to SIGTERM does. */
  hasAnnounced(pod: string): boolean;
  /** Median service time of the ok responses around that time. It grows when anything on the path stalls. */
  usualMs(atMs: number): number;
}

/**
 * Everything that a cause is told from: one lost request, and its pod at that time. Times since an event are in ms,
 * negative before it, and null where the event was not seen.
 */
export interface LossFacts {
  readonly pod: string;
  readonly node: string;
  readonly outcome: Outcome;
  readonly status: number | null;
  /** The pod's phase when the request was sent, and when it failed. */
  readonly sentPhase: PodPhase;
  readonly endPhase: PodPhase;
  /** It was on a connection that had carried a request before, and that led to the pod itself. */
  readonly isKept: boolean;
  /** How long the connection had been idle before it. */
  readonly idleMs: number;
  /** It had been idle for as long as the server keeps idle connections. */
  readonly isIdledOut: boolean;
  /** The pod gave no complete response; a proxy may have given one in its place. */
  readonly isUnanswered: boolean;
  /** A proxy answered in the pod's place. */
  readonly isOfProxy: boolean;
  /** The connection was refused, reset or closed. */
  readonly isCut: boolean;
  /** Nothing came before the deadline. */
  readonly isSilent: boolean;
  /** A response said that the service is overloaded or not available: 429, 503 or 504. */
  readonly isRejected: boolean;
  /** The server had received the request, and dropped it. */
  readonly wasInFlight: boolean;
  /** From the writing to the failure; null: never written. */
  readonly waitedMs: number | null;
  /** It failed when its pod was terminating, or had ended so. */
  readonly isTerminating: boolean;
  /** It was sent when its pod was not terminating yet. */
  readonly wasSentBefore: boolean;
  readonly graceMs: number | null;
  readonly sinceReadyMs: number | null;
  readonly sinceDeletionMs: number | null;
  readonly sinceSigtermMs: number | null;
  /** It failed after SIGTERM, as far as timestamps can tell. */
  readonly isAfterSigterm: boolean;
  /** How the process ended, by then or later on. */
  readonly exit: ContainerExit | null;
  /** Its process had ended by then. */
  readonly hasEnded: boolean;
  readonly isKilled: boolean;
  /** It failed about when the process ended, as far as timestamps can tell. */
  readonly isAtExit: boolean;
  /** It took requests to the end as if it had never been sent SIGTERM. */
  readonly isDeaf: boolean;
  readonly exitSinceSigtermMs: number | null;
  /** It exited so soon after SIGTERM that it cannot have drained. */
  readonly exitedAtOnce: boolean;
  /** The pod is new, and not known to have answered by then. */
  readonly isUntried: boolean;
  /** The pod takes requests, yet answers none on this endpoint until the end of the load. */
  readonly isBroken: boolean;
  /** In words: when the pod first answered this endpoint. */
  readonly firstOk: string;
  readonly isFlapping: boolean;
  readonly isNodeLost: boolean;
  /** A node on the way may have been lost: its name; null: none was. */
  readonly lostNode: string | null;
  readonly nodeLostMs: number | null;
}

/**
 * A request whose connection closes while it is on the way fails sooner than a response would have arrived. Twice
 * the usual time plus this means that the server had received the request, and dropped it.
 */
const IN_FLIGHT_MS = 10;
/** Where an exit and a loss are this close to one another, the exit cut the request. */
const AT_EXIT_MS = 500;
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
/** Far away clients, and servers that look for idle connections now and then. */
const IDLED_OUT_MS = 100;
/** An exit and what comes of it are told within this time of one another. */
const EXIT_REPORT_MS = 2_000;
/** A readiness change and a loss are related within the default probe's three periods of 10 s. */
const FLAP_MS = 30_000;

const CUT: readonly Outcome[] = ['refused', 'tls', 'reset', 'closed_before_response', 'truncated'];
/** There was no connection to send the request on. */
const UNCONNECTED: readonly Outcome[] = ['refused', 'tls', 'connect_timeout'];
const SILENT: readonly Outcome[] = ['timeout', 'connect_timeout', 'unfinished', 'not_sent'];
const REJECTED: readonly Outcome[] = ['http_429', 'http_503', 'http_504'];

/**
 * Works out once what the causes are told from. Pure.
 * @param suspicion the occasion on which the pod is inferred to have failed it; null: the pod is known
 */
export function toLossFacts(
  settlement: Settlement,
  timeline: PodTimeline,
  evidence: LossEvidence,
  suspicion: SuspicionKind | null = null,
): LossFacts {
  const { outcome, status, sentMs, endMs, connection, bytesReceived } = settlement;
  const { pod, terminatingMs, sigtermMs, graceMs, ready, nodeLostMs } = timeline;
  const { slackMs } = evidence;
  // Nodes send requests to where it was even when its container runs again.
  const exit = suspicion === 'crash' ? timeline.exit : toExit(timeline, endMs);
  const isPast = (ms: number | null, atMs = endMs) => ms !== null && atMs >= ms - slackMs;
  const hasEnded = isPast(exit?.atMs ?? null);
  const exitSinceSigtermMs = exit === null || sigtermMs === null ? null : exit.atMs - sigtermMs;
  const isBehindProxy = isOfProxy(settlement, evidence);
  const firstOkMs = firstOkMsOf(settlement, timeline, evidence);
  const since = (ms: number | null | undefined) => (ms == null ? null : endMs - ms);
  const lost = [...evidence.timelines.values()].find((other) => isNodeLost(settlement, other));
  return {
    pod,
    node: timeline.node ?? '',
    outcome,
    status,
    sentPhase: toPhase(timeline, sentMs ?? endMs),
    endPhase: toPhase(timeline, endMs),
    // The connection to a proxy says nothing about the proxy's own to the pod, which is assumed to be fresh.
    isKept: connection?.reused === true && !isBehindProxy,
    idleMs: connection?.idleMs ?? 0,
    isIdledOut: isIdledOut(settlement, evidence.idleTimeoutMs),
    isUnanswered: isUnanswered(settlement, evidence),
    isOfProxy: isBehindProxy,
    isCut: CUT.includes(outcome),
    isSilent: SILENT.includes(outcome),
    isRejected: REJECTED.includes(outcome),
    wasInFlight:
      bytesReceived > 0 || (sentMs !== null && endMs - sentMs >= 2 * evidence.usualMs(endMs) + IN_FLIGHT_MS),
    waitedMs: sentMs === null ? null : endMs - sentMs,
    isTerminating: isPast(terminatingMs),
    wasSentBefore: sentMs !== null && !isPast(terminatingMs, sentMs),
    graceMs,
    sinceReadyMs: since(ready[0]?.fromMs),
    sinceDeletionMs: since(terminatingMs),
    sinceSigtermMs: since(sigtermMs),
    isAfterSigterm: isPast(sigtermMs),
    exit,
    hasEnded,
    isKilled: hasEnded && exit !== null && isKilled(exit),
    isAtExit: exit !== null && endMs >= exit.atMs - slackMs - AT_EXIT_MS && endMs <= exit.atMs + AT_EXIT_MS,
    isDeaf: !evidence.hasAnnounced(pod),
    exitSinceSigtermMs,
    exitedAtOnce: hasEnded && exitSinceSigtermMs !== null && exitSinceSigtermMs <= AT_ONCE_MS + slackMs,
    isUntried: (suspicion === null || suspicion === 'start') && isUntried(settlement, timeline, evidence),
    isBroken: evidence.isNamed && !UNCONNECTED.includes(outcome) && !isBehindProxy && firstOkMs === null,
    firstOk: describeFirstOk(firstOkMs, endMs, evidence),
    isFlapping: isFlapping(timeline, endMs),
    isNodeLost: isNodeLost(settlement, timeline),
    lostNode: lost === undefined ? null : (lost.node ?? ''),
    nodeLostMs: nodeLostMs ?? lost?.nodeLostMs ?? null,
  };
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
export function isOfProxy(settlement: Settlement, { podOf }: Pick<LossEvidence, 'podOf'>): boolean {
  const { outcome, pod, connection } = settlement;
  if (podOf(settlement) !== null) return false;
  // On a keep-alive connection the name may come from an earlier response. A 504 is as likely to be the pod's own.
  const isUnnamed = pod === null || (outcome === 'http_502' && connection?.reused === true);
  return isUnnamed && (outcome === 'http_502' || outcome === 'http_504');
}

/** Is it overload rather than a fault of one pod, as far as the outcome tells? */
export function isOverload({ outcome }: Settlement): boolean {
  return REJECTED.includes(outcome) || SILENT.includes(outcome);
}

/**
 * Is the pod new, and not known to have answered by then: this endpoint, or any endpoint if there was no
 * connection?
 */
function isUntried(settlement: Settlement, timeline: PodTimeline, evidence: LossEvidence): boolean {
  const { sentMs, endMs, outcome } = settlement;
  if (outcome === 'refused' && timeline.isProbed) return false;
  const okMs = firstOkMsOf(settlement, timeline, evidence);
  // What times out belongs to the moment in which it was sent.
  const atMs = outcome === 'timeout' ? (sentMs ?? endMs) : endMs;
  return isNew(timeline, atMs) && (okMs === null || okMs > atMs);
}

function isNew({ ready }: PodTimeline, atMs: number): boolean {
  const fromMs = ready[0]?.fromMs;
  return fromMs !== undefined && fromMs > 0 && atMs <= fromMs + START_MS;
}

/** A pod that has answered anything accepts connections. */
function firstOkMsOf({ outcome, endpoint }: Settlement, { pod }: PodTimeline, { firstOkMs }: LossEvidence) {
  return firstOkMs(pod, UNCONNECTED.includes(outcome) ? null : endpoint);
}

function describeFirstOk(okMs: number | null, endMs: number, { isNamed }: LossEvidence): string {
  if (!isNamed) {
    return okMs === null
      ? 'no response shows whether it had answered'
      : `first answered a direct probe ${Math.round(okMs - endMs)} ms later`;
  }
  return okMs === null
    ? 'never answered this endpoint'
    : `first answered this endpoint ${Math.round(okMs - endMs)} ms later`;
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

/**
 * Was the connection closed under the request because it had been idle for too long? A request meets that close only
 * within a round trip of it.
 */
export function isIdledOut({ outcome, connection }: Settlement, idleTimeoutMs: number | null): boolean {
  if (idleTimeoutMs === null || connection?.reused !== true) return false;
  if (outcome !== 'reset' && outcome !== 'closed_before_response') return false;
  return Math.abs(connection.idleMs - idleTimeoutMs) <= Math.max(IDLED_OUT_MS, idleTimeoutMs / 20);
}

/**
 * Was the pod unready near that moment, between two ready spans or for good, without terminating? A pod whose process
 * has ended is not ready, either: that is no flap.
 */
export function isFlapping({ ready, terminatingMs, exit }: PodTimeline, atMs: number): boolean {
  return ready.some(({ toMs }, index) => {
    if (toMs === null || (terminatingMs !== null && toMs >= terminatingMs)) return false;
    if (exit !== null && Math.abs(toMs - exit.atMs) <= EXIT_REPORT_MS) return false;
    const untilMs = ready[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    return atMs >= toMs - FLAP_MS && atMs < untilMs + FLAP_MS;
  });
}

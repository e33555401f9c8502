import type { Settlement } from '../engine/settlement.ts';
import { isCleared } from './direct-times.ts';
import { type FailureClass, failedMsOf, isFreshConnection, openedMsOf, sentMsOf } from './failure-class.ts';
import type { InferenceEvidence } from './inference-evidence.ts';
import type { PodTimeline } from './timeline.ts';

/** A removed endpoint gets no new connection after this. */
const MAX_PROPAGATION_MS = 10_000;

/** The watch learns of a new endpoint at most this long after the nodes do. */
const NEWS_MS = 250;

/** A new pod that fails requests for longer than this is broken, and not new. */
const START_MS = 60_000;

/** Probes notice a pod that fails within three periods of 10 s. */
const FLAP_MS = 30_000;

/** nf_conntrack_tcp_timeout_syn_sent. */
const NAT_MS = 120_000;

const SECOND_MS = 1_000;

/** Losses to a pod that is gone follow one another within this. */
const GAP_MS = 2_000;

/** What happens to a pod, or to the fleet as a whole, and may make it fail requests. */
export type SuspicionKind = 'start' | 'drain' | 'exit' | 'flap' | 'crash' | 'node' | 'fleet';

/** In which ways requests fail on that occasion; all of them, where nothing is said. */
export const HOWS: Partial<Record<SuspicionKind, readonly FailureClass['how'][]>> = {
  exit: ['cut'],
  // Who has gone answers nothing.
  crash: ['cut', 'silent'],
  node: ['cut', 'silent'],
};

/** A stretch of one pod's timeline, on a scale of its own: from the event that the kind is named after. */
export interface Stretch {
  readonly timeline: PodTimeline;
  /** The event. */
  readonly zeroMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Is the event that the pod became an endpoint? */
  readonly isStart: boolean;
  /** A pod that fails requests as it ends answers none any more. */
  readonly isEnd?: boolean;
  /** For how long after its removal an endpoint gets new connections; undefined: at most. */
  readonly reachMs?: number;
}

/** Pods that are alike, and so fail alike: all new ones from their start, all that are terminated after SIGTERM. */
export interface Suspicion {
  readonly kind: SuspicionKind;
  readonly stretches: readonly Stretch[];
  /** Failing begins with the event. */
  readonly isFromZero: boolean;
  /** Failing lasts until so long after the event at least. */
  readonly throughMs: number;
}

export function toSuspicions({ timelines, slackMs }: InferenceEvidence): Suspicion[] {
  const isTerminated = ({ terminatingMs }: PodTimeline, ms: number) =>
    terminatingMs !== null && ms >= terminatingMs - slackMs;
  const free = { isFromZero: false, throughMs: Number.NEGATIVE_INFINITY };
  const fromZero = { ...free, isFromZero: true };
  const endOf = ({ goneMs }: PodTimeline) => (goneMs ?? Number.POSITIVE_INFINITY) + MAX_PROPAGATION_MS;

  const starts = timelines.flatMap((timeline) => {
    const zeroMs = timeline.endpoint[0]?.fromMs ?? timeline.ready[0]?.fromMs;
    if (zeroMs === undefined || zeroMs <= 0) return [];
    const toMs = Math.min(zeroMs + START_MS + 1, timeline.terminatingMs ?? Number.POSITIVE_INFINITY);
    return [{ timeline, zeroMs, fromMs: zeroMs - NEWS_MS, toMs, isStart: true }];
  });
  const drains = timelines.flatMap((timeline) => {
    const { terminatingMs, sigtermMs } = timeline;
    if (terminatingMs === null) return [];
    return [
      {
        timeline,
        zeroMs: sigtermMs ?? terminatingMs,
        fromMs: sigtermMs ?? terminatingMs,
        toMs: endOf(timeline),
        isStart: false,
        isEnd: true,
      },
    ];
  });
  const exits = timelines.flatMap((timeline) => {
    const { exit, terminatingMs } = timeline;
    if (exit === null || terminatingMs === null || !isTerminated(timeline, exit.atMs)) return [];
    return [
      {
        timeline,
        zeroMs: exit.atMs,
        fromMs: timeline.sigtermMs ?? terminatingMs,
        toMs: endOf(timeline),
        isStart: false,
      },
    ];
  });
  const crashes = timelines.flatMap((timeline) => {
    const { exit } = timeline;
    if (exit === null || isTerminated(timeline, exit.atMs)) return [];
    return [
      {
        timeline,
        zeroMs: exit.atMs,
        fromMs: exit.atMs - NEWS_MS - slackMs,
        toMs: exit.atMs + MAX_PROPAGATION_MS,
        isStart: false,
      },
    ];
  });
  const flaps = timelines.flatMap((timeline) =>
    timeline.ready.flatMap(({ toMs }, index) => {
      if (toMs === null || isTerminated(timeline, toMs)) return [];
      if (timeline.exit !== null && Math.abs(toMs - timeline.exit.atMs) <= SECOND_MS + slackMs) return [];
      const untilMs = (timeline.ready[index + 1]?.fromMs ?? toMs) + 2 * SECOND_MS;
      return [{ timeline, zeroMs: toMs, fromMs: toMs - FLAP_MS, toMs: untilMs, isStart: false }];
    }),
  );
  const nodes = timelines.flatMap((timeline) => {
    const { nodeLostMs, ready, goneMs } = timeline;
    if (nodeLostMs === null) return [];
    const backMs = ready.find(({ fromMs }) => fromMs > nodeLostMs)?.fromMs ?? goneMs;
    const toMs = backMs === null ? Number.POSITIVE_INFINITY : backMs + NAT_MS;
    return [{ timeline, zeroMs: nodeLostMs, fromMs: nodeLostMs - START_MS, toMs, isStart: false }];
  });
  return [
    { kind: 'start', stretches: starts, ...fromZero },
    { kind: 'drain', stretches: drains, ...free },
    { kind: 'exit', stretches: exits, ...free },
    { kind: 'crash', stretches: crashes, ...fromZero },
    { kind: 'flap', stretches: flaps, ...free, throughMs: -SECOND_MS },
    { kind: 'node', stretches: nodes, ...free },
  ];
}

export function toPreStops({ timelines }: InferenceEvidence): Stretch[] {
  return timelines.flatMap((timeline) => {
    const { terminatingMs, sigtermMs } = timeline;
    if (terminatingMs === null || sigtermMs === null) return [];
    return [{ timeline, zeroMs: terminatingMs, fromMs: terminatingMs, toMs: sigtermMs, isStart: false }];
  });
}

/**
 * Pods that have exited, for as long as a node goes on leading connections to them: a kube-proxy that hangs does so for
 * longer than any usual propagation. It shows in losses without a gap, from the exit of the pod on.
 */
export function toLingering(
  losses: readonly Settlement[],
  { timelines, slackMs }: InferenceEvidence,
): Stretch[] {
  const attempts = losses
    .filter(({ sentMs }) => sentMs === null)
    .map(openedMsOf)
    .sort((a, b) => a - b);
  return timelines.flatMap((timeline) => {
    const { exit, terminatingMs, endpoint } = timeline;
    const removedMs = endpoint.at(-1)?.toMs ?? null;
    if (exit === null || terminatingMs === null || removedMs === null) return [];
    let lastMs = exit.atMs;
    for (const openedMs of attempts) {
      if (openedMs >= exit.atMs - slackMs && openedMs <= lastMs + GAP_MS) lastMs = Math.max(lastMs, openedMs);
    }
    const toMs = lastMs + 1;
    const fromMs = exit.atMs;
    return [
      { timeline, zeroMs: fromMs, fromMs, toMs, isStart: false, isEnd: true, reachMs: toMs - removedMs },
    ];
  });
}

/** What the suspects of losses are looked for in. */
export interface SuspectEvidence extends InferenceEvidence {
  /** Could the pod of this stretch have failed the request in it? */
  isEligible(loss: Settlement, stretch: Stretch): boolean;
}

/** Remembers who is eligible: each explanation asks again. */
export function toSuspectEvidence(evidence: InferenceEvidence): SuspectEvidence {
  const positions = new Map(evidence.losses.map(({ index }, position) => [index, position]));
  const known = new Map<Stretch, Int8Array>();
  return {
    ...evidence,
    isEligible(loss, stretch) {
      const answers = known.get(stretch) ?? new Int8Array(positions.size);
      known.set(stretch, answers);
      const position = positions.get(loss.index) ?? 0;
      // 0: not asked yet.
      if (answers[position] === 0) answers[position] = isEligible(loss, stretch, evidence) ? 1 : -1;
      return answers[position] === 1;
    },
  };
}

/** Could this pod have failed the request in this stretch of its timeline? */
function isEligible(
  loss: Settlement,
  { timeline, zeroMs, fromMs, toMs, isStart, isEnd = false, reachMs = MAX_PROPAGATION_MS }: Stretch,
  { slackMs, firstOkMs, successes, areRefusalsShown }: InferenceEvidence,
): boolean {
  const { pod, endpoint, exit, isProbed, nodeLostMs } = timeline;
  const { endMs, connection } = loss;
  if (isCleared(timeline, loss, areRefusalsShown)) return false;
  if (endMs < fromMs - (isStart ? Math.max(NEWS_MS, slackMs) : slackMs)) return false;
  if (sentMsOf(loss) >= toMs) return false;
  if (isStart) {
    // Its probe has connected to it.
    if (isProbed && loss.outcome === 'refused') return false;
    const okMs = firstOkMs(pod, loss.sentMs === null ? null : loss.endpoint);
    if (okMs !== null && okMs <= failedMsOf(loss)) return false;
  }
  if (isEnd && connection !== null && (successes.lastOkMs(connection.id) ?? endMs) > endMs) return false;
  const openedMs = openedMsOf(loss);
  // Nodes go on leading connections to it while they remember others that were never answered.
  const isLost = nodeLostMs !== null && zeroMs === nodeLostMs;
  const isLed = endpoint.some(
    (span) =>
      openedMs >= span.fromMs - Math.min(NEWS_MS, slackMs) &&
      (span.toMs === null || openedMs < span.toMs + reachMs),
  );
  if (!isLed && !isLost) return false;
  // A pod that has exited answers nothing: its connection would have been closed before.
  const answeredMs =
    isFreshConnection(loss) || connection === null ? null : sentMsOf(loss) - connection.idleMs;
  return answeredMs === null || exit === null || answeredMs <= exit.atMs + slackMs;
}

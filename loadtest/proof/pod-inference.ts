import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { countEndpoints, isWithin, type PodTimeline } from './timeline.ts';

/** What the pods of losses are inferred from, where neither responses nor addresses tell them. */
export interface Observed {
  readonly timelines: readonly PodTimeline[];
  /** Of unknown pods. */
  readonly losses: readonly Settlement[];
  readonly successes: Successes;
  /** Are pods known from other responses? */
  readonly isNamed: boolean;
  /** When the pod is known to have given its first ok response on this endpoint, or on any if that is null; null: never. */
  firstOkMs(pod: string, endpoint: number | null): number | null;
  /** When the disruption began; before it requests fail by chance. Infinity: it was skipped. */
  readonly beganMs: number;
  /** How far the timestamp of an event may lag behind the event. */
  readonly slackMs: number;
}

/** Ok responses by when their requests were sent. */
export interface Successes {
  readonly slotMs: number;
  count(slot: number, isFresh: boolean): number;
  /** When the last ok response came on this keep-alive connection; null: none came since its first. */
  lastOkMs(connectionId: number): number | null;
}

/** Requests that one fault fails alike. */
interface FailureClass {
  readonly isFresh: boolean;
  readonly how: 'cut' | 'status' | 'silent';
}

const CLASSES: readonly FailureClass[] = [true, false].flatMap((isFresh) =>
  (['cut', 'status', 'silent'] as const).map((how) => ({ isFresh, how })),
);
const CUT: readonly Outcome[] = ['refused', 'tls', 'reset', 'closed_before_response', 'truncated'];

/** The least share of requests that fail by a chance that no hypothesis tells. */
const MIN_CHANCE = 1e-4;
/** What is left free in a hypothesis costs as much: the more it can be bent, the more it has to explain. */
const FREEDOM = 4;
/** Successes that speak so much against a pod have ended its fault, as in the X-drop of sequence alignment. */
const DROP = 6;
/** Pods that fail everything let one request in so many through, nevertheless. */
const MAX_SHARE = 0.98;
/** Where no request speaks against it, a fault may have gone on for so many bins. */
const MAX_LASTING = 100;
/** A pod may have so many times the open connections of another. */
const MAX_SCALE = 4;
/** Losses that come later than this belong to something else. */
const LOST_CAUSE = 60;
/** Hypotheses that are less than e⁴ times as likely as the best are as good. */
const TIE = 4;
/** What too few pods fail is an average over all of that time: others fit parts of it better by chance. */
const FLEET_YIELDS_AT = 1.15;
/** How long a removed endpoint still gets new connections: from most nodes, from the slow ones, and at most. */
const PROPAGATION_MS = 1_000;
const PROPAGATION_TAIL_MS = 300;
const USUAL_PROPAGATION_MS = 2_000;
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
/** Who does not accept a connection says so within a round trip. */
const ACCEPTED_MS = 150;

/** What happens to a pod, or to the fleet as a whole, and may make it fail requests. */
export type SuspicionKind = 'start' | 'drain' | 'exit' | 'flap' | 'crash' | 'node' | 'fleet';

/** In which ways requests fail on that occasion; all of them, where nothing is said. */
const HOWS: Partial<Record<SuspicionKind, readonly FailureClass['how'][]>> = {
  exit: ['cut'],
  // Who has gone answers nothing.
  crash: ['cut', 'silent'],
  node: ['cut', 'silent'],
};

/** Who may have failed a loss, and on what occasion. */
export interface Suspect {
  /** Null: any pod, for all of them together were too few. */
  readonly pod: string | null;
  /** Null: the pod is the only one to which anything happened. */
  readonly kind: SuspicionKind | null;
}

/** A stretch of one pod's timeline, on a scale of its own: from the event that the kind is named after. */
interface Stretch {
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
interface Suspicion {
  readonly kind: SuspicionKind;
  readonly stretches: readonly Stretch[];
  /** Failing begins with the event. */
  readonly isFromZero: boolean;
  /** Failing lasts until so long after the event at least. */
  readonly throughMs: number;
}

/** What a hypothesis says: in this stretch of time after the event, the pods failed every request of the class. */
interface Hypothesis {
  readonly failureClass: FailureClass;
  readonly suspicion: Suspicion;
  /** Log-likelihood over chance, and what is left of it after what it costs to be free. */
  readonly fit: number;
  readonly score: number;
  /** In bins of time after the event, the last of each stretch included. */
  readonly from: number;
  readonly ends: readonly number[];
  /** The last bin in which it may still have lasted: no success speaks against it. */
  readonly lasting: number;
}

/**
 * Who may have failed each loss, by its index: one where it is known, several where they are as likely, none where
 * nobody is suspect. Judges all losses and all successes together: of n endpoints one gets every n-th new
 * connection, so a pod that fails them fails that share while its fault lasts, and none before and after. The smallest
 * set of hypotheses wins. Pure.
 */
export function inferSuspects(observed: Observed): Map<number, readonly Suspect[]> {
  const lastMs = observed.losses.reduce((last, { endMs }) => Math.max(last, endMs), 0);
  // Where there was no disruption, all of them are chance.
  const bounded = { ...observed, beganMs: Math.min(observed.beganMs, lastMs) };
  const evidence = { ...bounded, endpointsAt: createEndpointCount(bounded), thinSlots: toThinSlots(bounded) };
  const found = new Map<number, readonly Suspect[]>();
  const suspicions = toSuspicions(evidence);
  const kinds = new Map<FailureClass['how'], ReadonlySet<SuspicionKind>>();
  let left = evidence.losses;
  while (left.length > 0) {
    const explanations = [
      toFleetExplanation(left, evidence),
      ...suspicions.map((suspicion) => toExplanation(suspicion, left, evidence)),
    ].sort((a, b) => b.score - a.score);
    const [best] = explanations;
    if (best === undefined || best.score <= 0) break;
    const rivals = explanations.filter(({ fit }) => fit > 0 && fit > best.fit - TIE);
    const explainable = left.filter((loss) => best.findSuspects(loss).length > 0);
    if (explainable.length === 0) break;
    const contested = CLASSES.filter((failureClass) =>
      explanations.some(
        (other) => other.partOf(failureClass).fit > best.yieldsAt * best.partOf(failureClass).fit + TIE,
      ),
    );
    const uncontested = explainable.filter((loss) => !contested.some((each) => isOfClass(loss, each)));
    const explained = uncontested.length === 0 ? explainable : uncontested;
    for (const loss of explained) {
      const suspects = explanations
        .filter((each) => rivals.includes(each) || isRivalFor(each, best, loss))
        .flatMap((rival) => rival.findSuspects(loss));
      found.set(loss.index, suspects);
      const how = toHow(loss.outcome);
      kinds.set(how, new Set([...(kinds.get(how) ?? []), ...suspects.flatMap(({ kind }) => kind ?? [])]));
    }
    left = left.filter(({ index }) => !found.has(index));
  }
  // What no fault explains well may still have one suspect.
  const stretchesOf = (wanted: readonly SuspicionKind[]) =>
    suspicions.filter(({ kind }) => wanted.includes(kind)).flatMap(({ stretches }) => stretches);
  const changes = stretchesOf([
    'drain',
    'exit',
    'crash',
    'flap',
    ...(evidence.isNamed ? ['start' as const] : []),
  ]);
  const grounds = [
    // Most nodes have learned of a removal by then.
    changes.map((stretch) => ({ ...stretch, reachMs: USUAL_PROPAGATION_MS })),
    changes,
    stretchesOf(['node']),
    // Where responses name no pod, every new pod may be one that has never answered.
    stretchesOf(['start']),
    // A pod in its preStop serves on.
    toPreStops(evidence),
  ];
  for (const loss of left) {
    // Rather one more of what has been found than something new.
    const foundKinds = [...(kinds.get(toHow(loss.outcome)) ?? [])];
    const suspects = [stretchesOf(foundKinds), ...grounds]
      .map((stretches) => stretches.filter((stretch) => isEligible(loss, stretch, evidence)))
      .find((stretches) => stretches.length > 0);
    const pods = new Set(suspects?.map(({ timeline }) => timeline.pod));
    found.set(
      loss.index,
      [...pods].map((pod) => ({ pod, kind: null })),
    );
  }
  return found;
}

/** Is it as likely for the losses of this class alone? Open connections show too little for that. */
function isRivalFor(other: Explanation, best: Explanation, loss: Settlement): boolean {
  const own = CLASSES.find((failureClass) => isOfClass(loss, failureClass));
  if (own?.isFresh !== true) return false;
  const [rival, leader] = [other.partOf(own), best.partOf(own)];
  return rival.score > Math.max(0, leader.score - TIE) && rival.fit > leader.fit - TIE;
}

interface InferenceEvidence extends Observed {
  /** How many pods were endpoints around that time. */
  endpointsAt(atMs: number): number;
  /** Slots in which fewer pods were in service than before the disruption. */
  readonly thinSlots: ReadonlySet<number>;
}

function createEndpointCount({
  timelines,
  successes: { slotMs },
}: Observed): InferenceEvidence['endpointsAt'] {
  const counts = new Map<number, number>();
  return (atMs) => {
    const slot = Math.floor(atMs / slotMs);
    const known = counts.get(slot);
    if (known !== undefined) return known;
    const count = countEndpoints(timelines, atMs);
    counts.set(slot, count);
    return count;
  };
}

/** All that one suspicion explains: for each class of requests from when to when it failed them. */
interface Explanation {
  readonly fit: number;
  readonly score: number;
  /** For the losses of this class alone. */
  partOf(failureClass: FailureClass): Pick<Explanation, 'fit' | 'score'>;
  /** Who failed the loss if the explanation is true; empty: it does not explain it. */
  findSuspects(loss: Settlement): readonly Suspect[];
  /** Another explanation takes the losses of a class from it if its fit for those is so many times as good. */
  readonly yieldsAt: number;
}

const NOTHING = { fit: 0, score: 0 };
const NO_EXPLANATION: Explanation = {
  ...NOTHING,
  yieldsAt: 1,
  partOf: () => NOTHING,
  findSuspects: () => [],
};

/** Pods that were added to the endpoints and are not terminated: whether they are ready is their own affair. */
function countInService(timelines: readonly PodTimeline[], atMs: number): number {
  return timelines.filter(
    ({ endpoint: [first], terminatingMs, goneMs }) =>
      first !== undefined &&
      first.fromMs <= atMs &&
      atMs < (terminatingMs ?? goneMs ?? Number.POSITIVE_INFINITY),
  ).length;
}

function toThinSlots({ timelines, losses, successes, beganMs, slackMs }: Observed): Set<number> {
  const usual = countInService(timelines, beganMs - slackMs);
  const lastMs = losses.reduce((max, loss) => Math.max(max, sentMsOf(loss)), 0);
  const changes = timelines.flatMap(({ endpoint: [first], terminatingMs, goneMs }) => [
    first?.fromMs ?? lastMs,
    terminatingMs ?? goneMs ?? lastMs,
  ]);
  const borders = [beganMs, ...changes, lastMs]
    .filter((ms) => ms >= beganMs && ms <= lastMs)
    .sort((a, b) => a - b);
  const slots = new Set<number>();
  for (const [index, fromMs] of borders.entries()) {
    const toMs = borders[index + 1];
    if (toMs === undefined || countInService(timelines, fromMs) >= usual) continue;
    // Nodes learn of a new endpoint a while after it is there.
    const last = Math.floor((toMs + PROPAGATION_MS) / successes.slotMs);
    for (let slot = Math.floor(fromMs / successes.slotMs); slot <= last; slot += 1) slots.add(slot);
  }
  return slots;
}

/**
 * While fewer pods are in service than before the disruption, they fail some share of the requests: which one is free.
 */
function toFleetExplanation(losses: readonly Settlement[], evidence: InferenceEvidence): Explanation {
  const { successes, thinSlots } = evidence;
  const { slotMs, count } = successes;
  const isOverloaded = (loss: Settlement) =>
    toHow(loss.outcome) !== 'cut' && thinSlots.has(Math.floor(sentMsOf(loss) / slotMs));
  const overloaded = losses.filter(isOverloaded);
  if (overloaded.length === 0) return NO_EXPLANATION;
  const fits = CLASSES.map((failureClass) => {
    const failed = overloaded.filter((loss) => isOfClass(loss, failureClass)).length;
    if (failed === 0) return 0;
    const served = [...thinSlots].reduce((sum, slot) => sum + count(slot, failureClass.isFresh), 0);
    const share = failed / (failed + served);
    const chance = toChance(failureClass, evidence);
    const full =
      failed * Math.log((chance + share) / chance) + (served === 0 ? 0 : served * Math.log(1 - share));
    return full * toWeight(overloaded, failureClass);
  });
  const fit = fits.reduce((sum, each) => sum + each, 0);
  return {
    fit,
    // The share is free.
    score: fit - FREEDOM * fits.filter((each) => each > 0).length,
    yieldsAt: FLEET_YIELDS_AT,
    partOf: (failureClass) => {
      const part = fits[CLASSES.indexOf(failureClass)] ?? 0;
      return { fit: part, score: part - FREEDOM };
    },
    findSuspects: (loss) => (isOverloaded(loss) ? [{ pod: null, kind: 'fleet' }] : []),
  };
}

function toExplanation(
  suspicion: Suspicion,
  losses: readonly Settlement[],
  evidence: InferenceEvidence,
): Explanation {
  const classes = CLASSES.filter(({ how }) => HOWS[suspicion.kind]?.includes(how) ?? true);
  const toOwn = (isFresh: boolean, lastBin: number) =>
    classes
      .filter((failureClass) => failureClass.isFresh === isFresh)
      .map((failureClass) => {
        const own = losses.filter((loss) => isOfClass(loss, failureClass));
        return toHypothesis(suspicion, failureClass, own, lastBin, evidence);
      })
      .filter(({ score }) => score > 0);
  const fresh = toOwn(true, Number.POSITIVE_INFINITY);
  // A pod that is not up yet fails new connections first, and open ones for no longer than those.
  const isStart = suspicion.kind === 'start';
  if (isStart && fresh.length === 0) return NO_EXPLANATION;
  const lastKept = isStart ? Math.max(...fresh.map(({ lasting }) => lasting)) : Number.POSITIVE_INFINITY;
  const hypotheses = [...fresh, ...toOwn(false, lastKept)];
  return {
    fit: hypotheses.reduce((sum, { fit }) => sum + fit, 0),
    score: hypotheses.reduce((sum, { score }) => sum + score, 0),
    yieldsAt: 1,
    partOf: (failureClass) => hypotheses.find((each) => each.failureClass === failureClass) ?? NOTHING,
    findSuspects: (loss) => findSuspects(loss, hypotheses, evidence),
  };
}

function toSuspicions({ timelines, slackMs }: InferenceEvidence): Suspicion[] {
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
        fromMs: exit.atMs - NEWS_MS,
        toMs: exit.atMs + MAX_PROPAGATION_MS,
        isStart: false,
      },
    ];
  });
  const flaps = timelines.flatMap((timeline) =>
    timeline.ready.flatMap(({ toMs }, index) => {
      if (toMs === null || isTerminated(timeline, toMs)) return [];
      if (timeline.exit !== null && Math.abs(toMs - timeline.exit.atMs) <= SECOND_MS) return [];
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

function toPreStops({ timelines }: InferenceEvidence): Stretch[] {
  return timelines.flatMap((timeline) => {
    const { terminatingMs, sigtermMs } = timeline;
    if (terminatingMs === null || sigtermMs === null) return [];
    return [{ timeline, zeroMs: terminatingMs, fromMs: terminatingMs, toMs: sigtermMs, isStart: false }];
  });
}

/** One stretch, in bins of time after its event. */
interface Column {
  /** Losses that the pod may have failed, by bin. */
  readonly losses: ReadonlyMap<number, readonly Settlement[]>;
  /** The share of the requests of the class that the pod gets. */
  shareAt(bin: number): number;
  /** The slot of time of the bin, and the successes in it that speak against the pod. */
  slotAt(bin: number): number;
  successesAt(bin: number): number;
}

function toColumn(
  stretch: Stretch,
  failureClass: FailureClass,
  losses: readonly Settlement[],
  evidence: InferenceEvidence,
): Column {
  const { slotMs, count } = evidence.successes;
  const middleOf = (bin: number) => stretch.zeroMs + (bin + 0.5) * slotMs;
  const isIn = (atMs: number) => atMs >= stretch.fromMs - slotMs && atMs <= stretch.toMs;
  const shareAt = (bin: number) =>
    isIn(middleOf(bin)) ? toShare(stretch.timeline, middleOf(bin), failureClass, evidence) : 0;
  return {
    losses: groupByBin(losses, (loss) =>
      isEligible(loss, stretch, evidence) ? toBin(loss, stretch, evidence) : null,
    ),
    shareAt,
    slotAt: (bin) => Math.floor(middleOf(bin) / slotMs),
    successesAt: (bin) => {
      const atMs = middleOf(bin);
      if (!isIn(atMs) || isKnownSilent(stretch, atMs, evidence)) return 0;
      return count(Math.floor(atMs / slotMs), failureClass.isFresh);
    },
  };
}

/** The stretch in which the losses of the class speak most for these pods, and the successes least against them. */
function toHypothesis(
  suspicion: Suspicion,
  failureClass: FailureClass,
  losses: readonly Settlement[],
  lastBin: number,
  evidence: InferenceEvidence,
): Hypothesis {
  const { stretches, isFromZero, throughMs } = suspicion;
  const { slotMs } = evidence.successes;
  const nothing = { suspicion, failureClass, fit: 0, score: 0, from: 0, ends: [], lasting: 0 };
  const columns = stretches.map((stretch) => toColumn(stretch, failureClass, losses, evidence));
  const bins = [...new Set(columns.flatMap((column) => [...column.losses.keys()]))].sort((a, b) => a - b);
  const [first] = bins;
  if (first === undefined) return nothing;
  // Connections must have been opened to a pod before one of them can be used again.
  const isAnchored = isFromZero && failureClass.isFresh;
  const earliest = Math.min(first, 0);
  const late = Math.ceil(evidence.slackMs / slotMs);
  const beginnings = isAnchored
    ? Array.from({ length: late - earliest + 1 }, (_, index) => earliest + index)
    : sample(bins);
  // New connections fail until every node has learned that the endpoint is gone, which takes as long as it takes.
  const isEndFree = failureClass.isFresh && ['drain', 'exit', 'crash'].includes(suspicion.kind);
  const freedom = isAnchored ? 0 : FREEDOM;
  const limits = {
    last: Math.min(lastBin, bins.at(-1) ?? first),
    // What is cut on open connections is cut together: in one bin, or across its border.
    length: failureClass.how === 'cut' && !failureClass.isFresh ? 2 : Number.POSITIVE_INFINITY,
    through: Math.floor(throughMs / slotMs),
    chance: toChance(failureClass, evidence),
    isShareFree: !failureClass.isFresh,
  };
  const fitFrom = isEndFree ? fitEachEnd(columns, limits) : fitOneEnd(columns, limits);
  const weight = toWeight(losses, failureClass);
  const candidates = beginnings.map((from): Hypothesis => {
    const { fit: fullFit, ends } = fitFrom(from);
    const fit = weight * fullFit;
    const freeEnds = isEndFree ? ends.filter((end) => end >= from).length : 0;
    return { ...nothing, fit, score: fit - freedom - freeEnds, from, ends };
  });
  const bestScore = Math.max(...candidates.map(({ score }) => score));
  if (bestScore <= 0) return nothing;
  // Of those that are as good, the one that says least.
  const chosen = candidates.findLast(({ score }) => score > 0 && score > bestScore - weight * TIE) ?? nothing;
  return { ...chosen, lasting: toLasting(columns, Math.max(...chosen.ends)) };
}

/** The last bin in which the pods may still have failed: from then on successes speak against it. */
function toLasting(columns: readonly Column[], end: number): number {
  const explained = createExplained(1);
  let penalty = 0;
  for (let bin = end + 1; bin < end + MAX_LASTING; bin += 1) {
    for (const column of columns) penalty += explained.charge(column, bin);
    if (penalty < -TIE) return bin;
  }
  return end + MAX_LASTING;
}

/** Requests on one connection go to one pod, all of them: together they are one witness. */
function toWeight(losses: readonly Settlement[], failureClass: FailureClass): number {
  if (failureClass.isFresh) return 1;
  const own = losses.filter((loss) => isOfClass(loss, failureClass));
  return new Set(own.map(({ connection }) => connection?.id)).size / own.length;
}

interface Limits {
  /** The last bin with a loss. */
  readonly last: number;
  /** How many bins it may take. */
  readonly length: number;
  /** It lasts until then at least. */
  readonly through: number;
  readonly chance: number;
  readonly isShareFree: boolean;
}

interface Fit {
  readonly fit: number;
  /** The last bin of each column. */
  readonly ends: readonly number[];
}

/**
 * The pods fail from one time after their events to another. How many of the open connections lead to them is not
 * known, so their share of the requests on those is free.
 */
function fitOneEnd(columns: readonly Column[], { last, length, through, chance, isShareFree }: Limits) {
  return (from: number): Fit => {
    const explained = createExplained(chance);
    let [gain, penalty] = [0, 0];
    let best = { fit: 0, bin: from - 1 };
    for (let bin = from; bin <= Math.min(last, from + length - 1); bin += 1) {
      for (const column of columns) {
        gain += explained.add(column, bin);
        penalty += explained.charge(column, bin);
      }
      const fit = gain + (isShareFree ? toScaledFit(explained.count(), penalty) : penalty);
      if (fit > best.fit && bin >= through) best = { fit, bin };
      if (fit < best.fit - LOST_CAUSE && bin >= through) break;
    }
    return { fit: best.fit, ends: columns.map(() => best.bin) };
  };
}

/** What a share that is k times as large adds, at the k that fits best: each loss log k, and each success k times its penalty. */
function toScaledFit(losses: number, penalty: number): number {
  if (losses === 0 || penalty === 0) return penalty;
  const k = Math.min(MAX_SCALE, Math.max(1 / MAX_SCALE, losses / -penalty));
  return losses * Math.log(k) + k * penalty;
}

/** The pods begin to fail at one time after their events, and each ends in its own time. */
function fitEachEnd(columns: readonly Column[], { last, chance }: Limits) {
  return (from: number): Fit => {
    const explained = createExplained(chance);
    let total = 0;
    const ends = columns.map((column) => {
      if (column.losses.size === 0) return from - 1;
      const tried = explained.branch();
      let fit = 0;
      let best = { fit: 0, bin: from - 1 };
      for (let bin = from; bin <= last; bin += 1) {
        fit += tried.add(column, bin) + tried.charge(column, bin);
        if (fit > best.fit) best = { fit, bin };
        // What follows so many successes is another pod's.
        if (fit < best.fit - DROP) break;
      }
      for (let bin = from; bin <= best.bin; bin += 1) {
        explained.add(column, bin);
        explained.charge(column, bin);
      }
      total += best.fit;
      return best.bin;
    });
    return { fit: total, ends };
  };
}

/** What is explained so far: a loss that two pods may have failed counts once. */
interface Explained {
  /** Returns the log-likelihood that the losses of this bin add. */
  add(column: Column, bin: number): number;
  /** Returns what the successes of this bin cost, at most 0: the pods together would have failed more of them. */
  charge(column: Column, bin: number): number;
  /** How many losses are explained. */
  count(): number;
  /** To try something out: changes nothing here. */
  branch(): Explained;
}

type Shares = ReadonlyMap<number, number>;

function createExplained(
  chance: number,
  below: { readonly losses: Shares; readonly slots: Shares } = { losses: new Map(), slots: new Map() },
): Explained {
  const losses = new Map<number, number>();
  const slots = new Map<number, number>();
  return {
    add(column, bin) {
      const own = column.losses.get(bin);
      if (own === undefined) return 0;
      const share = column.shareAt(bin);
      let gain = 0;
      for (const { index } of own) {
        const before = losses.get(index) ?? below.losses.get(index) ?? chance;
        losses.set(index, before + share);
        gain += Math.log((before + share) / before);
      }
      return gain;
    },
    charge(column, bin) {
      const successes = column.successesAt(bin);
      const share = column.shareAt(bin);
      if (successes === 0 || share === 0) return 0;
      const slot = column.slotAt(bin);
      const before = slots.get(slot) ?? below.slots.get(slot) ?? 0;
      const after = Math.min(MAX_SHARE, before + share);
      slots.set(slot, after);
      return successes * Math.log((1 - after) / (1 - before));
    },
    count: () => losses.size,
    branch: () => createExplained(chance, { losses, slots }),
  };
}

/** Responses name their pods, and none of this new one had come by then: no success speaks against it. */
function isKnownSilent({ timeline, isStart }: Stretch, atMs: number, evidence: InferenceEvidence): boolean {
  if (!isStart || !evidence.isNamed) return false;
  const okMs = evidence.firstOkMs(timeline.pod, null);
  return okMs === null || okMs > atMs;
}

/** The share of the requests of the class that failed before anything happened to a pod. */
function toChance(failureClass: FailureClass, { losses, successes, beganMs }: InferenceEvidence): number {
  let requests = 0;
  for (let slot = 0; (slot + 1) * successes.slotMs <= beganMs; slot += 1) {
    requests += successes.count(slot, failureClass.isFresh);
  }
  const failed = losses.filter((loss) => isOfClass(loss, failureClass) && loss.endMs < beganMs).length;
  return Math.max(MIN_CHANCE, failed / Math.max(1, requests + failed));
}

/** Many beginnings cost time, and the best is near one of these. */
const MAX_BEGINNINGS = 60;

function sample(sorted: readonly number[]): number[] {
  const step = Math.ceil(sorted.length / MAX_BEGINNINGS);
  return sorted.filter((_, index) => index % step === 0);
}

function groupByBin(
  losses: readonly Settlement[],
  toKey: (loss: Settlement) => number | null,
): Map<number, Settlement[]> {
  const groups = new Map<number, Settlement[]>();
  for (const loss of losses) {
    const key = toKey(loss);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [loss]);
    else group.push(loss);
  }
  return groups;
}

/** The bin of time after the event in which the request was failed: a cut when it was cut, all else when it was sent. */
function toBin(loss: Settlement, { zeroMs }: Stretch, { successes }: InferenceEvidence): number {
  const isCut = loss.sentMs !== null && toHow(loss.outcome) === 'cut';
  const atMs = isCut ? loss.endMs : sentMsOf(loss);
  return Math.floor((atMs - zeroMs) / successes.slotMs);
}

function findSuspects(
  loss: Settlement,
  hypotheses: readonly Hypothesis[],
  evidence: InferenceEvidence,
): Suspect[] {
  const found = hypotheses
    .filter(({ failureClass }) => isOfClass(loss, failureClass))
    .flatMap(({ suspicion: { kind, stretches }, from, ends }) =>
      stretches
        .filter((stretch, index) => {
          const bin = toBin(loss, stretch, evidence);
          return bin >= from && bin <= (ends[index] ?? -1) && isEligible(loss, stretch, evidence);
        })
        .map(({ timeline: { pod } }) => ({ pod, kind })),
    );
  // Two stretches of one pod, such as two flaps, may explain it.
  return found.filter(({ pod }, index) => found.findIndex((other) => other.pod === pod) === index);
}

/** The share of the requests of the class that the pod gets at that time. */
function toShare(
  { endpoint }: PodTimeline,
  atMs: number,
  { isFresh }: FailureClass,
  { endpointsAt }: InferenceEvidence,
): number {
  const own = isWithin(endpoint, atMs);
  const share = 1 / (endpointsAt(atMs) + (own ? 0 : 1));
  // New connections reach it for a while after its removal, from ever fewer nodes; open ones stay where they are.
  const removedMs = endpoint.findLast(({ toMs }) => toMs !== null && toMs <= atMs)?.toMs ?? null;
  if (isFresh && removedMs !== null && !own) {
    return share * Math.min(1, Math.exp((PROPAGATION_MS - (atMs - removedMs)) / PROPAGATION_TAIL_MS));
  }
  return Math.min(0.9, isFresh ? share : share / 2);
}

/** Could this pod have failed the request in this stretch of its timeline? */
function isEligible(
  loss: Settlement,
  {
    timeline: { pod, endpoint, exit, isProbed, nodeLostMs },
    zeroMs,
    fromMs,
    toMs,
    isStart,
    isEnd = false,
    reachMs = MAX_PROPAGATION_MS,
  }: Stretch,
  { slackMs, firstOkMs, successes }: InferenceEvidence,
): boolean {
  if (isStart) {
    // Its probe has connected to it.
    if (isProbed && loss.outcome === 'refused') return false;
    const okMs = firstOkMs(pod, loss.sentMs === null ? null : loss.endpoint);
    if (okMs !== null && okMs <= loss.endMs) return false;
  }
  const { endMs, connection } = loss;
  if (isEnd && connection !== null && (successes.lastOkMs(connection.id) ?? endMs) > endMs) return false;
  if (endMs < fromMs - (isStart ? Math.max(NEWS_MS, slackMs) : slackMs) || (loss.sentMs ?? endMs) >= toMs)
    return false;
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

function isOfClass(loss: Settlement, { isFresh, how }: FailureClass): boolean {
  return isFreshConnection(loss) === isFresh && toHow(loss.outcome) === how;
}

/** A proxy that got no response from a pod says so by these; its own connection to the pod is taken for a fresh one. */
const BAD_GATEWAY: readonly Outcome[] = ['http_502', 'http_504'];

function toHow(outcome: Outcome): FailureClass['how'] {
  if (BAD_GATEWAY.includes(outcome)) return outcome === 'http_502' ? 'cut' : 'silent';
  if (outcome.startsWith('http_')) return 'status';
  return CUT.includes(outcome) || outcome === 'connect_timeout' ? 'cut' : 'silent';
}

/** A pod that has accepted a connection, and holds a request for a while, cuts it as it does the ones it knows. */
function isFreshConnection({ connection, outcome, sentMs, endMs }: Settlement): boolean {
  if (BAD_GATEWAY.includes(outcome)) return true;
  const isAccepted = sentMs !== null && toHow(outcome) === 'cut' && endMs - sentMs > ACCEPTED_MS;
  return connection?.reused !== true && !isAccepted;
}

function sentMsOf({ sentMs, connection, endMs }: Settlement): number {
  return sentMs ?? (connection === null ? endMs : endMs - connection.setupMs);
}

/** When its connection was opened, or began to be. */
function openedMsOf(loss: Settlement): number {
  const sentMs = sentMsOf(loss);
  return isFreshConnection(loss) || loss.connection === null ? sentMs : sentMs - loss.connection.ageMs;
}

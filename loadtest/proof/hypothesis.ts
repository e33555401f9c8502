import type { Settlement } from '../engine/settlement.ts';
import { type FailureClass, failedMsOf, isOfClass } from './failure-class.ts';
import { type InferenceEvidence, PROPAGATION_MS } from './inference-evidence.ts';
import type { Stretch, SuspectEvidence, Suspicion } from './suspicion.ts';
import { isWithin, type PodTimeline } from './timeline.ts';

/** What is left free in a hypothesis costs as much: the more it can be bent, the more it has to explain. */
export const FREEDOM = 4;

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
export const TIE = 4;

/** And the slow ones take so much longer. */
const PROPAGATION_TAIL_MS = 300;

/** What a hypothesis says: in this stretch of time after the event, the pods failed every request of the class. */
export interface Hypothesis {
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

/** The stretch in which the losses of the class speak most for these pods, and the successes least against them. */
export function toHypothesis(
  suspicion: Suspicion,
  failureClass: FailureClass,
  losses: readonly Settlement[],
  lastBin: number,
  evidence: SuspectEvidence,
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
    chance: evidence.chanceOf(failureClass),
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
export function toWeight(losses: readonly Settlement[], failureClass: FailureClass): number {
  if (failureClass.isFresh) return 1;
  const own = losses.filter((loss) => isOfClass(loss, failureClass));
  return new Set(own.map(({ connection }) => connection?.id)).size / own.length;
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
  evidence: SuspectEvidence,
): Column {
  const { slotMs, count } = evidence.successes;
  const middleOf = (bin: number) => stretch.zeroMs + (bin + 0.5) * slotMs;
  const isIn = (atMs: number) => atMs >= stretch.fromMs - slotMs && atMs <= stretch.toMs;
  const shareAt = (bin: number) =>
    isIn(middleOf(bin)) ? toShare(stretch.timeline, middleOf(bin), failureClass, evidence) : 0;
  return {
    losses: groupByBin(losses, (loss) =>
      evidence.isEligible(loss, stretch) ? toBin(loss, stretch, evidence) : null,
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

/** Responses name their pods, and none of this new one had come by then: no success speaks against it. */
function isKnownSilent({ timeline, isStart }: Stretch, atMs: number, evidence: InferenceEvidence): boolean {
  if (!isStart || !evidence.isNamed) return false;
  const okMs = evidence.firstOkMs(timeline.pod, null);
  return okMs === null || okMs > atMs;
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

/** The bin of time after the event in which the request was failed. */
export function toBin(loss: Settlement, { zeroMs }: Stretch, { successes }: InferenceEvidence): number {
  return Math.floor((failedMsOf(loss) - zeroMs) / successes.slotMs);
}

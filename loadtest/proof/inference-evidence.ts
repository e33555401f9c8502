import type { Settlement } from '../engine/settlement.ts';
import { showsRefusals } from './direct-times.ts';
import { CLASSES, type FailureClass, isOfClass, sentMsOf } from './failure-class.ts';
import { countEndpoints, type PodTimeline } from './timeline.ts';

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

/** The least share of requests that fail by a chance that no hypothesis tells. */
export const MIN_CHANCE = 1e-4;

/** Most nodes have learned of a change of the endpoints by then. */
export const PROPAGATION_MS = 1_000;

export interface InferenceEvidence extends Observed {
  /** Did a pod's refusal reach the load as one? */
  readonly areRefusalsShown: boolean;
  /** How many pods were endpoints around that time. */
  endpointsAt(atMs: number): number;
  /** Slots in which fewer pods were in service than before the disruption. */
  readonly thinSlots: ReadonlySet<number>;
  /** The share of the requests of the class that failed before anything happened to a pod. */
  chanceOf(failureClass: FailureClass): number;
}

export function toInferenceEvidence(observed: Observed): InferenceEvidence {
  const lastMs = observed.losses.reduce((last, { endMs }) => Math.max(last, endMs), 0);
  // Where there was no disruption, all of them are chance.
  const bounded = { ...observed, beganMs: Math.min(observed.beganMs, lastMs) };
  const chances = new Map(CLASSES.map((failureClass) => [failureClass, toChance(failureClass, bounded)]));
  return {
    ...bounded,
    areRefusalsShown: showsRefusals(observed.losses),
    endpointsAt: createEndpointCount(bounded),
    thinSlots: toThinSlots(bounded),
    chanceOf: (failureClass) => chances.get(failureClass) ?? MIN_CHANCE,
  };
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

function toChance(failureClass: FailureClass, { losses, successes, beganMs }: Observed): number {
  let requests = 0;
  for (let slot = 0; (slot + 1) * successes.slotMs <= beganMs; slot += 1) {
    requests += successes.count(slot, failureClass.isFresh);
  }
  const failed = losses.filter((loss) => isOfClass(loss, failureClass) && loss.endMs < beganMs).length;
  return Math.max(MIN_CHANCE, failed / Math.max(1, requests + failed));
}

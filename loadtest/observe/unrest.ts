import { isWithin, type PodTimeline } from '../proof/timeline.ts';

/** What the end of a replacement is told from. Times are on one clock. */
export interface RestEvidence {
  readonly timelines: readonly PodTimeline[];
  /** Pods that the workload is to have; null: not known. */
  readonly wanted: number | null;
  /** Has this pod given an ok response? */
  hasAnswered(pod: string): boolean;
  /** Do responses or connections tell pods at all? */
  readonly isNamed: boolean;
  readonly nowMs: number;
}

/** A new endpoint that has answered nothing by then will be told of in the verdict. */
const MAX_UNANSWERED_MS = 30_000;

/** Why the replacement is not over yet; null: it is. Pure. */
export function findUnrest(evidence: RestEvidence): string | null {
  const { timelines, wanted, nowMs } = evidence;
  // What is on a lost node is not heard of any more.
  const there = timelines.filter(({ goneMs, scheduledMs }) => goneMs === null && scheduledMs !== null);
  const lost = there.filter(isLost);
  const live = there.filter((timeline) => !isLost(timeline));
  const terminating = live.filter(({ terminatingMs }) => terminatingMs !== null);
  if (terminating.length > 0) return `terminating: ${toNames(terminating)}`;
  const unready = live.filter(({ ready }) => !isWithin(ready, nowMs));
  if (unready.length > 0) return `not ready: ${toNames(unready)}`;
  // Kubernetes gives a node minutes to come back before others take the place of its pods.
  const count = live.length + lost.filter(({ terminatingMs }) => terminatingMs === null).length;
  if (wanted !== null && count !== wanted) return `${count} pods of ${wanted} wanted`;
  const unanswered = evidence.isNamed ? live.filter((timeline) => isUnanswered(timeline, evidence)) : [];
  return unanswered.length === 0 ? null : `no response yet from ${toNames(unanswered)}`;
}

function isLost({ nodeLostMs, ready }: PodTimeline): boolean {
  return nodeLostMs !== null && !ready.some(({ fromMs }) => fromMs > nodeLostMs);
}

function isUnanswered({ pod, endpoint }: PodTimeline, { hasAnswered, nowMs }: RestEvidence): boolean {
  const sinceMs = endpoint.findLast(({ toMs }) => toMs === null)?.fromMs;
  return sinceMs !== undefined && nowMs - sinceMs < MAX_UNANSWERED_MS && !hasAnswered(pod);
}

function toNames(timelines: readonly PodTimeline[]): string {
  return timelines.map(({ pod }) => pod).join(', ');
}

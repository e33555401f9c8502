import type { PodEvent } from '../proof/timeline.ts';
import { findCondition, isReady, isTerminating } from './conditions.ts';
import { findNamed } from './container.ts';
import type { Field } from './field.ts';
import { toPreStop, untilSigtermMs } from './pre-stop.ts';
import { isProbed } from './probe.ts';
import { WORKLOADS } from './workload-kind.ts';

/** What was told of a pod so far, so that only changes are told. */
export interface ToldPod {
  readonly isStarted: boolean;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** It has ended for good, though it is still there as an object. */
  readonly isEnded: boolean;
  /** Has it been told why it is to be terminated? */
  readonly isDisrupted: boolean;
  /** The container that was told to have ended, by its id. */
  readonly ended: string | null;
  /** Null: it was not told to be scheduled. */
  readonly node: string | null;
}

/** Phases of a pod whose containers have all ended, and are not started again. */
const ENDED_PHASES = ['Succeeded', 'Failed'];

/** Where the traffic of a pod goes. */
export interface TrafficTarget {
  /** Whose exit is the pod's, when a pod has several containers; null: its first. */
  readonly container: string | null;
  /** As a number or by its name; null: not known. */
  readonly port: number | string | null;
}

/** A step of a pod, before it has a pod and a time. */
type PodStep = PodEvent extends infer E ? (E extends PodEvent ? Omit<E, 'atMs' | 'pod'> : never) : never;

interface PodChanges {
  /** What has been told when the steps are. */
  readonly told: ToldPod;
  /** In the order in which they are to be told. */
  readonly steps: readonly PodStep[];
}

/**
 * What is new in a pod since it was told last.
 * @param before null: nobody has looked at it yet
 */
export function toPodChanges(
  before: ToldPod | null,
  pod: Field,
  { container, port }: TrafficTarget,
): PodChanges {
  const own = findNamed(pod.get('spec', 'containers'), container);
  const status = findNamed(pod.get('status', 'containerStatuses'), container);
  const end = findEnd(status);
  const disruption = findCondition(pod, 'DisruptionTarget');
  const told: ToldPod = {
    node: before?.node ?? pod.get('spec', 'nodeName').text() ?? null,
    isStarted: before?.isStarted || status.get('state', 'running').exists,
    isTerminating: before?.isTerminating || isTerminating(pod),
    isReady: isReady(pod),
    isEnded: before?.isEnded || hasEnded(pod),
    isDisrupted: before?.isDisrupted || isDisrupted(disruption),
    ended: end?.id ?? before?.ended ?? null,
  };
  const steps: PodStep[] = [];
  if (told.node !== (before?.node ?? null)) {
    steps.push({
      kind: 'scheduled',
      version: toTemplateHash(pod),
      node: told.node,
      isProbed: isProbed(own, port),
    });
  }
  if (told.isStarted && !before?.isStarted) steps.push({ kind: 'started' });
  if (told.isDisrupted && !before?.isDisrupted) {
    steps.push({ kind: 'disrupted', reason: disruption?.get('reason').text() ?? '' });
  }
  if (told.isTerminating && !before?.isTerminating) {
    const graceMs = 1_000 * (pod.get('metadata', 'deletionGracePeriodSeconds').number() ?? 0);
    steps.push({ kind: 'terminating', graceMs, preStopMs: untilSigtermMs(toPreStop(own), graceMs) });
  }
  const wasReady = before?.isReady ?? false;
  if (wasReady && !told.isReady) steps.push({ kind: 'unready' });
  // What ended before anyone looked is no news.
  const isNews = end !== null && end.id !== before?.ended && (before !== null || end.isNow);
  if (isNews) {
    const { code, isOomKilled } = end;
    steps.push({ kind: 'exited', code, signal: null, ...(isOomKilled ? { isOomKilled } : {}) });
  }
  // One that ended and runs again may be ready again by the time it is told.
  if (told.isReady && (!wasReady || (isNews && !end.isNow))) steps.push({ kind: 'ready' });
  if (told.isEnded && !before?.isEnded) steps.push({ kind: 'gone' });
  return { told, steps };
}

/** Has it ended for good, though it is still there? One that is being deleted ends, too, and goes in its own time. */
export function hasEnded(pod: Field): boolean {
  return ENDED_PHASES.includes(pod.get('status', 'phase').text() ?? '') && !isTerminating(pod);
}

/** https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
function isDisrupted(condition: Field | undefined): boolean {
  return condition?.get('status').text() === 'True';
}

/** The last end of a container; null: it has not ended. One that ended and runs again shows its end in `lastState`. */
function findEnd(status: Field) {
  const now = status.get('state', 'terminated');
  const ended = now.exists ? now : status.get('lastState', 'terminated');
  if (!ended.exists) return null;
  const id = ended.get('containerID').text() ?? '';
  return {
    id,
    code: ended.get('exitCode').number() ?? null,
    isOomKilled: ended.get('reason').text() === 'OOMKilled',
    isNow: now.exists,
  };
}

const VERSION_LABELS = [...new Set(Object.values(WORKLOADS).map(({ versionLabel }) => versionLabel))];

/** Pods of one template share this hash: old and new pods of a rollout differ in it. */
function toTemplateHash(pod: Field): string | null {
  const labels = pod.get('metadata', 'labels').texts();
  return VERSION_LABELS.map((label) => labels.get(label)).find((hash) => hash !== undefined) ?? null;
}

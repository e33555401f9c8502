import type { Clock } from '../cli/clock.ts';
import { formatDuration } from '../cli/duration.ts';
import type { Pod, PodTemplate } from './pod.ts';

/**
 * Times out if the number of available pods does not grow in time, as `progressDeadlineSeconds` of a Deployment
 * does.
 */
export interface RolloutProgress {
  /** The fleet was disrupted: counting starts again. */
  begin(): void;
  /** Reports how many of the wanted pods are available now. */
  see(available: number, wanted: number): void;
  close(): void;
}

export function createRolloutProgress(
  deadlineMs: number,
  clock: Clock,
  onStall: () => void,
): RolloutProgress {
  /** The most that were available since it began; -1: none were counted yet. */
  let most = -1;
  /** Calls off the deadline; null: none is set. */
  let deadline: AbortController | null = null;

  function callOff(): void {
    deadline?.abort();
    deadline = null;
  }

  function set(): void {
    deadline = new AbortController();
    const { signal } = deadline;
    void clock.pause(deadlineMs, signal).then(() => {
      if (!signal.aborted) onStall();
    });
  }

  return {
    begin() {
      most = -1;
    },
    see(available, wanted) {
      if (available <= most && available < wanted && deadline !== null) return;
      callOff();
      most = available;
      if (available < wanted) set();
    },
    close: callOff,
  };
}

/** Why a pod is not available, in words; undefined: there is no such pod. */
export function explainLateness(
  late: Pick<Pod, 'readyMs' | 'seen'> | undefined,
  readiness: PodTemplate['readiness'],
  minReadyMs: number,
): string {
  if (late !== undefined && late.readyMs !== null) {
    return `it becomes ready, but stays so for less than ${formatDuration(minReadyMs)}`;
  }
  if (readiness === null) return 'it does not keep running';
  return `the last probe of ${readiness.path} saw ${late?.seen ?? 'nothing'}`;
}

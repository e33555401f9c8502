import { formatCount, formatMs } from '../cli/format.ts';
import { createTerminalLine } from '../cli/terminal-line.ts';
import type { TextOutput } from '../cli/world.ts';
import { countOutcomes } from '../load/record.ts';
import type { Snapshot } from '../load/recorder.ts';

interface Extent {
  /** Requests planned; null: only the clock ends the run. */
  readonly requests: number | null;
  readonly durationMs: number;
}

export interface LiveLine {
  show(snapshot: Snapshot): void;
  /** Clears the line for what is printed next. */
  clear(): void;
}

/** How far a run has come, on a terminal. */
export function createLiveLine(
  output: TextOutput,
  extent: Extent,
  env: Readonly<Record<string, string | undefined>>,
): LiveLine {
  const line = createTerminalLine(output, env);
  let beforeMs = 0;
  return {
    show(snapshot) {
      line.show(formatSnapshot(snapshot, beforeMs, extent), countOutcomes(snapshot.outcomes).lost > 0);
      beforeMs = snapshot.elapsedMs;
    },
    clear: line.clear,
  };
}

/** @param beforeMs time of the previous snapshot, from which the recent figures count */
function formatSnapshot(snapshot: Snapshot, beforeMs: number, extent: Extent): string {
  const { elapsedMs, outcomes, recentSettled, recentP99Ms } = snapshot;
  const { total: settled, notOk, lost } = countOutcomes(outcomes);
  const byTime = elapsedMs / extent.durationMs;
  const done = Math.min(1, extent.requests === null ? byTime : settled / Math.max(1, extent.requests));
  const rate = (1_000 * recentSettled) / Math.max(1, elapsedMs - beforeMs);
  return [
    `${String(Math.floor(100 * done)).padStart(3)}%`,
    `${formatCount(settled)}${extent.requests === null ? '' : ` of ${formatCount(extent.requests)}`} requests`,
    `${formatCount(rate)}/s`,
    `p99 ${formatMs(recentP99Ms)}`,
    `lost ${formatCount(lost)}`,
    ...(notOk > lost ? [`other not ok ${formatCount(notOk - lost)}`] : []),
  ].join('  ');
}

import { formatCount, formatMs } from './format.ts';
import type { Snapshot } from './recorder.ts';
import type { TextOutput } from './world.ts';

interface Extent {
  /** Requests planned; null: only the clock ends the run. */
  readonly requests: number | null;
  readonly durationMs: number;
}

export interface LiveLine {
  show(snapshot: Snapshot): void;
  /** Leaves the line empty for what comes next. */
  clear(): void;
}

const CLEAR = '\r\x1b[2K';
const RED = '\x1b[31m';
const GREEN = '\x1b[32m';
const PLAIN = '\x1b[0m';

/** One line that is written over and over, on a terminal; nothing elsewhere. */
export function createLiveLine(
  output: TextOutput,
  extent: Extent,
  env: Readonly<Record<string, string | undefined>>,
): LiveLine {
  if (!output.isTerminal) return { show: () => {}, clear: () => {} };
  // https://no-color.org: any value but an empty one.
  const hasColour = (env.NO_COLOR ?? '') === '';
  let beforeMs = 0;
  return {
    show(snapshot) {
      const text = formatSnapshot(snapshot, beforeMs, extent).slice(0, output.columns - 1);
      beforeMs = snapshot.elapsedMs;
      const colour = snapshot.lost > 0 ? RED : GREEN;
      output.write(hasColour ? `${CLEAR}${colour}${text}${PLAIN}` : `${CLEAR}${text}`);
    },
    clear: () => output.write(CLEAR),
  };
}

/** @param beforeMs time of the snapshot before, from which on the recent figures count */
function formatSnapshot(snapshot: Snapshot, beforeMs: number, extent: Extent): string {
  const { elapsedMs, settled, notOk, lost, recentSettled, recentP99Ms } = snapshot;
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

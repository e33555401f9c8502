import { formatCount } from '../cli/format.ts';
import { createTerminalLine } from '../cli/terminal-line.ts';
import type { TextOutput } from '../cli/world.ts';
import type { Mark } from './scene.ts';

/** How far a proof has come. Times are ms since the load began. */
export interface Progress {
  readonly elapsedMs: number;
  readonly settled: number;
  readonly lost: number;
  /** All so far. */
  readonly marks: readonly Mark[];
}

export interface ProgressLog {
  show(progress: Progress): void;
  /** Prints a line of its own, also before and after the load. */
  tell(step: string): void;
  /** Leaves the output ready for what is printed next. */
  end(): void;
}

/** Prints each mark once, as a line, and on a terminal the state of the load below the marks. */
export function createProgressLog(
  output: TextOutput,
  env: Readonly<Record<string, string | undefined>>,
): ProgressLog {
  const line = createTerminalLine(output, env);
  let toldUntilMs = Number.NEGATIVE_INFINITY;
  return {
    show({ elapsedMs, settled, lost, marks }) {
      const news = marks.filter(({ atMs }) => atMs > toldUntilMs);
      if (news.length > 0) line.clear();
      for (const { atMs, text } of news) output.write(`${toSeconds(atMs).padStart(8)} s  ${text}\n`);
      toldUntilMs = Math.max(toldUntilMs, ...news.map(({ atMs }) => atMs));
      line.show(
        `${toSeconds(elapsedMs).padStart(8)} s  ${formatCount(settled)} requests  lost ${formatCount(lost)}`,
        lost > 0,
      );
    },
    tell(step) {
      line.clear();
      output.write(`${step}\n`);
    },
    end: line.clear,
  };
}

function toSeconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

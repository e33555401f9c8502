import type { TextOutput } from './world.ts';

/** One line that is rewritten in place, on a terminal only. */
export interface TerminalLine {
  /** Cut to the terminal's width; red if it reports something bad, else green. */
  show(text: string, isBad: boolean): void;
  /** Clears the line for what is printed next. */
  clear(): void;
}

const CLEAR = '\r\x1b[2K';
const RED = '\x1b[31m';
const GREEN = '\x1b[32m';
const PLAIN = '\x1b[0m';

export function createTerminalLine(
  output: TextOutput,
  env: Readonly<Record<string, string | undefined>>,
): TerminalLine {
  if (!output.isTerminal) return { show: () => {}, clear: () => {} };
  // https://no-color.org: any value but an empty one.
  const hasColour = (env.NO_COLOR ?? '') === '';
  return {
    show(text, isBad) {
      const shown = text.slice(0, output.columns - 1);
      output.write(hasColour ? `${CLEAR}${isBad ? RED : GREEN}${shown}${PLAIN}` : `${CLEAR}${shown}`);
    },
    clear: () => output.write(CLEAR),
  };
}

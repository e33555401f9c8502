import { numberAt, parseJson, textAt } from '../kube/json.ts';

/** Where a text of the command goes, here as there. */
export type RunnerStream = 'stdout' | 'stderr';

/** One line of a runner's log: what the command wrote. Numbered from 0, so that a gap shows. */
export interface RunnerMessage {
  readonly number: number;
  readonly stream: RunnerStream;
  readonly text: string;
}

export function formatRunnerMessage({ number, stream, text }: RunnerMessage): string {
  return `${JSON.stringify({ number, [stream]: text })}\n`;
}

/** Null: the line is none, for example the last words of a runtime that crashed. */
export function parseRunnerMessage(line: string): RunnerMessage | null {
  const parsed = parseJson(line);
  const number = numberAt(parsed, 'number');
  if (number === null) return null;
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = textAt(parsed, stream);
    if (text !== null) return { number, stream, text };
  }
  return null;
}

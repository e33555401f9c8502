import { numberAt, parseJson, textAt } from '../kube/json.ts';

/**
 * Where a text of the command goes, here as there: an output, or, as `report:FLAG`, the end of the report that this
 * flag asked for.
 */
export type RunnerStream = 'stdout' | 'stderr' | `report:${string}`;

/** One line of a runner's log: what the command wrote. Numbered from 0, so that a gap shows. */
export interface RunnerMessage {
  readonly number: number;
  readonly stream: RunnerStream;
  readonly text: string;
}

export function formatRunnerMessage(message: RunnerMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Null: the line is none, for example the last words of a runtime that crashed. */
export function parseRunnerMessage(line: string): RunnerMessage | null {
  const parsed = parseJson(line);
  const number = numberAt(parsed, 'number');
  const stream = textAt(parsed, 'stream');
  const text = textAt(parsed, 'text');
  return number === null || text === null || !isRunnerStream(stream) ? null : { number, stream, text };
}

function isRunnerStream(word: string | null): word is RunnerStream {
  return word === 'stdout' || word === 'stderr' || word?.startsWith('report:') === true;
}

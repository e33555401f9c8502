import type { IncomingMessage } from 'node:http';

const MAX_LINE_CHARS = 8_000_000;

/**
 * All of the body as text, which may take its time as long as it comes.
 * @param onStall told of a silence of `timeoutMs`, before the response is cut
 */
export async function readText(
  response: IncomingMessage,
  timeoutMs: number,
  onStall: (error: Error) => void,
): Promise<string> {
  const stalled = setTimeout(() => {
    onStall(new Error(`the response stopped for ${timeoutMs / 1_000} s`));
    response.destroy();
  }, timeoutMs);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of response) {
      stalled.refresh();
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    clearTimeout(stalled);
  }
}

/** Hands over each line as it comes, without the blank ones. What follows the last line break is none. */
export function readLines(
  response: IncomingMessage,
  onLine: (line: string) => void,
  onEnd: () => void,
): void {
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARS) response.destroy(new Error('a line without end'));
    for (const line of lines) if (line.trim() !== '') onLine(line);
  });
  response.on('end', onEnd);
}

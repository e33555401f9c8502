import type { Clock } from '../cli/clock.ts';
import type { Api } from '../kube/api.ts';
import { parseRunnerMessage, type RunnerMessage } from './runner-message.ts';
import { RUNNER_CONTAINER } from './runner-objects.ts';

interface LogHooks {
  /** Each message once, in order. */
  onMessage(message: RunnerMessage): void;
  /** A line that is no message. */
  onText(text: string): void;
  readonly clock: Clock;
  /** Ends it at once. */
  readonly stopped: AbortSignal;
}

interface LogFollower {
  /** Has it shown a message yet? */
  hasSpoken(): boolean;
  /** Resolves when the log has been read to its end, which must have come. */
  drain(): Promise<void>;
}

const RETRY_MS = 500;
/** Tries to read the rest of a log whose pod has ended. */
const MAX_TRIES = 10;

/**
 * Hands over the log of a runner as it grows. Where the stream breaks it is opened again: what was handed over is
 * known by its number.
 */
export function followLog(
  api: Api,
  { namespace, pod }: { readonly namespace: string; readonly pod: string },
  { onMessage, onText, clock, stopped }: LogHooks,
): LogFollower {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log?container=${RUNNER_CONTAINER}&follow=true`;
  let next = 0;
  /** Lines that are no messages: handed over, and read since the stream was opened. */
  let textsTold = 0;
  let textsRead = 0;
  let hasEnded = false;
  let tries = 0;

  function hear(line: string): void {
    const message = parseRunnerMessage(line);
    if (message === null) {
      textsRead += 1;
      if (textsRead <= textsTold) return;
      textsTold = textsRead;
      onText(`${line}\n`);
    } else if (message.number >= next) {
      if (message.number > next) onText(`(${message.number - next} lines of the runner are missing here)\n`);
      next = message.number + 1;
      onMessage(message);
    }
  }

  async function follow(): Promise<void> {
    while (!stopped.aborted) {
      textsRead = 0;
      const isWhole = await api.stream(path, { onOpen: () => {}, onLine: hear }, stopped).then(
        () => true,
        () => false,
      );
      // A stream ends in order with its container, or where the API server ends it.
      if (hasEnded && (isWhole || tries >= MAX_TRIES)) return;
      if (hasEnded) tries += 1;
      await clock.pause(RETRY_MS, stopped);
    }
  }

  const followed = follow();
  return {
    hasSpoken: () => next > 0,
    drain: () => {
      hasEnded = true;
      return followed;
    },
  };
}

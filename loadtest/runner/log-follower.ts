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
  /** `unread`: the log could not be opened yet; `silent`: it was, and no message was in it. */
  state(): 'unread' | 'silent' | 'spoken';
  /** Was a message lost, for example to the rotation of the log? */
  hasGap(): boolean;
  /** Resolves when the log has been read to its end, which must have come, or that takes too long. */
  drain(): Promise<void>;
}

const RETRY_MS = 500;
/** A runner writes more often: a stream that is silent for longer is broken, though nobody said so. */
const SILENCE_LIMIT_MS = 90_000;
/** How often a runner writes at the least. */
export const RUNNER_PULSE_MS = 30_000;
/** For the rest of a log whose pod has ended: it goes with its Job. */
const DRAIN_MS = 10_000;

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
  const ended = new AbortController();
  let isOpen = false;
  let next = 0;
  let hasGap = false;
  /** Lines that are no messages: handed over, and read since the stream was opened. */
  let textsTold = 0;
  let textsRead = 0;

  function hear(line: string): void {
    const message = parseRunnerMessage(line);
    if (message === null) {
      textsRead += 1;
      if (textsRead <= textsTold) return;
      textsTold = textsRead;
      onText(`${line}\n`);
    } else if (message.number >= next) {
      if (message.number > next) {
        hasGap = true;
        onText(`(${message.number - next} lines of the runner are missing here)\n`);
      }
      next = message.number + 1;
      onMessage(message);
    }
  }

  /** Resolves to whether the stream ended in order: with its container, or where the API server ends it. */
  async function readOnce(): Promise<boolean> {
    const silent = new AbortController();
    const limit = setTimeout(() => silent.abort(), SILENCE_LIMIT_MS);
    textsRead = 0;
    try {
      await api.stream(
        path,
        {
          onOpen: () => {
            isOpen = true;
          },
          onLine: (line) => {
            limit.refresh();
            hear(line);
          },
        },
        AbortSignal.any([stopped, silent.signal]),
      );
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(limit);
    }
  }

  async function follow(): Promise<void> {
    while (!stopped.aborted) {
      const isWhole = await readOnce();
      if (isWhole && ended.signal.aborted) return;
      await clock.pause(RETRY_MS, stopped);
    }
  }

  const followed = follow();
  return {
    state: () => (next > 0 ? 'spoken' : isOpen ? 'silent' : 'unread'),
    hasGap: () => hasGap,
    drain: () => {
      ended.abort();
      return Promise.race([followed, clock.pause(DRAIN_MS, stopped)]);
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type Closing, createDialer, type Dialer, type Exchange } from './client.ts';
import { awaitReady, type ContractWork, type Subject, type Terms } from './observation.ts';

/** What came of connections that were left idle after one request each. */
export interface IdleObservation {
  /** How long they were watched, unless one was closed before. */
  readonly watchedMs: number;
  /** The one request on each. */
  readonly exchanges: readonly Exchange[];
  /** As `Keep-Alive: timeout=` says; null: no response says so. */
  readonly announcedMs: number | null;
  /** The first that the server closed without `Connection: close`; null: none was closed. */
  readonly closed: { readonly idleMs: number; readonly by: Closing } | null;
  /** Null: the process had not ended when the watch did. */
  readonly exit: Awaited<Subject['exited']> | null;
}

/** A watch over idle connections, under way. */
export interface IdleWatch {
  /** Resolves as soon as one is closed, or when they were watched for long enough. Rejects when the signal is aborted. */
  done(): Promise<IdleObservation>;
  readonly isOver: boolean;
  /** Ends the watch, and closes its connections. */
  stop(): void;
}

const IDLE_CLIENTS = 3;
/** By so much the end of a process may be known later than that of its connections. */
const END_MS = 100;

/**
 * Opens connections once the subject is ready, and leaves each idle after one request.
 * @throws {Fault} where the subject does not get ready
 */
export async function startIdleWatch(
  subject: Subject,
  work: Pick<ContractWork, 'ready' | 'requests'>,
  { idleMs, startTimeoutMs }: Pick<Terms, 'idleMs' | 'startTimeoutMs'>,
  signal: AbortSignal,
): Promise<IdleWatch> {
  signal.throwIfAborted();
  const dialer = createDialer(subject.address, work.requests);
  const stopping = new AbortController();
  const stop = () => {
    signal.removeEventListener('abort', stop);
    stopping.abort();
    dialer.close();
  };
  signal.addEventListener('abort', stop);
  try {
    await awaitReady(subject, work.ready, startTimeoutMs, dialer, subject.exited, signal);
  } catch (error) {
    stop();
    throw error;
  }
  const watching = watchIdle(subject, dialer, idleMs, stopping.signal).finally(stop);
  return {
    async done() {
      const seen = await watching;
      signal.throwIfAborted();
      return seen;
    },
    get isOver() {
      return stopping.signal.aborted;
    },
    stop,
  };
}

async function watchIdle(
  subject: Subject,
  dialer: Dialer,
  idleMs: number,
  stopped: AbortSignal,
): Promise<IdleObservation> {
  const opened = await Promise.all(
    Array.from({ length: IDLE_CLIENTS }, async () => {
      const client = await dialer.open();
      return client && { client, exchange: await client.send() };
    }),
  );
  const used = opened.filter((each) => each !== null);
  const idle = used.filter(({ exchange }) => exchange.failure === null && !exchange.isClosing);
  const closings = idle.map(async ({ client, exchange }) => {
    const by = await client.gone;
    return { by, idleMs: performance.now() - exchange.endMs };
  });
  const timeUp = sleep(idle.length === 0 ? 0 : idleMs, null, { signal: stopped }).catch(() => null);
  const closed = await Promise.race([...closings, timeUp]);
  const exit = await Promise.race([subject.exited, sleep(END_MS, null)]);
  const announced = idle.flatMap(({ client }) => toAnnouncedMs(client.keepAlive) ?? []);
  return {
    watchedMs: idleMs,
    exchanges: used.map(({ exchange }) => exchange),
    announcedMs: announced.length === 0 ? null : Math.min(...announced),
    closed,
    exit,
  };
}

/** `timeout=5, max=100` announces 5 s. */
function toAnnouncedMs(keepAlive: string | null): number | null {
  const [, seconds] = /(?:^|,)\s*timeout\s*=\s*"?(\d+)/i.exec(keepAlive ?? '') ?? [];
  return seconds === undefined ? null : 1_000 * Number(seconds);
}

import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './telemetry/log.ts';
import type { RequestTotals } from './telemetry/request-metrics.ts';

/** The part of a server that a shutdown needs. */
interface StoppableServer {
  inFlight(): number;
  stopListening(): void;
  closeConnections(): void;
}

export interface ShutdownWorld {
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  readonly lameDuckMs: number;
  readonly drainTimeoutMs: number;
  /** The server, or undefined while it does not listen yet. */
  readonly server: () => StoppableServer | undefined;
  /** What was answered, for the last log line. */
  readonly totals: () => RequestTotals;
  /** Writes out what is buffered. */
  readonly flush: () => Promise<void>;
  readonly exit: (code: number) => void;
  readonly wait: (ms: number) => Promise<void>;
  /** Monotonic clock, in ms. */
  readonly now: () => number;
}

/** Why the process ends, and how it tells. */
export interface ShutdownCause {
  /** A signal's name, or what failed. */
  readonly reason: string;
  /** Exit code of a drain that leaves nothing behind. */
  readonly exitCode: number;
  /** Exit code if this cause comes while a shutdown is under way: then the process ends at once. */
  readonly repeatedExitCode: number;
}

/** Beyond lame duck and drain timeout, after which the process ends come what may: time to flush. */
export const HARD_EXIT_RESERVE_MS = 5_000;

/** What a log line may take to leave when the process has to end at once. */
const FLUSH_AT_ONCE_MS = 100;

/** How often the requests in flight are counted while finishing. */
const POLL_INTERVAL_MS = 10;

/**
 * Ends the process in order: lame duck (still accepting, `Connection: close` on every response), then no new
 * connections, then the requests in flight, then the log, then exit. A drain that leaves requests behind exits 1.
 *
 * @returns a function that begins the shutdown; called again, it ends the process at once.
 */
export function createShutdown(world: ShutdownWorld): (cause: ShutdownCause) => void {
  const { lifecycle, log, lameDuckMs, drainTimeoutMs, wait, now, exit } = world;
  let begun = false;

  async function drain({ reason, exitCode }: ShutdownCause): Promise<void> {
    const server = world.server();
    const inFlightAtStart = server?.inFlight() ?? 0;
    let cut = 0;
    if (server !== undefined) {
      // A process that was never ready has no client that was sent to it: nothing to wait for but what is here.
      if (lifecycle.current.state === 'ready') {
        lifecycle.enter({ state: 'draining', step: 'lame-duck' });
        await wait(lameDuckMs);
      }
      lifecycle.enter({ state: 'draining', step: 'finishing' });
      server.stopListening();
      const deadlineMs = now() + drainTimeoutMs;
      while (server.inFlight() > 0 && now() < deadlineMs) await wait(POLL_INTERVAL_MS);
      cut = server.inFlight();
      server.closeConnections();
      if (cut > 0) await wait(POLL_INTERVAL_MS); // lets them be logged before the account
    }
    const code = cut === 0 ? exitCode : 1;
    const drainMs = Math.round(lifecycle.drainMs());
    lifecycle.enter({ state: 'closed' });
    const account = { reason, served: world.totals(), inFlightAtStart, cut, drainMs, exitCode: code };
    if (cut === 0) log.info('closed', account);
    else log.error('closed with requests in flight', account);
    await world.flush();
    exit(code);
  }

  return (cause) => {
    if (begun) {
      log.warn('exit at once', { reason: cause.reason, exitCode: cause.repeatedExitCode });
      void Promise.race([world.flush(), wait(FLUSH_AT_ONCE_MS)]).then(() => exit(cause.repeatedExitCode));
      return;
    }
    begun = true;
    log.info('shutdown', { reason: cause.reason, lameDuckMs, drainTimeoutMs });
    void wait(lameDuckMs + drainTimeoutMs + HARD_EXIT_RESERVE_MS).then(() => exit(1));
    void drain(cause);
  };
}

import { lookup } from 'node:dns/promises';
import { createAlarm } from './alarm.ts';
import { type ConnectionEnd, type ConnectionSummary, createConnectionLedger } from './connection-ledger.ts';
import { createLedger, type LedgerSummary } from './ledger.ts';
import { createNetTransport } from './net-transport.ts';
import type { Headers } from './request-writer.ts';
import { createResolver } from './resolver.ts';
import type { Plan, PlannedRequest, Settlement } from './settlement.ts';
import { toNextHop } from './target.ts';
import { createTraces, hasOwnTrace } from './trace-context.ts';
import type { CreateTransport, TransportCounts, TransportOptions } from './transport.ts';

/** Above 4,000 requests a second, those due within this time go out together. */
const MIN_WAIT_MS = 0.25;
const SWEEP_MS = 50;
const DNS_TTL_MS = 5000;
/** After the last deadline nothing can be open; should it be, the ledger shall say so instead of waiting. */
const LAST_GRACE_MS = 1000;
const MAX_BACKOFF_MS = 100;

export interface EngineOptions extends TransportOptions {
  /** Open: each request at its intended time. Closed: so many users, each sending its next when its last ended. */
  readonly mode: 'open' | { readonly closed: number; readonly durationMs: number };
}

export interface EngineHooks {
  onSettled(settlement: Settlement): void;
  onConnectionEnded?(end: ConnectionEnd): void;
  /** Stops the run: what is open is settled at once. */
  readonly signal: AbortSignal;
  /** Ms since the run's start on a monotonic clock; may start below 0. */
  readonly clock: () => number;
  /** 0 up to 1, seeded. */
  readonly random: () => number;
  /** The headers to send now where an endpoint has none of that name: another object once they change. Default: none. */
  readonly headers?: () => Headers;
}

export interface EngineSummary extends LedgerSummary {
  readonly connections: ConnectionSummary & Readonly<TransportCounts>;
  /** The signal stopped it before the plan's end. */
  readonly isAborted: boolean;
}

/**
 * Carries out a plan. Requests not yet due when the signal comes are not taken from it, and so not in the ledger.
 *
 * Connection attempts are never more than arrivals: an open plan needs no back-off, and holding an attempt back
 * would turn refused requests into late successes. A closed loop has no arrivals to bound it, so its users pause
 * after a request that could not be written.
 * @param createTransport the tests' oracle in place of the instrument's own client
 * @throws {TypeError} for an endpoint with a `toRequestFault`
 */
export async function runEngine(
  plan: Plan,
  options: EngineOptions,
  hooks: EngineHooks,
  createTransport: CreateTransport = createNetTransport,
): Promise<EngineSummary> {
  const { clock, random, signal } = hooks;
  const { mode } = options;
  const timeoutsMs = plan.endpoints.map(({ timeoutMs }) => timeoutMs ?? options.timeoutMs);
  const traces = options.trace === null ? null : createTraces(options.trace);
  const ledger = createLedger(onSettled, (request) => {
    const headers = [plan.endpoints[request.endpoint]?.headers, hooks.headers?.()];
    return traces === null || headers.some(hasOwnTrace) ? null : traces.idOf(request);
  });
  const resolver = createResolver(
    toNextHop(options.target).host,
    DNS_TTL_MS,
    (host) => lookup(host, { all: true }),
    clock,
  );
  const connections = createConnectionLedger((end) => hooks.onConnectionEnded?.(end));
  const transport = createTransport(plan, options, ledger, {
    clock,
    random,
    resolver,
    connections,
    headers: hooks.headers,
  });

  let taken = 0;
  let next = plan.at(0);
  let lastDeadlineMs = 0;
  let failuresInARow = 0;
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });

  function take(request: PlannedRequest): void {
    taken += 1;
    next = plan.at(taken);
    lastDeadlineMs = Math.max(lastDeadlineMs, request.intendedMs + (timeoutsMs[request.endpoint] ?? 0));
    transport.submit(ledger.plan(request));
  }

  function hasMore(nowMs: number): boolean {
    return next !== undefined && !signal.aborted && (mode === 'open' || nowMs < mode.durationMs);
  }

  /** Sends all that is due. Returns how long until the next is; null: there is none. */
  function fireDue(): number | null {
    while (next !== undefined && !signal.aborted && next.intendedMs <= clock()) take(next);
    finishIfDone();
    return next === undefined ? null : Math.max(MIN_WAIT_MS, next.intendedMs - clock());
  }

  function userSendsNext(): void {
    const nowMs = clock();
    if (next !== undefined && hasMore(nowMs)) take({ ...next, intendedMs: nowMs });
    finishIfDone();
  }

  function onSettled(settlement: Settlement): void {
    hooks.onSettled(settlement);
    failuresInARow = settlement.sentMs === null ? failuresInARow + 1 : 0;
    if (mode === 'open') finishIfDone();
    else if (failuresInARow === 0) userSendsNext();
    else setTimeout(userSendsNext, toBackoffMs(failuresInARow / mode.closed));
  }

  /** @param rounds of failures of all users */
  function toBackoffMs(rounds: number): number {
    return Math.min(MAX_BACKOFF_MS, 2 ** rounds) * (0.5 + random() / 2);
  }

  function finishIfDone(): void {
    if (ledger.open === 0 && !hasMore(clock())) finish();
  }

  function sweep(): void {
    const nowMs = clock();
    transport.sweep(nowMs);
    if (!hasMore(nowMs) && nowMs > lastDeadlineMs + LAST_GRACE_MS) finish();
  }

  function abort(): void {
    transport.abort();
    finishIfDone();
  }

  const sweeper = setInterval(sweep, SWEEP_MS);
  const alarm = mode === 'open' ? createAlarm(fireDue) : null;
  signal.addEventListener('abort', abort);
  if (mode === 'open') fireDue();
  else for (let user = 0; user < mode.closed; user += 1) userSendsNext();

  await finished;
  const isAborted = signal.aborted && next !== undefined;
  signal.removeEventListener('abort', abort);
  clearInterval(sweeper);
  await alarm?.stop();
  transport.close();
  const requests = ledger.close();
  const connected = connections.close();
  return {
    ...requests,
    fault: requests.fault ?? connected.fault,
    connections: { ...connected, ...transport.counts },
    isAborted,
  };
}

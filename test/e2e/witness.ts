import { type EngineOptions, runEngine } from '../../loadtest/engine/engine.ts';
import { isLost, type Outcome } from '../../loadtest/outcome.ts';
import type { Endpoint, Plan, Settlement } from '../../loadtest/settlement.ts';

/**
 * 40 requests at one instant, ten times a second: the 30 that may reuse a connection keep 30 of them in use at
 * any time, so that whatever happens to one shows.
 */
const BURST = { requests: 40, fresh: 10, intervalMs: 100 } as const;
const TIMEOUT_MS = 10_000;
const CONN_MAX_AGE_MS = 15_000;

const READY = { name: 'ready', method: 'GET', path: '/ready', weight: 1 };
const ENDPOINTS: readonly Endpoint[] = [
  { name: 'health', method: 'GET', path: '/health', weight: 1 },
  READY,
  { name: 'payload', method: 'GET', path: '/payload', weight: 1 },
  { name: 'metrics', method: 'GET', path: '/metrics', weight: 1 },
  { name: 'version', method: 'GET', path: '/version', weight: 1 },
];

export interface Testimony {
  /** Requests sent, each once. */
  sent: number;
  outcomes: ReadonlyMap<Outcome, number>;
  /**
   * Requests without the answer they should have had. A 503 of `/ready` is not one of them: a pod that drains says
   * so to whoever asks it on a kept connection, and that is the answer.
   */
  lost: readonly Settlement[];
  /** Answers 503 of `/ready`. */
  draining: number;
  versions: ReadonlySet<string>;
  pods: ReadonlySet<string>;
}

export interface Witness {
  /** What has been seen so far. */
  readonly testimony: Testimony;
  /** Plans no more requests, waits for the last answer, and gives the whole account. */
  stop(): Promise<Testimony>;
}

/** Begins to send 400 requests a second to an address, a quarter of them on connections of their own. No retries. */
export function startWitness(host: string, port: number, endpoints = ENDPOINTS): Witness {
  const startMs = performance.now();
  const clock = () => performance.now() - startMs;
  const outcomes = new Map<Outcome, number>();
  const lost: Settlement[] = [];
  const versions = new Set<string>();
  const pods = new Set<string>();
  const testimony = { sent: 0, outcomes, lost, draining: 0, versions, pods };

  let isStopped = false;
  const plan: Plan = {
    endpoints,
    at(index) {
      if (isStopped) return undefined;
      const place = index % BURST.requests;
      return {
        index,
        intendedMs: Math.floor(index / BURST.requests) * BURST.intervalMs,
        endpoint: (index + Math.floor(index / BURST.requests)) % endpoints.length,
        fresh: place < BURST.fresh,
      };
    },
  };

  function onSettled(settlement: Settlement): void {
    const { outcome, version, pod, sentMs } = settlement;
    if (sentMs !== null) testimony.sent += 1;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (version !== null) versions.add(version);
    if (pod !== null) pods.add(pod);
    if (outcome === 'http_503' && endpoints[settlement.endpoint] === READY) testimony.draining += 1;
    else if (isLost(outcome)) lost.push(settlement);
  }

  const ended = runEngine(plan, toOptions(host, port, 'open'), {
    onSettled,
    signal: new AbortController().signal,
    clock,
    random: Math.random,
  });
  return {
    testimony,
    async stop() {
      isStopped = true;
      await ended;
      return testimony;
    },
  };
}

export interface Load {
  /** Ends the load. Gives the number of requests that were answered. */
  stop(): Promise<number>;
}

/** Begins to ask for one path, each user again as soon as it has its answer, on a new connection each time. */
export function startLoad(host: string, port: number, path: string, users: number): Load {
  const startMs = performance.now();
  let isStopped = false;
  let answered = 0;
  const plan: Plan = {
    endpoints: [{ name: 'load', method: 'GET', path, weight: 1 }],
    at: (index) => (isStopped ? undefined : { index, intendedMs: 0, endpoint: 0, fresh: true }),
  };
  const mode = { closed: users, durationMs: Number.POSITIVE_INFINITY };
  const ended = runEngine(plan, toOptions(host, port, mode), {
    onSettled({ outcome }) {
      if (outcome === 'ok') answered += 1;
    },
    signal: new AbortController().signal,
    clock: () => performance.now() - startMs,
    random: Math.random,
  });
  return {
    async stop() {
      isStopped = true;
      await ended;
      return answered;
    },
  };
}

function toOptions(host: string, port: number, mode: EngineOptions['mode']): EngineOptions {
  return {
    target: { host, port, tls: null },
    engine: 'net',
    mode,
    timeoutMs: TIMEOUT_MS,
    maxConnections: 256,
    connMaxAgeMs: CONN_MAX_AGE_MS,
    podHeader: 'x-pod',
    versionHeader: 'x-version',
    requestId: null,
    limits: { maxLineBytes: 8_192, maxHeadBytes: 16_384, maxFields: 100, maxBodyBytes: 1_048_576 },
  };
}

/**
 * The engine as a process of its own, on either runtime. Prints one line of JSON.
 *
 *   load closed PORT CONNECTIONS REQUESTS SECONDS
 *   load open   PORT RATE SECONDS
 */
import { type EngineOptions, runEngine } from '../../loadtest/engine/engine.ts';
import { RESPONSE_LIMITS } from '../../loadtest/engine/response-parser.ts';
import type { PlannedRequest, Settlement } from '../../loadtest/engine/settlement.ts';

export interface LoadResult {
  readonly requests: number;
  readonly ok: number;
  /** Open: response times from the intended time, at the quantiles asked for; in ms. */
  readonly responseMs: readonly number[];
  /** Open: lag of the writes behind their intended times, p50 and p99; in ms. */
  readonly lagMs: readonly number[];
  /** Closed: resident memory after each twentieth of the requests, in MiB. */
  readonly memoryMiB: readonly number[];
}

export const QUANTILES = [0.5, 0.9, 0.99, 0.999];
const MEMORY_SAMPLES = 20;
/** Load before the measured part of an open run: connections are opened, code is compiled. */
const WARMUP_SECONDS = 5;

if (import.meta.main ?? process.argv[1]?.endsWith('load.mjs')) {
  const [kind = '', port = '', ...numbers] = process.argv.slice(2);
  const result = await (kind === 'open' ? open : closed)(Number(port), numbers.map(Number));
  console.log(JSON.stringify(result));
}

async function closed(
  port: number,
  [connections = 0, requests = 0, seconds = 0]: number[],
): Promise<LoadResult> {
  const memoryMiB: number[] = [];
  const sampleEvery = Math.floor(requests / MEMORY_SAMPLES);
  let settled = 0;
  const summary = await run(
    port,
    { closed: connections, durationMs: seconds * 1000 },
    (index) => (index < requests ? { index, intendedMs: 0, endpoint: 0, fresh: false } : undefined),
    () => {
      settled += 1;
      if (settled % sampleEvery === 0) memoryMiB.push(process.memoryUsage.rss() / 2 ** 20);
    },
  );
  return {
    requests: summary.settled,
    ok: summary.outcomes.get('ok') ?? 0,
    responseMs: [],
    lagMs: [],
    memoryMiB,
  };
}

async function open(port: number, [rate = 0, seconds = 0]: number[]): Promise<LoadResult> {
  const responses: number[] = [];
  const lags: number[] = [];
  const summary = await run(
    port,
    'open',
    (index) =>
      index < rate * (WARMUP_SECONDS + seconds)
        ? { index, intendedMs: (index * 1000) / rate, endpoint: 0, fresh: false }
        : undefined,
    ({ intendedMs, sentMs, endMs }) => {
      if (intendedMs < WARMUP_SECONDS * 1000) return;
      responses.push(endMs - intendedMs);
      lags.push((sentMs ?? endMs) - intendedMs);
    },
  );
  return {
    requests: summary.settled,
    ok: summary.outcomes.get('ok') ?? 0,
    responseMs: QUANTILES.map((quantile) => toQuantile(responses, quantile)),
    lagMs: [0.5, 0.99].map((quantile) => toQuantile(lags, quantile)),
    memoryMiB: [],
  };
}

function run(
  port: number,
  mode: EngineOptions['mode'],
  at: (index: number) => PlannedRequest | undefined,
  onSettled: (settlement: Settlement) => void,
) {
  const startMs = performance.now();
  return runEngine(
    { endpoints: [{ name: 'root', method: 'GET', path: '/', weight: 1 }], at },
    {
      target: { host: '127.0.0.1', port, tls: null },
      mode,
      timeoutMs: 10_000,
      maxConnections: 4000,
      connMaxAgeMs: 60_000,
      keptConnections: 0,
      idleConnections: 0,
      podHeader: 'X-Pod',
      versionHeader: 'X-Version',
      requestId: null,
      trace: null,
      limits: RESPONSE_LIMITS,
    },
    {
      onSettled,
      signal: new AbortController().signal,
      clock: () => performance.now() - startMs,
      random: Math.random,
    },
  );
}

function toQuantile(values: number[], quantile: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.ceil(quantile * values.length) - 1)] ?? Number.NaN;
}

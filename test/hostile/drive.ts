/**
 * Runs the engine, with its own client or with node:http, against hostile servers, and prints what its ledgers say as one line of JSON.
 *
 *   drive CLIENT '{"MODE": PORT}'
 */
import { type EngineSummary, runEngine } from '../../loadtest/engine/engine.ts';
import { createNetTransport } from '../../loadtest/engine/net-transport.ts';
import { RESPONSE_LIMITS } from '../../loadtest/engine/response-parser.ts';
import type { Plan, Settlement } from '../../loadtest/engine/settlement.ts';
import { TIMEOUT_MS } from './modes.ts';
import { createNodeHttpTransport } from './node-http-transport.ts';

/** What one client says of one mode. */
export interface Account {
  readonly settlements: readonly Settlement[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly summary: Omit<EngineSummary, 'outcomes'>;
}

const REQUESTS = 60;
const GAP_MS = 10;
const FRESH_EVERY = 7;

/** Runs at a time: more would only measure how busy this machine is. */
const TOGETHER = 5;

const [client = '', ports = '{}'] = process.argv.slice(2);
const targets = Object.entries(JSON.parse(ports) as Record<string, number>);
const accounts: Record<string, Account> = {};
await Promise.all(
  Array.from({ length: TOGETHER }, async () => {
    for (let target = targets.shift(); target !== undefined; target = targets.shift()) {
      accounts[target[0]] = await run(target[1]);
    }
  }),
);
console.log(JSON.stringify({ runtime: process.versions.bun === undefined ? 'node' : 'bun', accounts }));

async function run(port: number): Promise<Account> {
  const plan: Plan = {
    endpoints: [{ name: 'root', method: 'GET', path: '/', weight: 1 }],
    at: (index) =>
      index < REQUESTS
        ? { index, intendedMs: index * GAP_MS, endpoint: 0, fresh: index % FRESH_EVERY === 0 }
        : undefined,
  };
  const settlements: Settlement[] = [];
  const startMs = performance.now();
  const { outcomes, ...summary } = await runEngine(
    plan,
    {
      target: { host: '127.0.0.1', port, tls: null },
      mode: 'open',
      timeoutMs: TIMEOUT_MS,
      // Fewer than requests, so that some are reused however late this process gets its turn.
      maxConnections: 20,
      connMaxAgeMs: 300,
      keptConnections: 0,
      idleConnections: 0,
      podHeader: 'X-Pod',
      versionHeader: 'X-Version',
      requestId: { header: 'X-Request-Id', prefix: 'h-' },
      trace: null,
      limits: RESPONSE_LIMITS,
    },
    {
      onSettled: (settlement) => settlements.push(settlement),
      signal: new AbortController().signal,
      clock: () => performance.now() - startMs,
      random: Math.random,
    },
    client === 'node:http' ? createNodeHttpTransport : createNetTransport,
  );
  return { settlements, outcomes: Object.fromEntries(outcomes), summary };
}

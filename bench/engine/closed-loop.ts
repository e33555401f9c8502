/**
 * The engine in a closed loop, for the time asked, as a process of its own whose CPU time can be told.
 *
 *   closed-loop PORT CONNECTIONS SECONDS [net|http]
 */
import { runEngine } from '../../loadtest/engine/engine.ts';

const [port = '', connections = '', seconds = '', engine = 'net'] = process.argv.slice(2);
const endpoints = [{ name: 'root', method: 'GET', path: '/', weight: 1 }];
const startMs = performance.now();
const summary = await runEngine(
  { endpoints, at: (index) => ({ index, intendedMs: 0, endpoint: 0, fresh: false }) },
  {
    engine: engine === 'http' ? 'http' : 'net',
    target: { host: '127.0.0.1', port: Number(port), tls: null },
    mode: { closed: Number(connections), durationMs: Number(seconds) * 1000 },
    timeoutMs: 5000,
    maxConnections: Number(connections),
    connMaxAgeMs: Number.POSITIVE_INFINITY,
    podHeader: 'x-pod',
    versionHeader: 'x-version',
    requestId: null,
    limits: { maxLineBytes: 8192, maxHeadBytes: 65_536, maxFields: 100, maxBodyBytes: 1e9 },
  },
  {
    onSettled: () => {},
    signal: new AbortController().signal,
    clock: () => performance.now() - startMs,
    random: Math.random,
  },
);
console.log(
  JSON.stringify({ requests: summary.settled, outcomes: Object.fromEntries(summary.outcomes), engine }),
);

/**
 * Measures the service side by side with the bare runtimes and prints ratios: `npm run bench`.
 * One processor for the server, one for the load (wrk); pairs are interleaved and their median is taken, because
 * machines drift. Writes what it prints to bench/results/service.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Subject, startServer } from './server.ts';
import { runWrk } from './wrk.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '2000000' },
  },
});
const pairs = Number(values.pairs);
const seconds = Number(values.seconds);
const memoryRequests = Number(values.requests);

const RUNTIMES = {
  bun: {
    bare: { name: 'bare Bun.serve', command: [process.execPath, 'bench/bare/bun.ts'] },
    service: { name: 'service on Bun', command: [process.execPath, 'dist/service/main.js'] },
  },
  node: {
    bare: { name: 'bare node:http', command: ['node', 'bench/bare/node.js'] },
    service: { name: 'service on Node', command: ['node', 'dist/service/main.js'] },
  },
} satisfies Record<string, { bare: Subject; service: Subject }>;

const lines: string[] = [];
function print(line = ''): void {
  console.log(line);
  lines.push(line);
}

const nodeVersion = Bun.spawnSync(['node', '--version']).stdout.toString().trim();
print('# Service against the bare runtimes');
print();
print(
  `Bun ${Bun.version}, Node ${nodeVersion}, ${cpus()[0]?.model} × ${cpus().length}, load average ${loadavg()[0]?.toFixed(1)} before the run; \`npm run bench\`.`,
);

print();
print(`## /health, ${pairs} interleaved pairs of ${seconds} s, 64 connections, everything on`);
print();
print('| | requests/s | bare | ratio of throughput | ratio of CPU per request, bare / service |');
print('|---|---|---|---|---|');
for (const { bare, service } of Object.values(RUNTIMES)) {
  const rounds: { rate: number; bareRate: number; cpuRatio: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const a = await measure(service);
    const b = await measure(bare);
    rounds.push({ rate: a.rate, bareRate: b.rate, cpuRatio: b.cpuUs / a.cpuUs });
  }
  const ratios = rounds.map(({ rate, bareRate }) => rate / bareRate);
  const cells = [
    median(rounds.map(({ rate }) => rate)).toFixed(0),
    median(rounds.map(({ bareRate }) => bareRate)).toFixed(0),
    `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
    median(rounds.map(({ cpuRatio }) => cpuRatio)).toFixed(2),
  ];
  print(`| ${service.name} | ${cells.join(' | ')} |`);
}

print();
print('## Handler time, mean of 20,000 requests each, from /metrics');
print();
print('| | health ms | ready ms | payload ms | metrics ms |');
print('|---|---|---|---|---|');
for (const { service } of Object.values(RUNTIMES)) {
  const server = await startServer(service);
  const means: string[] = [];
  for (const path of ['/health', '/ready', '/payload', '/metrics']) {
    await runWrk(server.url + path, 1, 8);
    const before = await handlerTime(server.url, path);
    while ((await handlerTime(server.url, path)).count - before.count < 20_000) {
      await runWrk(server.url + path, 1, 8);
    }
    const after = await handlerTime(server.url, path);
    means.push((((after.sum - before.sum) / (after.count - before.count)) * 1000).toFixed(4));
  }
  await server.stop();
  print(`| ${service.name} | ${means.join(' | ')} |`);
}

print();
print('## /health while every worker computes fib(35) in a closed loop');
print();
print('| | p99 ms idle | p99 ms under load |');
print('|---|---|---|');
for (const { service } of Object.values(RUNTIMES)) {
  const server = await startServer({ ...service, env: { ACCESS_LOG: 'off' } }, '0,1');
  const idle = await runWrk(`${server.url}/health`, seconds, 4);
  const stop = new AbortController();
  const load = (async () => {
    while (!stop.signal.aborted) await fetch(`${server.url}/payload?n=35`).then((answer) => answer.text());
  })();
  const busy = await runWrk(`${server.url}/health`, seconds, 4);
  stop.abort();
  await load;
  await server.stop();
  print(`| ${service.name} | ${idle.p99Ms.toFixed(2)} | ${busy.p99Ms.toFixed(2)} |`);
}

print();
print('## Start and memory');
print();
const millions = (requests: number) => `${requests / 1_000_000} M`;
print(
  `| | exec → first 200 ms | MB idle | MB after ${millions(memoryRequests / 2)} requests | MB after ${millions(memoryRequests)} requests |`,
);
print('|---|---|---|---|---|');
for (const { service } of Object.values(RUNTIMES)) {
  const starts: number[] = [];
  for (let i = 0; i < pairs; i++) {
    const server = await startServer(service);
    starts.push(server.startMs);
    await server.stop();
  }
  const server = await startServer(service);
  const idleMb = server.residentMb();
  const loadedMb: number[] = [];
  for (let sent = 0; loadedMb.length < 2; ) {
    sent += (await runWrk(`${server.url}/health`, seconds)).requests;
    if (sent >= (memoryRequests / 2) * (loadedMb.length + 1)) loadedMb.push(server.residentMb());
  }
  await server.stop();
  const cells = [median(starts), idleMb, ...loadedMb].map((value) => value.toFixed(0));
  print(`| ${service.name} | ${cells.join(' | ')} |`);
}

mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/service.md', `${lines.join('\n')}\n`);

async function measure(subject: Subject): Promise<{ rate: number; cpuUs: number }> {
  const server = await startServer(subject);
  await runWrk(`${server.url}/health`, 1);
  const cpuBeforeMs = server.cpuMs();
  const { requests, requestsPerSecond, failures } = await runWrk(`${server.url}/health`, seconds);
  const cpuUs = ((server.cpuMs() - cpuBeforeMs) / requests) * 1000;
  await server.stop();
  if (failures > 0) throw new Error(`${subject.name}: ${failures} of ${requests} requests failed`);
  return { rate: requestsPerSecond, cpuUs };
}

async function handlerTime(url: string, path: string): Promise<{ sum: number; count: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (part: string) =>
    Number(
      new RegExp(
        `^http_request_duration_seconds_${part}\\{route="${path}",method="GET",status="2xx"\\} (\\S+)$`,
        'm',
      ).exec(text)?.[1],
    );
  return { sum: read('sum'), count: read('count') };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] =
    sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}

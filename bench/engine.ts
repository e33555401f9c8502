/**
 * What the engine costs and how true its times are, side by side with wrk and hey in one run; writes
 * bench/results/engine.md. Linux, after `npm run build`; the server has one core, the load another.
 *
 *   bun bench/engine.ts [--only cpu|stalls|memory] [--rounds 6] [--requests 200000] [--memory-requests 500000]
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { type LoadResult, QUANTILES } from './engine/load.ts';
import { toMarkdownTable } from './table.ts';

const SERVER_CORE = '0';
const LOAD_CORE = '1';
const PAGE = join(import.meta.dirname, 'results/engine.md');
const CONNECTIONS = 64;
const WRK_SECONDS = 3;
const LOADTEST = join(import.meta.dirname, '../loadtest/dist/main.js');
/** Two fifths of the requests meet a stall: p50 lies outside, p90 and above inside. */
const STALLS = [
  { rate: 1000, periodMs: 2500, stallMs: 1000, seconds: 20 },
  { rate: 5000, periodMs: 500, stallMs: 200, seconds: 20 },
];
/** Without it, the times would tell how busy this machine is with other things. */
const REAL_TIME = ['chrt', '--rr', '10'];
const TOLERANCE = { ratio: 0.05, ms: 2 };
const TARGET_WRK_RATIO = 2.5;
const TARGET_MEMORY_GROWTH = 1.1;

interface Tool {
  readonly name: string;
  readonly command: (port: number, requests: number) => string[];
  readonly toRequests: (output: string) => number;
  readonly isOurs?: boolean;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '6' },
    requests: { type: 'string', default: '200000' },
    'memory-requests': { type: 'string', default: '500000' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'bench-engine-'));
const load = join(directory, 'load.mjs');
await build({
  entryPoints: [join(import.meta.dirname, 'engine/load.ts')],
  outfile: load,
  bundle: true,
  platform: 'node',
  format: 'esm',
});

const RUNTIMES = { Node: 'node', Bun: process.execPath };
/** In the order of the page; `--only` measures one of them again and leaves the others as they are. */
const SECTIONS: Record<string, () => Promise<string[]>> = {
  cpu: () => measureCpu(Number(values.rounds), Number(values.requests)),
  stalls: measureStalls,
  memory: () => measureMemory(Number(values['memory-requests'])),
};

const [, ...known] = readPage().split(/\n(?=## )/);
const sections: string[] = [];
for (const [position, [name, measure]] of Object.entries(SECTIONS).entries()) {
  const isAsked = values.only === undefined || values.only === name;
  const conditions = `Load average ${loadavg()[0]?.toFixed(1)} before.`;
  sections.push(isAsked ? [...(await measure()), '', conditions, ''].join('\n') : (known[position] ?? ''));
}
rmSync(directory, { recursive: true });
const page = [
  `# Engine: cost and truth

<!-- Written by \`npm run bench:engine\`; not by hand. -->

${cpus()[0]?.model ?? 'Unknown CPU'}, ${cpus().length} cores; Node ${(await output(['node', '--version'])).trim().slice(1)}, Bun ${Bun.version}. Everything on loopback: the server on one core, the load on another.
`,
  ...sections,
].join('\n');
mkdirSync(dirname(PAGE), { recursive: true });
writeFileSync(PAGE, page);
console.log(page);

function readPage(): string {
  return existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
}

async function measureCpu(rounds: number, requests: number): Promise<string[]> {
  const tools = allTools();
  const installed = tools.filter(({ command }) => Bun.which(command(0, 0)[0] ?? '') !== null);
  const costs = new Map<string, number[]>(tools.map(({ name }) => [name, []]));
  await withServer(['engine/trivial-server.ts'], [], async (port) => {
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, command, toRequests } of installed) {
        const { text, cpuUs } = await runPinned(command(port, requests));
        costs.get(name)?.push(cpuUs / toRequests(text));
      }
    }
  });
  const wrk = costs.get('wrk') ?? [];
  const rows = tools.map(({ name, isOurs }) => {
    const own = costs.get(name) ?? [];
    if (own.length === 0) return [name, 'not installed'];
    const ratio = median(own.map((cost, round) => cost / (wrk[round] ?? Number.NaN)));
    return [
      name,
      Math.min(...own).toFixed(1),
      median(own).toFixed(1),
      ratio.toFixed(2),
      isOurs ? toVerdict(ratio <= TARGET_WRK_RATIO) : '',
    ];
  });
  return [
    `## CPU per request, closed loop, ${CONNECTIONS} connections`,
    '',
    `User and system time of the whole load process, its start included, over the requests it completed; \`dropless run\` is the engine with plan, histograms and report. ${rounds} interleaved rounds of ${requests.toLocaleString('en')} requests (wrk, which takes only a time: ${WRK_SECONDS} s). The ratio is the median of the rounds' own; the target is at most ${TARGET_WRK_RATIO} × wrk.`,
    '',
    ...toMarkdownTable(
      [
        ['Tool', 'left'],
        ['min µs', 'right'],
        ['median µs', 'right'],
        ['× wrk', 'right'],
        ['target', 'left'],
      ],
      rows,
    ),
  ];
}

async function measureStalls(): Promise<string[]> {
  const isRealTime = Bun.spawnSync([...REAL_TIME, 'true']).success;
  const priority = isRealTime ? REAL_TIME : [];
  const rows: string[][] = [];
  for (const { rate, periodMs, stallMs, seconds } of STALLS) {
    const server = ['engine/stalling-server.ts', `${periodMs}`, `${stallMs}`];
    await withServer(server, priority, async (port) => {
      const truth = QUANTILES.map((quantile) => toAnalytic(quantile, stallMs, periodMs));
      rows.push([`${rate}`, 'analytic', ...truth.map((ms) => ms.toFixed(1)), '', '', '']);
      for (const [runtime, command] of Object.entries(RUNTIMES)) {
        const { text } = await runPinned([
          ...priority,
          command,
          load,
          'open',
          `${port}`,
          `${rate}`,
          `${seconds}`,
        ]);
        const { responseMs, lagMs, ok, requests } = JSON.parse(text) as LoadResult;
        const isTrue = responseMs.every((ms, i) => isClose(ms, truth[i] ?? Number.NaN));
        const isComplete = ok === requests && ok > rate * seconds;
        rows.push([
          `${rate}`,
          runtime,
          ...[...responseMs, ...lagMs].map((ms) => ms.toFixed(1)),
          isComplete ? toVerdict(isTrue) : 'not all answered',
        ]);
      }
    });
  }
  return [
    '## Response time from the intended time, against a server that stalls on schedule',
    '',
    `${STALLS.map(({ rate, periodMs, stallMs }) => `${rate} requests a second: ${stallMs} ms of stall in every ${periodMs} ms`).join('; ')}. The analytic value is exact: the target is within ${TOLERANCE.ratio * 100} % or ${TOLERANCE.ms} ms of it. ${STALLS[0]?.seconds} s after 5 s of warm-up. In ms${isRealTime ? ', with real-time priority for server and load' : ''}.`,
    '',
    ...toMarkdownTable(
      [
        ['Requests/s', 'right'],
        ['', 'left'],
        ['p50', 'right'],
        ['p90', 'right'],
        ['p99', 'right'],
        ['p99.9', 'right'],
        ['lag p50', 'right'],
        ['lag p99', 'right'],
        ['target', 'left'],
      ],
      rows,
    ),
  ];
}

async function measureMemory(requests: number): Promise<string[]> {
  const rows: string[][] = [];
  await withServer(['engine/trivial-server.ts'], [], async (port) => {
    for (const [runtime, command] of Object.entries(RUNTIMES)) {
      const { text } = await runPinned([
        command,
        load,
        'closed',
        `${port}`,
        `${CONNECTIONS}`,
        `${requests}`,
        '3600',
      ]);
      const { memoryMiB } = JSON.parse(text) as LoadResult;
      const quarter = Math.floor(memoryMiB.length / 4);
      const [early, late] = [
        median(memoryMiB.slice(quarter, 2 * quarter)),
        median(memoryMiB.slice(-quarter)),
      ];
      rows.push([
        runtime,
        early.toFixed(0),
        late.toFixed(0),
        Math.max(...memoryMiB).toFixed(0),
        (late / early).toFixed(2),
        toVerdict(late / early <= TARGET_MEMORY_GROWTH),
      ]);
    }
  });
  return [
    `## Memory over ${requests.toLocaleString('en')} requests, closed loop, ${CONNECTIONS} connections`,
    '',
    `Resident MiB, medians of the second and of the last quarter of the requests; flat: the last at most ${TARGET_MEMORY_GROWTH} × the second.`,
    '',
    ...toMarkdownTable(
      [
        ['Runtime', 'left'],
        ['second quarter', 'right'],
        ['last quarter', 'right'],
        ['peak', 'right'],
        ['ratio', 'right'],
        ['target', 'left'],
      ],
      rows,
    ),
  ];
}

function allTools(): Tool[] {
  const url = (port: number) => `http://127.0.0.1:${port}/`;
  const runtimes = Object.entries(RUNTIMES);
  return [
    {
      name: 'wrk',
      command: (port) => ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${WRK_SECONDS}s`, url(port)],
      toRequests: (text) => Number(/(\d+) requests in/.exec(text)?.[1]),
    },
    ...runtimes.map(([runtime, command]) => ({
      name: `engine on ${runtime}`,
      command: (port: number, requests: number) => [
        command,
        load,
        'closed',
        `${port}`,
        `${CONNECTIONS}`,
        `${requests}`,
        '3600',
      ],
      toRequests: (text: string) => (JSON.parse(text) as LoadResult).ok,
      isOurs: true,
    })),
    ...runtimes.map(([runtime, command]) => ({
      name: `dropless run on ${runtime}`,
      command: (port: number, requests: number) => [
        ...[command, LOADTEST, 'run', url(port), '--endpoint', 'GET /', '--no-server-metrics'],
        ...['--closed', `${CONNECTIONS}`, '--count', `${requests}`, '--json', '-'],
      ],
      toRequests: (text: string) => JSON.parse(text).summary.outcomes.ok,
      isOurs: true,
    })),
    {
      name: 'hey',
      command: (port, requests) => ['hey', '-cpus=1', `-c=${CONNECTIONS}`, `-n=${requests}`, url(port)],
      toRequests: (text) => Number(/\[200\]\s+(\d+) responses/.exec(text)?.[1]),
    },
  ];
}

/** How long the share 1 − quantile of requests waits, where arrivals are even and nothing else takes time. */
function toAnalytic(quantile: number, stallMs: number, periodMs: number): number {
  const stalled = stallMs / periodMs;
  return stallMs * Math.max(0, 1 - (1 - quantile) / stalled);
}

function isClose(ms: number, truthMs: number): boolean {
  return Math.abs(ms - truthMs) <= Math.max(TOLERANCE.ms, TOLERANCE.ratio * truthMs);
}

async function withServer(
  program: string[],
  priority: string[],
  use: (port: number) => Promise<void>,
): Promise<void> {
  const [file = '', ...args] = program;
  const server = Bun.spawn(
    ['taskset', '-c', SERVER_CORE, ...priority, process.execPath, join(import.meta.dirname, file), ...args],
    { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' },
  );
  const { value } = await server.stdout.getReader().read();
  await use(Number(new TextDecoder().decode(value)));
  server.stdin.end();
  await server.exited;
}

async function runPinned(command: string[]): Promise<{ text: string; cpuUs: number }> {
  const child = Bun.spawn(['taskset', '-c', LOAD_CORE, ...command], { stdout: 'pipe', stderr: 'ignore' });
  const text = await new Response(child.stdout).text();
  await child.exited;
  return { text, cpuUs: Number(child.resourceUsage()?.cpuTime.total) };
}

function output(command: string[]): Promise<string> {
  return new Response(Bun.spawn(command).stdout).text();
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

function toVerdict(isMet: boolean): string {
  return isMet ? 'met' : '**missed**';
}

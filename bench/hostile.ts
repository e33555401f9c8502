/**
 * Puts load tools before the hostile servers of the tests and compares what they report with what the servers
 * counted; writes the table of docs/hostile-servers.md.
 *
 *   bun bench/hostile.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bed, startBed } from '../test/hostile/bed.ts';
import { MODES } from '../test/hostile/modes.ts';
import { toMarkdownTable } from './table.ts';

const PAGE = join(import.meta.dirname, '../docs/hostile-servers.md');
const [BEGIN, END] = ['<!-- begin: bench:hostile -->', '<!-- end: bench:hostile -->'];
const LOADTEST = join(import.meta.dirname, '../loadtest/main.ts');
const CONNECTIONS = 8;

/** What a tool says of its own requests. */
interface Report {
  readonly ok: number;
  readonly errors: number;
}

interface Tool {
  readonly name: string;
  readonly command: (url: string) => string[];
  readonly toReport: (output: string) => Report;
}

const TOOLS: readonly Tool[] = [
  {
    name: 'wrk',
    command: (url) => ['wrk', '-t1', `-c${CONNECTIONS}`, '-d2s', '--timeout=1s', url],
    toReport: (text) => {
      const failed = numberIn(text, /Non-2xx or 3xx responses: (\d+)/);
      const socketErrors =
        /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text) ?? [];
      return {
        ok: numberIn(text, /(\d+) requests in/) - failed,
        errors: failed + sum(socketErrors.slice(1).map(Number)),
      };
    },
  },
  {
    name: 'hey',
    command: (url) => ['hey', `-c=${CONNECTIONS}`, '-z=2s', '-t=1', url],
    toReport: (text) => {
      const statuses = [...text.matchAll(/\[(\d{3})\]\s+(\d+) responses/g)].map(
        ([, status, n]) => [status, Number(n)] as const,
      );
      const ok = sum(statuses.filter(([status]) => status === '200').map(([, n]) => n));
      const errors = [...(text.split('Error distribution:')[1] ?? '').matchAll(/^\s*\[(\d+)\]/gm)].map(
        ([, n]) => Number(n),
      );
      return { ok, errors: sum(statuses.map(([, n]) => n)) - ok + sum(errors) };
    },
  },
  {
    name: 'dropless',
    command: (url) => [
      process.execPath,
      LOADTEST,
      'run',
      url,
      '--closed',
      `${CONNECTIONS}`,
      '--duration',
      '2s',
      '--timeout',
      '1s',
      '--no-server-metrics',
      '--endpoint',
      'GET /',
      '--json',
      '-',
    ],
    toReport: (text) => {
      // Nothing is sent, and no report made, where the target cannot be reached at the start.
      if (text === '') return { ok: 0, errors: 0 };
      const { outcomes, requests } = JSON.parse(text).summary;
      return { ok: outcomes.ok ?? 0, errors: requests - (outcomes.ok ?? 0) };
    },
  },
];

const modes = MODES.filter(({ isTaste }) => !isTaste);
const cells = new Map<string, string[]>(modes.map(({ name }) => [name, []]));
for (const { name: tool, command, toReport } of TOOLS) {
  if (Bun.which(command('')[0] ?? '') === null) {
    for (const { name } of modes) cells.get(name)?.push('not installed');
    continue;
  }
  const bed = await startBed();
  for (const { name } of modes) {
    const child = Bun.spawn(command(`http://127.0.0.1:${bed.ports[name]}/`), {
      stdout: 'pipe',
      stderr: 'ignore',
    });
    const text = await new Response(child.stdout).text();
    await child.exited;
    const verdict = judge(toReport(text), bed, name);
    console.log(`${tool} ${name}: ${verdict}`);
    cells.get(name)?.push(verdict);
  }
  await bed.close();
}

const table = toMarkdownTable(
  [['Server', 'left'], ['What it does', 'left'], ...TOOLS.map(({ name }) => [name, 'left'] as const)],
  modes.map(({ name, does }) => [name, does, ...(cells.get(name) ?? [])]),
);
const page = readFileSync(PAGE, 'utf8');
const [before = '', after = ''] = [page.split(BEGIN)[0], page.split(END)[1]];
writeFileSync(PAGE, [`${before}${BEGIN}`, '', ...table, '', `${END}${after}`].join('\n'));

/** Both counts are taken as right within the requests that the end of the run cut off, one for each connection. */
function judge({ ok, errors }: Report, bed: Bed, mode: string): string {
  const { received } = bed.count(mode);
  const answered = received.filter(({ outcomes }) => outcomes.includes('ok')).length;
  const faults = [
    tell(ok - answered, 'ok too many', 'ok too few'),
    // Errors of requests that never arrived are nobody's to check, so only too few can be told.
    tell(Math.min(0, ok + errors - received.length), '', 'unaccounted'),
  ].filter((text) => text !== '');
  return faults.length === 0 ? 'true' : `**${faults.join(', ')}** of ${received.length}`;
}

function tell(difference: number, more: string, fewer: string): string {
  if (Math.abs(difference) <= CONNECTIONS) return '';
  return `${Math.abs(difference)} ${difference > 0 ? more : fewer}`;
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Is the memory of `observe` flat? Hours of requests, and a replacement of a pod every 30 s, go through its stretches
 * and its memory of pods on a clock that does not wait. Prints the live heap at the end of each eighth of the time, and
 * fails where that of the last quarter is more than 1.05 times that of the second.
 *
 *   npm run bench:observe [-- HOURS [REQUESTS_PER_SECOND]]
 *
 * The thread that sends, sockets and watches are not part of it.
 */
import { heapStats } from 'bun:jsc';
import type { Settlement } from '../loadtest/engine/settlement.ts';
import type { ObservedTarget } from '../loadtest/observe/observed-target.ts';
import { forgetPast } from '../loadtest/observe/pod-memory.ts';
import { createStretches } from '../loadtest/observe/stretches.ts';
import { DEFAULT_LOAD, toLoadSpec } from '../loadtest/proof/proof-load.ts';
import type { PodEvent } from '../loadtest/proof/timeline.ts';
import { toMarkdownTable } from './table.ts';

const [hours = 2, rate = 500] = process.argv.slice(2).map(Number);
const TICK_MS = 250;
const PERIOD_MS = 30_000;
const PARTS = 8;
const MAX_GROWTH = 1.05;
/** Of 30 s, when a pod comes and another one goes. */
const COURSE: readonly (readonly [atMs: number, who: 'new' | 'old', kind: PodEvent['kind']])[] = [
  [10_000, 'new', 'scheduled'],
  [11_000, 'new', 'ready'],
  [11_000, 'new', 'endpoint-added'],
  [11_000, 'new', 'direct-accepted'],
  [12_000, 'old', 'terminating'],
  [12_250, 'old', 'endpoint-removed'],
  [13_750, 'old', 'direct-refused'],
  [14_000, 'old', 'exited'],
  [14_250, 'old', 'direct-ended'],
  [14_250, 'old', 'gone'],
  // As a server does that keeps idle connections for 5 s.
  ...[17_000, 23_000, 29_000].map((atMs) => [atMs, 'new', 'direct-closed'] as const),
];

let events: readonly PodEvent[] = [];
const target: ObservedTarget = {
  name: 'bench',
  url: new URL('http://bench.test/'),
  get events() {
    return events;
  },
  gaps: [],
  changes: [],
  wanted: 2,
  slackMs: 1_500,
  surgeAdvice: '',
  revisionOf: () => null,
  podOf: () => null,
  podNamed: (text) => text,
  identitiesOf: (pod) => [pod],
  isTarget: () => true,
  confirm: () => Promise.resolve(),
  forget: (beforeMs) => {
    events = forgetPast(events, beforeMs);
  },
  tell: () => Promise.resolve(),
  close: () => {},
};

function emit(atMs: number, pod: string, kind: PodEvent['kind']): void {
  const details = {
    scheduled: { version: 'v1', node: 'n1', isProbed: true },
    terminating: { graceMs: 30_000, preStopMs: 1_000 },
    exited: { code: 0, signal: null },
    'direct-accepted': { uncertainMs: 0 },
    'direct-refused': { uncertainMs: 200 },
    'direct-ended': { uncertainMs: 200 },
    'direct-closed': { idleMs: 5_000 },
  };
  events = [...events, { atMs, pod, kind, ...(details as Record<string, object>)[kind] } as PodEvent];
}

const spec = toLoadSpec(target.url, { ...DEFAULT_LOAD, rate });
const podOf = (number: number) => `web-${number}`;
for (const number of [-1, 0]) {
  for (const kind of ['scheduled', 'ready', 'endpoint-added'] as const) emit(-1_000, podOf(number), kind);
}
let judged = 0;
let lost = 0;
const stretches = createStretches({ tailMs: 5_000, allowed: [] }, spec, target, (stretch) => {
  judged += 1;
  lost += stretch.lost;
});
stretches.begin(0, Date.now());

const endMs = hours * 3_600_000;
const heaps: number[] = [];
let index = 0;
for (let nowMs = 0; nowMs < endMs; nowMs += TICK_MS) {
  const period = Math.floor(nowMs / PERIOD_MS);
  for (const [atMs, who, kind] of COURSE) {
    if (nowMs % PERIOD_MS === atMs) emit(nowMs, podOf(who === 'new' ? period + 1 : period - 1), kind);
  }
  await stretches.look(nowMs);
  const isNew = nowMs % PERIOD_MS >= 11_000;
  for (let sent = 0; sent < (rate * TICK_MS) / 1_000; sent += 1) {
    stretches.add(
      toSettlement(nowMs + (sent * 1_000) / rate, podOf(period - 1 + (index % 2) + (isNew ? 1 : 0))),
    );
  }
  if ((nowMs + TICK_MS) % (endMs / PARTS) === 0) {
    Bun.gc(true);
    heaps.push(heapStats().heapSize);
  }
}
await stretches.finish(endMs);

/** One in a million is lost. */
function toSettlement(intendedMs: number, pod: string): Settlement {
  index += 1;
  const isLost = index % 1_000_000 === 0;
  return {
    index,
    endpoint: index % spec.plan.endpoints.length,
    intendedMs,
    sentMs: intendedMs,
    endMs: intendedMs + 5,
    outcome: isLost ? 'reset' : 'ok',
    status: isLost ? null : 200,
    bytesReceived: isLost ? 0 : 100,
    connection: {
      id: index % 100_000,
      reused: index % 5 > 1,
      setupMs: 1,
      ageMs: 10,
      idleMs: 5,
      requests: 2,
      localPort: 40_000,
      remoteAddress: '10.0.0.1',
    },
    pod,
    version: 'v1',
    detail: null,
    traceId: null,
    from: null,
  };
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
console.log(`${index.toLocaleString('en-US')} requests, ${judged} verdicts, ${lost} lost`);
console.log(
  toMarkdownTable(
    [
      ['Hour', 'right'],
      ['Live heap (MiB)', 'right'],
    ],
    heaps.map((heap, part) => [((hours * (part + 1)) / PARTS).toFixed(2), mib(heap)]),
  ).join('\n'),
);
const mean = (from: number, to: number) =>
  heaps.slice(from, to).reduce((sum, heap) => sum + heap, 0) / (to - from);
const growth = mean((3 * PARTS) / 4, PARTS) / mean(PARTS / 4, PARTS / 2);
console.log(`last quarter / second: ${growth.toFixed(3)}`);
process.exitCode = growth <= MAX_GROWTH ? 0 : 1;

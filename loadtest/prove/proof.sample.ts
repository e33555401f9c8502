import type { Loss } from './attribution.ts';
import type { Proof } from './proof.ts';
import { type PodEvent, toLives } from './timeline.ts';
import { toVerdict } from './verdict.ts';

const events: PodEvent[] = [
  { atMs: -5_000, pod: 'web-old', kind: 'scheduled', version: 'v1', node: 'node-1', isProbed: false },
  { atMs: -4_000, pod: 'web-old', kind: 'ready' },
  { atMs: -4_000, pod: 'web-old', kind: 'endpoint-added' },
  { atMs: 2_000, pod: 'web-new', kind: 'scheduled', version: 'v2', node: 'node-2', isProbed: false },
  { atMs: 2_500, pod: 'web-new', kind: 'started' },
  { atMs: 3_000, pod: 'web-new', kind: 'ready' },
  { atMs: 3_000, pod: 'web-new', kind: 'endpoint-added' },
  { atMs: 4_000, pod: 'web-old', kind: 'terminating', graceMs: 30_000, preStopMs: 1_000 },
  { atMs: 4_100, pod: 'web-old', kind: 'endpoint-removed' },
  { atMs: 6_000, pod: 'web-old', kind: 'exited', code: 143, signal: null },
  { atMs: 6_100, pod: 'web-old', kind: 'gone' },
];

const loss = (index: number, endMs: number): Loss => ({
  settlement: {
    index,
    endpoint: 0,
    intendedMs: endMs - 10,
    sentMs: endMs - 10,
    endMs,
    outcome: 'reset',
    status: null,
    bytesReceived: 0,
    connection: {
      id: 1,
      reused: true,
      setupMs: 0,
      ageMs: 900,
      idleMs: 12,
      requests: 3,
      localPort: 40_000,
      remoteAddress: null,
    },
    pod: 'web-old',
    version: 'v1',
    detail: 'ECONNRESET',
  },
  pod: 'web-old',
  podBy: 'connection',
  phase: 'endpoint removed',
  cause: 'exits-on-sigterm',
  why: 'SIGTERM ended web-old; the request failed 20 ms after SIGTERM',
});

/** A rollout of one pod in 8 s, 100 requests a second, which loses three: for tests of what presents a proof. */
export function createSampleProof(): Proof {
  const losses = [loss(502, 5_020), loss(503, 5_021), loss(590, 5_900)];
  const slots = Array.from({ length: 32 }, (_, index) => ({
    fromMs: index * 250,
    version: index < 20 ? 'v1' : 'v2',
    outcomes: index === 20 ? { ok: 23, reset: 2 } : index === 23 ? { ok: 24, reset: 1 } : { ok: 25 },
  }));
  return {
    disturbance: 'rollout',
    without: [],
    target: 'Deployment web in shop at http://web.test/',
    startedAt: '2030-01-31T12:00:00.000Z',
    durationMs: 8_000,
    endpoints: ['/'],
    planned: 800,
    ok: 797,
    lost: 3,
    givenUp: 0,
    outcomes: { ok: 797, reset: 3 },
    lagP99Ms: 1,
    causes: { 'exits-on-sigterm': 3 },
    losses,
    marks: [
      { atMs: 2_000, text: 'rollout begins' },
      { atMs: 6_200, text: 'quiet again' },
    ],
    lives: [...toLives(events).values()],
    slots,
    leftBehind: [],
    verdict: toVerdict({
      planned: 800,
      ok: 797,
      lost: 3,
      givenUp: 0,
      lostBefore: 0,
      isLedgerClosed: true,
      lagP99Ms: 1,
      lateSeconds: [],
      isInterrupted: false,
      watchGaps: [],
      incomplete: null,
      unseen: [],
      leftBehind: [],
    }),
  };
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Settlement } from '../engine/settlement.ts';
import { toLoss } from './attribution.ts';
import { CAUSES, type CauseId } from './cause.ts';
import type { LossEvidence } from './loss-facts.ts';
import { inferSuspects } from './pod-inference.ts';
import { type PodEvent, type PodPhase, toPodTimelines } from './timeline.ts';

const SLACK_MS = 20;
const ROUND_TRIP_MS = 5;

/** Was ready long before the run. */
const settled: PodEvent[] = [
  { atMs: -3_000, pod: 'a', kind: 'scheduled', version: 'v1', node: 'n1', isProbed: false },
  { atMs: -2_000, pod: 'a', kind: 'ready' },
  { atMs: -2_000, pod: 'a', kind: 'endpoint-added' },
];
/** Deletion at 10 s, SIGTERM at 15 s. */
const terminating: PodEvent[] = [
  ...settled,
  { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 45_000, preStopMs: 5_000 },
  { atMs: 10_010, pod: 'a', kind: 'endpoint-removed' },
];
/** SIGTERM with the deletion. */
const unwarned: PodEvent[] = terminating.map((event) =>
  event.kind === 'terminating' ? { ...event, preStopMs: 0 } : event,
);
/** Deletion at 10 s; nobody knows how long preStop takes. */
const timeless: PodEvent[] = terminating.map((event) =>
  event.kind === 'terminating' ? { ...event, preStopMs: null } : event,
);
const forced: PodEvent[] = [
  ...settled,
  { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 0, preStopMs: 0 },
];
/** Scheduled at 1 s, ready at 2 s. */
const fresh: PodEvent[] = [
  { atMs: 1_000, pod: 'a', kind: 'scheduled', version: 'v2', node: 'n1', isProbed: false },
  { atMs: 2_000, pod: 'a', kind: 'ready' },
  { atMs: 2_000, pod: 'a', kind: 'endpoint-added' },
];
/** Another one, ready at 10 s, whose probe connects to the port that gets the traffic. */
const probed: PodEvent[] = fresh.map((event) => ({
  ...event,
  atMs: event.atMs + 8_000,
  pod: 'y',
  ...(event.kind === 'scheduled' ? { isProbed: true } : {}),
}));
const flapping: PodEvent[] = [
  ...settled,
  { atMs: 50_000, pod: 'a', kind: 'unready' },
  { atMs: 50_000, pod: 'a', kind: 'endpoint-removed' },
  { atMs: 51_000, pod: 'a', kind: 'ready' },
  { atMs: 51_000, pod: 'a', kind: 'endpoint-added' },
];
const exited = (atMs: number, code: number | null, signal: string | null = null): PodEvent => ({
  atMs,
  pod: 'a',
  kind: 'exited',
  code,
  signal,
});
const oomKilled = (atMs: number): PodEvent => ({
  atMs,
  pod: 'a',
  kind: 'exited',
  code: 137,
  signal: null,
  isOomKilled: true,
});
/** Serves all the time. */
const other: PodEvent[] = settled.map((event) => ({ ...event, pod: 'z' }));
const nodeLost: PodEvent[] = [...settled, { atMs: 90_000, pod: 'a', kind: 'node-lost' }];
/** Lost at 90 s, back at 150 s. */
const nodeBack: PodEvent[] = [
  ...other,
  ...nodeLost,
  { atMs: 90_010, pod: 'a', kind: 'unready' },
  { atMs: 90_020, pod: 'a', kind: 'endpoint-removed' },
  { atMs: 150_000, pod: 'a', kind: 'ready' },
  { atMs: 150_010, pod: 'a', kind: 'endpoint-added' },
];

/** Of `a`, from the begin of the load on. */
const probedDirectly: PodEvent[] = [
  { atMs: 0, pod: 'a', kind: 'direct-accepted', uncertainMs: 0 },
  { atMs: 15_200, pod: 'a', kind: 'direct-refused', uncertainMs: 200 },
];

interface Case {
  readonly events: PodEvent[];
  readonly outcome: Settlement['outcome'];
  readonly endMs: number;
  /** From the writing to the failure. Default: a round trip. */
  readonly waitedMs?: number;
  readonly kept?: boolean;
  readonly bytes?: number;
  readonly firstOkMs?: number | null;
  readonly pod?: string | null;
  /** Default: true. */
  readonly isNamed?: boolean;
  /** Default: true. */
  readonly hasAnnounced?: boolean;
}

function toSettlement({
  outcome,
  endMs,
  waitedMs = ROUND_TRIP_MS,
  kept = true,
  bytes = 0,
  pod,
}: Case): Settlement {
  return {
    index: 0,
    from: null,
    endpoint: 0,
    intendedMs: endMs - waitedMs,
    sentMs: ['refused', 'tls', 'not_sent'].includes(outcome) ? null : endMs - waitedMs,
    endMs,
    outcome,
    status: outcome.startsWith('http_') ? Number(outcome.slice(5)) : null,
    bytesReceived: bytes,
    connection:
      outcome === 'refused' || outcome === 'not_sent'
        ? null
        : {
            id: 1,
            reused: kept,
            setupMs: 1,
            ageMs: 100,
            idleMs: 70,
            requests: kept ? 2 : 1,
            localPort: 1,
            remoteAddress: null,
          },
    pod: pod === undefined ? 'a' : pod,
    version: null,
    detail: null,
    traceId: null,
  };
}

/** Evidence of one loss among many successes. */
function toEvidence(
  settlement: Settlement,
  events: readonly PodEvent[],
  given: Partial<LossEvidence> = {},
): LossEvidence {
  const timelines = toPodTimelines(events);
  const evidence = {
    timelines,
    podOf: () => null,
    isNamed: true,
    firstOkMs: () => -1_000,
    slackMs: SLACK_MS,
    idleTimeoutMs: null,
    hasAnnounced: () => true,
    refusers: new Map<number, string>(),
    usualMs: () => ROUND_TRIP_MS,
    ...given,
  };
  const inferred = inferSuspects({
    ...evidence,
    timelines: [...timelines.values()],
    losses: [settlement],
    successes: { slotMs: 50, count: () => 1, lastOkMs: () => null },
    beganMs: 0,
  });
  return { ...evidence, inferred };
}

function blame(given: Case) {
  const settlement = toSettlement(given);
  const firstOkMs = () =>
    given.isNamed === false ? null : given.firstOkMs === undefined ? -1_000 : given.firstOkMs;
  return toLoss(
    settlement,
    toEvidence(settlement, given.events, {
      isNamed: given.isNamed ?? true,
      firstOkMs,
      hasAnnounced: () => given.hasAnnounced ?? true,
    }),
  );
}

const inFlight = 2 * ROUND_TRIP_MS + 10;
const cases: Record<CauseId, readonly (readonly [what: string, given: Case, phase: PodPhase])[]> = {
  'exits-on-sigterm': [
    [
      'ended by the signal',
      { events: [...terminating, exited(15_000, null, 'SIGTERM')], outcome: 'reset', endMs: 15_000 },
      'gone',
    ],
    [
      'ended by the signal, in a shell',
      { events: [...terminating, exited(15_000, 143)], outcome: 'refused', endMs: 14_980 },
      'preStop',
    ],
    [
      'gave up a request in flight',
      { events: [...terminating, exited(16_000, 0)], outcome: 'reset', endMs: 15_000, waitedMs: inFlight },
      'endpoint removed',
    ],
    [
      'ended by the signal in a shell, as late as at once may be seen',
      { events: [...terminating, exited(15_120, 143)], outcome: 'refused', endMs: 15_120 },
      'gone',
    ],
    [
      'ended by the signal, however late',
      { events: [...terminating, exited(15_121, null, 'SIGTERM')], outcome: 'refused', endMs: 15_121 },
      'gone',
    ],
    [
      'a proxy finds nobody after the signal',
      {
        events: [...other, ...terminating, exited(15_000, 143)],
        outcome: 'http_502',
        endMs: 15_100,
        pod: null,
      },
      'gone',
    ],
    [
      'exited at once, of itself, and not well',
      { events: [...terminating, exited(15_120, 1)], outcome: 'reset', endMs: 15_100 },
      'endpoint removed',
    ],
    [
      'exited at once and well, with a request in flight',
      { events: [...terminating, exited(15_120, 0)], outcome: 'reset', endMs: 15_100, waitedMs: inFlight },
      'endpoint removed',
    ],
    [
      'long before its node was taken away',
      {
        events: [...terminating, exited(15_000, 143), { atMs: 50_000, pod: 'a', kind: 'node-lost' }],
        outcome: 'reset',
        endMs: 14_990,
      },
      'preStop',
    ],
    [
      'cut a response',
      { events: [...terminating, exited(16_000, 0)], outcome: 'truncated', endMs: 15_000, bytes: 9 },
      'endpoint removed',
    ],
  ],
  'closes-keep-alive-connections': [
    [
      'in a race after SIGTERM',
      { events: terminating, outcome: 'reset', endMs: 15_000, waitedMs: inFlight - 1 },
      'endpoint removed',
    ],
    [
      'in a race after SIGTERM, and then ended well',
      { events: [...terminating, exited(15_121, 0)], outcome: 'closed_before_response', endMs: 15_121 },
      'gone',
    ],
    [
      'in a race after SIGTERM, having answered all that was in flight, and exited at once',
      {
        events: [...terminating, exited(15_001, 0)],
        outcome: 'reset',
        endMs: 15_001,
        waitedMs: inFlight - 1,
      },
      'gone',
    ],
  ],
  'closes-idle-connections': [
    ['at its idle timeout', { events: settled, outcome: 'reset', endMs: 5_000 }, 'ready'],
    ['with an orderly close', { events: settled, outcome: 'closed_before_response', endMs: 5_000 }, 'ready'],
  ],
  'rejects-while-draining': [
    ['answers 503', { events: terminating, outcome: 'http_503', endMs: 14_980 }, 'preStop'],
    [
      'answers 503 with no preStop',
      { events: unwarned, outcome: 'http_503', endMs: 12_000 },
      'endpoint removed',
    ],
  ],
  'cut-by-drain-limit': [
    [
      'exits 3 s after SIGTERM with a request in flight',
      { events: [...terminating, exited(18_000, 0)], outcome: 'reset', endMs: 18_005, waitedMs: 4_000 },
      'gone',
    ],
    [
      'exits at its limit, with code 1, and had answered in part',
      { events: [...terminating, exited(18_000, 1)], outcome: 'truncated', endMs: 17_990, bytes: 10 },
      'endpoint removed',
    ],
  ],
  'slow-first-requests': [
    [
      'accepts the request and misses the deadline',
      { events: fresh, outcome: 'timeout', endMs: 8_000, waitedMs: 5_000, firstOkMs: 9_000 },
      'ready',
    ],
    [
      'of a pod that is terminated before the deadline',
      {
        events: [...fresh, { atMs: 6_000, pod: 'a', kind: 'terminating', graceMs: 45_000, preStopMs: 5_000 }],
        outcome: 'timeout',
        endMs: 8_000,
        waitedMs: 5_000,
        firstOkMs: 9_000,
      },
      'terminating',
    ],
  ],
  'ignores-sigterm': [
    [
      'killed at the end of grace, and had never announced anything',
      {
        events: [...terminating, exited(55_000, 137)],
        outcome: 'closed_before_response',
        endMs: 55_005,
        hasAnnounced: false,
      },
      'gone',
    ],
  ],
  crashes: [
    [
      'OOMKilled as it drains',
      { events: [...terminating, oomKilled(20_000)], outcome: 'closed_before_response', endMs: 20_003 },
      'gone',
    ],
    ['with code 1', { events: [...settled, exited(5_000, 1)], outcome: 'reset', endMs: 5_000 }, 'unready'],
    [
      'killed for its memory',
      { events: [...settled, exited(5_000, 137)], outcome: 'refused', endMs: 5_200 },
      'unready',
    ],
  ],
  'stops-listening-early': [
    [
      'no new connection after SIGTERM',
      { events: terminating, outcome: 'reset', endMs: 15_100, kept: false },
      'endpoint removed',
    ],
    ['in its preStop hook', { events: terminating, outcome: 'refused', endMs: 10_005 }, 'terminating'],
    [
      'no new connection after it exited at once',
      { events: [...terminating, exited(15_001, 0)], outcome: 'reset', endMs: 15_100, kept: false },
      'gone',
    ],
    [
      'no new connection to a JVM that has drained, and exits 143 then',
      { events: [...terminating, exited(15_121, 143)], outcome: 'refused', endMs: 15_121 },
      'gone',
    ],
    [
      'answers 503 on a new connection',
      { events: terminating, outcome: 'http_503', endMs: 14_980, kept: false },
      'preStop',
    ],
    [
      'takes new connections, and answers nothing on them',
      { events: terminating, outcome: 'timeout', endMs: 20_001, waitedMs: 5_000, kept: false },
      'endpoint removed',
    ],
    [
      'closed after it was killed once, and had come back',
      {
        events: [
          ...settled,
          exited(5_000, 137),
          { atMs: 5_001, pod: 'a', kind: 'unready' },
          { atMs: 6_000, pod: 'a', kind: 'ready' },
          ...terminating.slice(settled.length),
        ],
        outcome: 'reset',
        endMs: 15_100,
        kept: false,
      },
      'endpoint removed',
    ],
    [
      'no handshake, the pod worked out',
      { events: [...terminating, ...other], outcome: 'tls', endMs: 15_100, kept: false, pod: null },
      'endpoint removed',
    ],
    [
      '502 of a proxy, the pod worked out',
      { events: [...terminating, ...other], outcome: 'http_502', endMs: 15_100, pod: null },
      'endpoint removed',
    ],
    [
      '502 of a proxy on a connection on which another pod answered before',
      { events: [...terminating, ...other], outcome: 'http_502', endMs: 15_100, pod: 'z' },
      'endpoint removed',
    ],
    [
      '504 of a proxy, the pod worked out',
      { events: [...terminating, ...other], outcome: 'http_504', endMs: 14_979, pod: null },
      'preStop',
    ],
    [
      'refused beside a new pod that has said nothing, but whose probe has connected to it',
      { events: [...unwarned, ...probed], outcome: 'refused', endMs: 10_100, pod: null, firstOkMs: null },
      'endpoint removed',
    ],
    [
      'refused, the pod worked out',
      { events: [...terminating, ...other], outcome: 'refused', endMs: 15_100, pod: null },
      'endpoint removed',
    ],
  ],
  'ready-too-early': [
    [
      'refused by a new pod',
      { events: fresh, outcome: 'refused', endMs: 2_100, pod: null, firstOkMs: 2_500 },
      'ready',
    ],
    [
      '502 of a proxy for a new pod',
      { events: fresh, outcome: 'http_502', endMs: 2_100, pod: null, firstOkMs: 2_500 },
      'ready',
    ],
    [
      'another body of a new pod',
      { events: fresh, outcome: 'wrong_body', endMs: 2_100, firstOkMs: 2_500, bytes: 9 },
      'ready',
    ],
    ['503 of a new pod', { events: fresh, outcome: 'http_503', endMs: 2_499, firstOkMs: 2_500 }, 'ready'],
    ['500 of a new pod', { events: fresh, outcome: 'http_500', endMs: 62_000, firstOkMs: 62_001 }, 'ready'],
    [
      'never took a connection',
      { events: fresh, outcome: 'refused', endMs: 62_000, pod: null, firstOkMs: null },
      'ready',
    ],
    [
      'answers that name no pod tell nothing',
      { events: fresh, outcome: 'http_500', endMs: 2_100, pod: null, isNamed: false },
      'ready',
    ],
  ],
  'killed-at-grace-end': [
    [
      'after SIGTERM was ignored',
      { events: [...terminating, exited(55_000, null, 'SIGKILL')], outcome: 'reset', endMs: 54_980 },
      'endpoint removed',
    ],
    [
      'as the kubelet reports it',
      { events: [...terminating, exited(55_000, 137)], outcome: 'truncated', endMs: 55_000, bytes: 4 },
      'gone',
    ],
    [
      'deleted by force, with a request of before on a new connection, and before its successor was ready',
      {
        events: [...forced, ...fresh.map((event) => ({ ...event, pod: 'b', atMs: event.atMs + 10_000 }))],
        outcome: 'closed_before_response',
        endMs: 13_000,
        waitedMs: 3_500,
        kept: false,
        pod: null,
        firstOkMs: 13_500,
      },
      'terminating',
    ],
    ['deleted by force', { events: forced, outcome: 'reset', endMs: 10_000 }, 'terminating'],
    [
      '502 of a proxy after force',
      { events: forced, outcome: 'http_502', endMs: 10_100, pod: null },
      'terminating',
    ],
    ['refused after force', { events: forced, outcome: 'refused', endMs: 10_100, pod: null }, 'terminating'],
  ],
  'too-little-capacity': [
    ['429', { events: settled, outcome: 'http_429', endMs: 5_000 }, 'ready'],
    ['503', { events: settled, outcome: 'http_503', endMs: 5_000 }, 'ready'],
    ['504', { events: settled, outcome: 'http_504', endMs: 5_000 }, 'ready'],
    ['too slow', { events: settled, outcome: 'timeout', endMs: 9_000, waitedMs: 5_000 }, 'ready'],
    [
      'too slow already when it was deleted, on a new connection',
      { events: terminating, outcome: 'timeout', endMs: 14_979, waitedMs: 5_000, kept: false },
      'preStop',
    ],
    [
      'too slow already when it was deleted',
      { events: terminating, outcome: 'timeout', endMs: 14_979, waitedMs: 5_000 },
      'preStop',
    ],
    [
      'too slow long after a crash that is over',
      {
        events: [
          ...settled,
          exited(10_000, 137),
          { atMs: 10_001, pod: 'a', kind: 'unready' },
          { atMs: 12_000, pod: 'a', kind: 'ready' },
        ],
        outcome: 'timeout',
        endMs: 305_000,
        waitedMs: 5_000,
      },
      'ready',
    ],
    [
      '504 of a proxy before pods that serve',
      { events: settled, outcome: 'http_504', endMs: 5_000, pod: null },
      'unknown',
    ],
    ['503 before SIGTERM', { events: terminating, outcome: 'http_503', endMs: 14_979 }, 'preStop'],
    ['no pod known', { events: settled, outcome: 'not_sent', endMs: 9_000, pod: null }, 'unknown'],
    [
      'no endpoint at all',
      {
        events: [...settled, { atMs: 3_000, pod: 'a', kind: 'endpoint-removed' }],
        outcome: 'refused',
        endMs: 20_000,
        pod: null,
      },
      'unknown',
    ],
  ],
  'readiness-flaps': [
    ['before it shows', { events: flapping, outcome: 'http_503', endMs: 20_000 }, 'ready'],
    ['while it shows', { events: flapping, outcome: 'http_500', endMs: 50_500 }, 'unready'],
    ['just after', { events: flapping, outcome: 'timeout', endMs: 80_999 }, 'ready'],
    ['no endpoint left', { events: flapping, outcome: 'refused', endMs: 50_500, pod: null }, 'unknown'],
  ],
  'node-lost': [
    [
      'silence, noticed later',
      { events: nodeLost, outcome: 'timeout', endMs: 30_000, waitedMs: 5_000 },
      'ready',
    ],
    ['no connection', { events: nodeLost, outcome: 'connect_timeout', endMs: 45_000, pod: null }, 'ready'],
    ['502 of a proxy', { events: nodeLost, outcome: 'http_502', endMs: 45_000, pod: null }, 'ready'],
    ['no route', { events: nodeLost, outcome: 'refused', endMs: 95_000, pod: null }, 'ready'],
    [
      'a port that is still led there, long after its endpoint went',
      { events: nodeBack, outcome: 'connect_timeout', endMs: 149_000, pod: null },
      'unready',
    ],
    [
      'a port that is still led there, after the node came back',
      { events: nodeBack, outcome: 'refused', endMs: 269_999, pod: null },
      'ready',
    ],
    [
      'the way to a pod elsewhere',
      { events: nodeBack, outcome: 'timeout', endMs: 40_000, waitedMs: 5_000, pod: 'z' },
      'ready',
    ],
  ],
  unknown: [
    [
      '502 of the pod itself, while another one ends',
      { events: [...terminating, ...other], outcome: 'http_502', endMs: 15_100, kept: false, pod: 'z' },
      'ready',
    ],
    ['502 while nobody changes', { events: settled, outcome: 'http_502', endMs: 5_000 }, 'ready'],
    [
      '502 of nobody while nobody changes',
      { events: settled, outcome: 'http_502', endMs: 5_000, pod: null },
      'unknown',
    ],
    [
      'no handshake while nobody changes',
      { events: settled, outcome: 'tls', endMs: 5_000, kept: false, pod: null },
      'unknown',
    ],
    [
      'a new pod that has never answered, and never will',
      { events: fresh, outcome: 'http_500', endMs: 2_100, firstOkMs: null },
      'ready',
    ],
    [
      'a new pod that takes connections and answers nothing',
      { events: fresh, outcome: 'timeout', endMs: 7_100, waitedMs: 5_000, firstOkMs: null },
      'ready',
    ],
    ['an error of the application', { events: settled, outcome: 'http_500', endMs: 5_000 }, 'ready'],
    ['a pod never seen', { events: [], outcome: 'reset', endMs: 5_000 }, 'unknown'],
    ['nobody to blame', { events: settled, outcome: 'refused', endMs: 5_000, pod: null }, 'unknown'],
    [
      'a 503 of an old pod past 60 s as new',
      { events: fresh, outcome: 'http_500', endMs: 62_001, firstOkMs: null },
      'ready',
    ],
    [
      'long after a node came back',
      { events: nodeBack, outcome: 'refused', endMs: 270_000, pod: null },
      'unknown',
    ],
    [
      'an error of a pod elsewhere',
      { events: nodeBack, outcome: 'http_500', endMs: 95_000, pod: 'z' },
      'ready',
    ],
    ['silence long before', { events: nodeLost, outcome: 'protocol_error', endMs: 29_999 }, 'ready'],
    ['another body', { events: settled, outcome: 'wrong_body', endMs: 5_000, bytes: 9 }, 'ready'],
    [
      'another body while terminating',
      { events: terminating, outcome: 'wrong_body', endMs: 12_000 },
      'preStop',
    ],
    [
      'a stream without its end while nobody changes',
      { events: settled, outcome: 'truncated', endMs: 5_000, bytes: 9 },
      'ready',
    ],
    ['500 while terminating', { events: terminating, outcome: 'http_500', endMs: 12_000 }, 'preStop'],
    [
      'a request in flight, cut by a pod whose SIGTERM is not known',
      { events: timeless, outcome: 'reset', endMs: 12_000, waitedMs: 5_000 },
      'preStop or later',
    ],
    [
      '503 of a pod whose SIGTERM is not known',
      { events: timeless, outcome: 'http_503', endMs: 12_000 },
      'preStop or later',
    ],
    ['500 long before it flapped', { events: flapping, outcome: 'http_500', endMs: 19_999 }, 'ready'],
    ['500 long after it flapped', { events: flapping, outcome: 'http_500', endMs: 81_000 }, 'ready'],
  ],
};

for (const [cause, list] of Object.entries(cases)) {
  describe(`toLoss() blames ${CAUSES[cause as CauseId].title}`, () => {
    for (const [what, given, phase] of list) {
      test(what, () => {
        const loss = blame(given);
        assert.deepEqual([loss.cause, loss.phase], [cause, phase], loss.why);
        assert.notEqual(loss.why, '');
      });
    }
  });
}

describe('toLoss() of a rollout in which a pod is new and another is terminating', () => {
  const young = fresh.map((event) => ({ ...event, pod: 'b', atMs: event.atMs + 8_100 }));
  const at = (
    endMs: number,
    firstOk: (pod: string, endpoint: number | null) => number | null,
    old: readonly PodEvent[] = unwarned,
  ) => {
    const events = [...old, ...young];
    const settlement = toSettlement({ events, outcome: 'refused', endMs, pod: null });
    return toLoss(settlement, toEvidence(settlement, events, { firstOkMs: firstOk, slackMs: 1_500 }));
  };

  test('the new one, which has answered anything, did not refuse', () => {
    const loss = at(10_300, (pod, endpoint) => (pod === 'a' ? -1_000 : endpoint === null ? 10_200 : 10_400));
    assert.deepEqual([loss.pod, loss.cause], ['a', 'stops-listening-early']);
  });

  test('the new one, not an endpoint yet, did not refuse', () => {
    const loss = at(9_849, (pod) => (pod === 'a' ? -1_000 : 10_200));
    assert.deepEqual([loss.pod, loss.cause], ['a', 'stops-listening-early']);
  });

  test('either may have, before the new one has answered anything', () => {
    assert.equal(at(10_150, (pod) => (pod === 'a' ? -1_000 : 10_200)).cause, 'unknown');
  });

  test('the new one left it without a response, though it answered others before the deadline', () => {
    const events = [...terminating, ...young];
    const settlement = toSettlement({
      events,
      outcome: 'timeout',
      endMs: 15_200,
      waitedMs: 5_000,
      kept: false,
      pod: null,
    });
    const firstOk = (pod: string) => (pod === 'a' ? -1_000 : 12_000);
    const loss = toLoss(settlement, toEvidence(settlement, events, { firstOkMs: firstOk, slackMs: 1_500 }));
    assert.deepEqual([loss.pod, loss.cause], ['b', 'slow-first-requests']);
  });

  test('the old one, whose preStop sleeps, serves on: it did not', () => {
    const loss = at(10_150, (pod) => (pod === 'a' ? -1_000 : 10_200), terminating);
    assert.deepEqual([loss.pod, loss.cause], ['b', 'ready-too-early']);
  });

  test('either may have, where it is not known when the old one was sent SIGTERM', () => {
    assert.equal(at(10_150, (pod) => (pod === 'a' ? -1_000 : 10_200), timeless).cause, 'unknown');
  });

  test('the old one is blamed in its preStop all the same where nobody else can have', () => {
    const loss = at(10_150, () => -1_000, terminating);
    assert.deepEqual([loss.pod, loss.cause], ['a', 'stops-listening-early']);
  });
});

describe('toLoss() of a pod whose preStop takes nobody knows how long', () => {
  for (const [what, given, cause] of [
    ['a refused connection', { outcome: 'refused', kept: false }, 'stops-listening-early'],
    ['a keep-alive connection', { outcome: 'reset' }, 'closes-keep-alive-connections'],
    ['a request in flight', { outcome: 'closed_before_response', waitedMs: 5_000 }, 'unknown'],
    ['503', { outcome: 'http_503' }, 'unknown'],
    ['an exit that SIGTERM alone would explain', { outcome: 'reset', exit: 143, waitedMs: 5_000 }, 'unknown'],
  ] as const) {
    test(`${what} is not blamed on a moment of SIGTERM`, () => {
      const exit = 'exit' in given ? [exited(10_050, given.exit)] : [];
      const loss = blame({ events: [...timeless, ...exit], endMs: 10_100, ...given });
      assert.equal(loss.cause, cause, loss.why);
      assert.match(loss.why, /, and it is not known when it was sent SIGTERM/);
    });
  }
});

describe('toLoss()', () => {
  test('prefers the way a connection took to the name on its responses', () => {
    const settlement = toSettlement({ events: [], outcome: 'reset', endMs: 15_000, pod: 'other' });
    const loss = toLoss(settlement, toEvidence(settlement, terminating, { podOf: () => 'a' }));
    assert.deepEqual([loss.pod, loss.podBy], ['a', 'connection']);
  });

  test('says how it knows the pod', () => {
    assert.equal(blame({ events: terminating, outcome: 'reset', endMs: 15_000 }).podBy, 'connection');
    const worked = blame({
      events: [...terminating, ...other],
      outcome: 'refused',
      endMs: 15_000,
      pod: null,
    });
    assert.deepEqual([worked.pod, worked.podBy], ['a', 'elimination']);
    const nobody = blame({ events: settled, outcome: 'refused', endMs: 15_000, pod: null });
    assert.deepEqual([nobody.pod, nobody.podBy], [null, null]);
  });

  test('names no pod where two can have done it, and the cause only where they agree', () => {
    const rename = (events: readonly PodEvent[]) => events.map((event) => ({ ...event, pod: 'b' }));
    const given = { outcome: 'refused', endMs: 15_100, pod: null } as const;
    const agreed = blame({ ...given, events: [...other, ...terminating, ...rename(terminating)] });
    assert.deepEqual([agreed.pod, agreed.cause], [null, 'stops-listening-early']);
    assert.match(agreed.why, /one of a, b/);
    const torn = blame({
      ...given,
      endMs: 11_000,
      events: [...unwarned, ...rename(nodeLost).map((e) => ({ ...e, atMs: e.atMs / 2 }))],
    });
    assert.deepEqual([torn.pod, torn.cause], [null, 'unknown']);
  });

  test('prefers the pod whose endpoint went a moment ago to one whose went seconds before', () => {
    const earlier = unwarned.map((event) => ({ ...event, pod: 'b', atMs: event.atMs - 5_000 }));
    const events = [...other, ...unwarned, ...earlier];
    const at = (endMs: number) => blame({ events, outcome: 'refused', endMs, pod: null });
    assert.deepEqual([at(12_009).pod, at(12_009).podBy], ['a', 'elimination']);
    assert.equal(at(14_000).pod, null);
  });

  describe('where answers name no pod', () => {
    /** `b` is ready 5 s before `a` is deleted, as in a rollout. */
    const rollout = [
      ...terminating,
      ...fresh.map((event) => ({ ...event, pod: 'b', atMs: event.atMs + 3_000 })),
    ];
    const lostNode = rollout.map((event) =>
      event.kind === 'terminating' ? ({ atMs: event.atMs, pod: 'a', kind: 'node-lost' } as const) : event,
    );
    for (const [what, given, expected] of [
      [
        'blames the pod that ends',
        { events: rollout, endMs: 15_100 },
        ['a', 'elimination', 'stops-listening-early'],
      ],
      [
        'blames it 10 s after its endpoint went',
        { events: rollout, endMs: 20_009 },
        ['a', 'elimination', 'stops-listening-early'],
      ],
      [
        'blames the new pod only later than that',
        { events: rollout, endMs: 20_010 },
        ['b', 'elimination', 'ready-too-early'],
      ],
      [
        'blames the new pod as long as nobody ends',
        { events: rollout, endMs: 9_979 },
        ['b', 'elimination', 'ready-too-early'],
      ],
      [
        'blames a lost node before the new pod',
        { events: lostNode, endMs: 30_000 },
        ['a', 'elimination', 'node-lost'],
      ],
    ] as const) {
      test(what, () => {
        const { pod, podBy, cause } = blame({ outcome: 'refused', pod: null, isNamed: false, ...given });
        assert.deepEqual([pod, podBy, cause], expected);
      });
    }

    test('blames whoever refused direct probes, whatever else is likelier', () => {
      const settlement = toSettlement({ events: [], outcome: 'refused', endMs: 15_100, pod: null });
      const { pod, podBy, cause, why } = toLoss(
        settlement,
        toEvidence(settlement, [...rollout, ...probedDirectly], {
          isNamed: false,
          firstOkMs: () => null,
          refusers: new Map([[settlement.index, 'a']]),
        }),
      );
      assert.deepEqual([pod, podBy, cause], ['a', 'direct-probe', 'stops-listening-early']);
      assert.match(why, /; direct probes: accepted until 15\.00 s and refused from 15\.20 s on$/);
    });

    test('does not suspect a pod that accepted direct probes then', () => {
      const { pod } = blame({
        events: [...rollout, ...probedDirectly],
        outcome: 'refused',
        endMs: 14_000,
        pod: null,
        isNamed: false,
      });
      assert.equal(pod, 'b', 'it is the only one of which that is not known');
    });

    test('does not say that the new pod never answered', () => {
      const { why } = blame({ events: fresh, outcome: 'refused', endMs: 2_100, pod: null, isNamed: false });
      assert.equal(why, 'a was ready for 100 ms, and no response shows whether it had answered');
    });
  });

  test('takes the new pod for a suspect beside the one that ends where its responses are known to come later', () => {
    const untried = fresh.map((event) => ({ ...event, pod: 'b', atMs: event.atMs + 3_000 }));
    const { pod, cause } = blame({
      events: [...unwarned, ...untried],
      outcome: 'refused',
      endMs: 11_000,
      pod: null,
      firstOkMs: 16_000,
    });
    assert.deepEqual([pod, cause], [null, 'unknown']);
  });

  test('takes a 502 for that of the pod that the way leads to', () => {
    const settlement = toSettlement({ events: [], outcome: 'http_502', endMs: 15_100, pod: null });
    const events = [...terminating, ...other];
    const { pod, cause } = toLoss(settlement, toEvidence(settlement, events, { podOf: () => 'z' }));
    assert.deepEqual([pod, cause], ['z', 'unknown']);
  });

  for (const [what, given, why] of [
    [
      'a node that was lost',
      { events: nodeLost, outcome: 'timeout', endMs: 95_000 },
      'the node n1 of a was lost (seen at 90.0 s)',
    ],
    [
      'a way over a lost node',
      { events: nodeBack, outcome: 'timeout', endMs: 40_000, waitedMs: 5_000, pod: 'z' },
      'z was ready, and the route to it may have gone through node n1, which was lost (seen at 90.0 s)',
    ],
    [
      'an end by itself, with its code',
      { events: [...settled, exited(5_000, 3)], outcome: 'reset', endMs: 5_010 },
      'the process of a exited without being asked to with code 3',
    ],
    [
      'an end by itself, with its signal',
      { events: [...settled, exited(5_000, null, 'SIGSEGV')], outcome: 'reset', endMs: 5_010 },
      'the process of a exited without being asked to by SIGSEGV',
    ],
    [
      'a new pod that never answered',
      { events: fresh, outcome: 'http_500', endMs: 2_100, firstOkMs: null },
      'a is new, and never answered this endpoint: broken, not early',
    ],
    [
      'a new pod that never took a connection',
      { events: fresh, outcome: 'refused', endMs: 2_100, firstOkMs: null },
      'a was ready for 100 ms, and never answered this endpoint',
    ],
    [
      'readiness that flaps',
      { events: flapping, outcome: 'http_500', endMs: 50_500 },
      'a became unready around that time without being terminated',
    ],
    [
      'readiness that flaps, of all there are',
      { events: flapping, outcome: 'refused', endMs: 50_500, pod: null },
      'no pod was a ready endpoint, and a had turned unready',
    ],
    [
      'too much load, refused',
      { events: settled, outcome: 'http_429', endMs: 5_000 },
      'a was ready and answered 429',
    ],
    [
      'too much load, in silence',
      { events: settled, outcome: 'timeout', endMs: 9_000, waitedMs: 5_000 },
      'a was ready and did not answer in time',
    ],
    [
      'no end to a plan',
      { events: settled, outcome: 'unfinished', endMs: 9_000, waitedMs: 5_000 },
      'a was ready and did not answer in time',
    ],
    [
      'a connection closed when it was idle',
      { events: settled, outcome: 'closed_before_response', endMs: 5_000 },
      'a was ready and closed a connection that had been idle for 70 ms',
    ],
    [
      'what nothing explains',
      { events: settled, outcome: 'http_500', endMs: 5_000 },
      'a was ready and the request ended as http_500',
    ],
    ['a pod never seen', { events: [], outcome: 'reset', endMs: 5_000 }, 'no timeline was recorded for a'],
    [
      'force',
      { events: forced, outcome: 'reset', endMs: 10_100 },
      'a was deleted with grace period 0: killed at once',
    ],
    [
      'a kill at the end of the grace period',
      { events: [...terminating, exited(55_000, 137)], outcome: 'reset', endMs: 55_010 },
      'a was killed 40000 ms after SIGTERM',
    ],
    [
      'an end by SIGTERM, as the request failed before it was seen',
      { events: [...terminating, exited(15_000, null, 'SIGTERM')], outcome: 'reset', endMs: 14_990 },
      'SIGTERM ended a; the request failed 10 ms before SIGTERM',
    ],
    [
      'an end by SIGTERM at the very moment',
      { events: [...terminating, exited(15_000, null, 'SIGTERM')], outcome: 'reset', endMs: 15_000 },
      'SIGTERM ended a; the request failed 0 ms after SIGTERM',
    ],
    [
      'a request too slow before the end',
      { events: terminating, outcome: 'timeout', endMs: 14_979, waitedMs: 5_000 },
      'a received the request before it began terminating, and did not answer in time',
    ],
    [
      'an exit at once',
      { events: [...terminating, exited(15_050, 1)], outcome: 'reset', endMs: 15_060 },
      'a exited 50 ms after SIGTERM',
    ],
    [
      'a request given up',
      { events: terminating, outcome: 'reset', endMs: 15_100, waitedMs: 60 },
      'a dropped a request that had been in flight for 60 ms 100 ms after SIGTERM',
    ],
    [
      'a keep-alive connection closed',
      { events: terminating, outcome: 'reset', endMs: 15_100 },
      'a closed a keep-alive connection 100 ms after SIGTERM',
    ],
    [
      'silence on a new connection',
      { events: terminating, outcome: 'timeout', endMs: 20_001, waitedMs: 5_000, kept: false },
      'a gave no response on a fresh connection 5001 ms after SIGTERM',
    ],
    [
      'a refusal before SIGTERM',
      { events: terminating, outcome: 'http_503', endMs: 14_979 },
      'a had not been sent SIGTERM and answered 503',
    ],
    [
      'a refusal after SIGTERM',
      { events: terminating, outcome: 'http_503', endMs: 15_001 },
      'a answered 503 on an open connection 1 ms after SIGTERM',
    ],
    [
      'what nothing explains of a pod that ends',
      { events: terminating, outcome: 'http_500', endMs: 15_001 },
      'a was terminating and the request ended as http_500',
    ],
    [
      'no endpoint',
      {
        events: [...settled, { atMs: 3_000, pod: 'a', kind: 'endpoint-removed' }],
        outcome: 'refused',
        endMs: 40_000,
        pod: null,
      },
      'no pod was a ready endpoint',
    ],
    [
      'too much load for all',
      { events: settled, outcome: 'not_sent', endMs: 9_000, pod: null },
      'every pod that could be reached was ready; there were 1',
    ],
    [
      'what nothing explains of any pod',
      { events: settled, outcome: 'refused', endMs: 5_000, pod: null },
      'no pod that could be reached was starting, terminating or unready',
    ],
    [
      'a run that saw no pod',
      { events: [], outcome: 'refused', endMs: 5_000, pod: null },
      'no pod that could be reached was starting, terminating or unready',
    ],
    [
      'two pods at odds',
      {
        events: [...unwarned, ...fresh.map((event) => ({ ...event, pod: 'b', atMs: event.atMs + 3_000 }))],
        outcome: 'refused',
        endMs: 11_000,
        pod: null,
        firstOkMs: 16_000,
      },
      'any of b, a could have caused it',
    ],
  ] as const satisfies readonly (readonly [string, Case, string])[]) {
    test(`says of ${what}: ${why}`, () => {
      assert.equal(blame(given).why, why);
    });
  }

  for (const [what, given, cause] of [
    [
      'no handshake with a new pod that has never answered',
      { events: fresh, outcome: 'tls', endMs: 2_100, firstOkMs: null },
      'ready-too-early',
    ],
    [
      'no connection to a new pod that has never answered',
      { events: fresh, outcome: 'connect_timeout', endMs: 2_100, firstOkMs: null },
      'ready-too-early',
    ],
    [
      'a new pod as it first answers',
      { events: fresh, outcome: 'http_500', endMs: 2_500, firstOkMs: 2_500 },
      'unknown',
    ],
    [
      'a probed new pod that answers a connection badly',
      { events: probed, outcome: 'http_500', endMs: 10_100, pod: 'y', firstOkMs: 10_500 },
      'ready-too-early',
    ],
    [
      'a pod that was unready only because it ends, before it is known to end',
      {
        events: [
          ...settled,
          { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 45_000, preStopMs: 5_000 },
          { atMs: 10_010, pod: 'a', kind: 'unready' },
        ],
        outcome: 'http_500',
        endMs: 9_000,
      },
      'unknown',
    ],
    [
      'a pod that turned unready as it was deleted',
      {
        events: [
          ...settled,
          { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 45_000, preStopMs: 5_000 },
          { atMs: 10_000, pod: 'a', kind: 'unready' },
        ],
        outcome: 'http_500',
        endMs: 9_000,
      },
      'unknown',
    ],
    [
      'a pod that turned unready before it was deleted',
      {
        events: [
          ...settled,
          { atMs: 9_999, pod: 'a', kind: 'unready' },
          { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 45_000, preStopMs: 5_000 },
        ],
        outcome: 'http_500',
        endMs: 9_000,
      },
      'readiness-flaps',
    ],
    [
      'silence longer than a node keeps before it is found lost',
      { events: nodeLost, outcome: 'timeout', endMs: 29_999, waitedMs: 5_000 },
      'too-little-capacity',
    ],
    [
      'a request that was never written, in a pod that ends',
      { events: terminating, outcome: 'tls', endMs: 15_100 },
      'closes-keep-alive-connections',
    ],
  ] as const satisfies readonly (readonly [string, Case, CauseId])[]) {
    test(`blames ${CAUSES[cause].title} for ${what}`, () => {
      const loss = blame(given);
      assert.equal(loss.cause, cause, loss.why);
    });
  }

  test('states its facts with times', () => {
    assert.equal(
      blame({ events: [...terminating, ...other], outcome: 'http_502', endMs: 15_012, pod: null }).why,
      'a proxy answered 502 for a 12 ms after SIGTERM',
    );
    assert.equal(
      blame({ events: terminating, outcome: 'reset', endMs: 15_012, kept: false }).why,
      'a accepted no fresh connection 12 ms after SIGTERM',
    );
    assert.equal(
      blame({ events: fresh, outcome: 'http_503', endMs: 2_100, firstOkMs: 2_500 }).why,
      'a was ready for 100 ms, and first answered this endpoint 400 ms later',
    );
  });
});

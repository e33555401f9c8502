import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type HazardId, toExpectedLosses } from './hazard.ts';
import { findHazards, type HazardEvidence } from './hazard-search.ts';
import { toPodMargins } from './margin.ts';
import type { PodConnection } from './pod-connections.ts';
import { type PodEvent, toPodTimelines } from './timeline.ts';

const exited = (atMs: number, code: number | null = 0, signal: string | null = null): PodEvent => ({
  atMs,
  pod: 'a',
  kind: 'exited',
  code,
  signal,
});
/** Ready since before the load, deleted at 10 s, SIGTERM at 15 s. */
const ending: readonly PodEvent[] = [
  { atMs: -2_000, pod: 'a', kind: 'ready' },
  { atMs: -2_000, pod: 'a', kind: 'endpoint-added' },
  { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 30_000, preStopMs: 5_000 },
  { atMs: 10_050, pod: 'a', kind: 'endpoint-removed' },
];
const ended: readonly PodEvent[] = [...ending, exited(20_000)];
const serving = (pod: string): PodEvent[] => [
  { atMs: -2_000, pod, kind: 'ready' },
  { atMs: -2_000, pod, kind: 'endpoint-added' },
];
/** Direct probes were accepted, and saw a connection closed that had been idle for 5 s. */
const probedClose = (pod: string, atMs: number): PodEvent[] => [
  { atMs: -1_000, pod, kind: 'direct-accepted', uncertainMs: 0 },
  { atMs, pod, kind: 'direct-closed', idleMs: 5_000 },
];
const fresh: readonly PodEvent[] = [
  { atMs: 8_000, pod: 'b', kind: 'ready' },
  { atMs: 8_100, pod: 'b', kind: 'endpoint-added' },
];

/** Opened at the start, with ten requests a second until it was idle. */
function closed(changes: Partial<PodConnection> = {}): PodConnection {
  const { endMs = 15_002, idleMs = 80 } = changes;
  return {
    id: 1,
    from: null,
    role: 'kept',
    ending: 'closed_in_silence',
    openedMs: endMs - 1_000,
    establishedMs: endMs - 1_000,
    endMs,
    idleMs,
    requests: 10,
    localPort: null,
    remoteAddress: null,
    pod: 'a',
    version: null,
    ...changes,
  };
}

function search({
  events = [...ended, ...serving('y'), ...serving('z')],
  lastOpenedMs = 10_500,
  ...given
}: Partial<HazardEvidence> & { events?: readonly PodEvent[]; lastOpenedMs?: number } = {}) {
  const timelines = [...toPodTimelines(events).values()];
  return findHazards({
    timelines,
    margins: timelines.map((timeline) =>
      toPodMargins(timeline, {
        lastOpenings: () => new Map([[null, lastOpenedMs]]),
        firstOk: () => ({ ms: 9_000, from: null }),
      }),
    ),
    closedInSilence: [],
    beganMs: 5_000,
    endMs: 25_000,
    deadlineMs: 5_000,
    endpoints: [{ name: '/', usualMs: 5, beforeP99Ms: 20, duringP99Ms: 30 }],
    firstServiceMs: () => 10,
    slackMs: 120,
    surgeAdvice: 'Add replicas.',
    ...given,
  });
}

describe('findHazards()', () => {
  const cases: readonly (readonly [string, Parameters<typeof search>[0], readonly HazardId[]])[] = [
    ['a pod that ends as it should', {}, []],
    [
      'one that closes a connection at SIGTERM',
      { closedInSilence: [closed()] },
      ['silent-close-while-draining'],
    ],
    [
      'one of unknown name that does',
      { closedInSilence: [closed({ pod: null })] },
      ['silent-close-while-draining'],
    ],
    [
      'a connection in use that is closed 4 s after SIGTERM',
      { closedInSilence: [closed({ endMs: 19_000 })] },
      ['silent-close-while-draining'],
    ],
    [
      'a connection that carried nothing in 4 s of lame duck',
      { closedInSilence: [closed({ endMs: 19_000, idleMs: 4_100 })] },
      [],
    ],
    [
      'a connection that carried nothing, of a pod that left at once',
      { closedInSilence: [closed({ endMs: 15_100, idleMs: 4_100 })] },
      ['silent-close-while-draining'],
    ],
    [
      'an idle connection of the direct probes that is closed after 5 s',
      { events: [...ended, ...serving('y'), ...probedClose('z', 8_000), ...serving('z')] },
      ['short-idle-timeout'],
    ],
    [
      'one of the direct probes that is closed as the pod ends',
      { events: [...ended, ...serving('y'), ...serving('z'), ...probedClose('a', 15_050)] },
      [],
    ],
    ['one left idle on purpose, as the pod ends', { closedInSilence: [closed({ role: 'idle' })] }, []],
    [
      'one left idle on purpose, closed after 5 s',
      { closedInSilence: [closed({ role: 'idle', endMs: 6_000, idleMs: 5_001 })] },
      ['short-idle-timeout'],
    ],
    [
      'one left idle on purpose, closed after 65 s',
      { closedInSilence: [closed({ role: 'idle', endMs: 6_000, idleMs: 65_000 })] },
      [],
    ],
    [
      'one closed by the crash of its pod',
      {
        events: [...serving('a'), exited(6_000, 1), ...serving('y'), ...serving('z')],
        closedInSilence: [closed({ endMs: 6_002 })],
      },
      [],
    ],
    ['an endpoint used until 1 s before SIGTERM', { lastOpenedMs: 14_000 }, ['late-endpoint']],
    ['an endpoint used until 2 s before SIGTERM', { lastOpenedMs: 13_000 }, []],
    ['an endpoint used after SIGTERM, 4 s before the exit', { lastOpenedMs: 16_000 }, []],
    ['an endpoint used after SIGTERM, 1 s before the exit', { lastOpenedMs: 19_000 }, ['late-endpoint']],
    [
      'a tenth of the grace left',
      { events: [...ending, exited(37_000), ...serving('y'), ...serving('z')], endMs: 40_000 },
      [],
    ],
    [
      'less than a tenth of the grace left',
      { events: [...ending, exited(37_100), ...serving('y'), ...serving('z')], endMs: 40_000 },
      ['tight-grace'],
    ],
    [
      'SIGKILL with nothing in flight',
      { events: [...ending, exited(40_000, 137), ...serving('y'), ...serving('z')], endMs: 45_000 },
      ['tight-grace'],
    ],
    [
      'SIGKILL for want of memory',
      {
        events: [
          ...ending,
          { atMs: 25_000, pod: 'a', kind: 'exited', code: 137, signal: null, isOomKilled: true },
          ...serving('y'),
          ...serving('z'),
        ],
        endMs: 45_000,
      },
      [],
    ],
    [
      'first responses of half the deadline',
      { events: [...fresh, ...serving('y'), ...serving('z')], firstServiceMs: () => 2_500 },
      [],
    ],
    [
      'first responses of more than half the deadline',
      { events: [...fresh, ...serving('y'), ...serving('z')], firstServiceMs: () => 2_501 },
      ['cold-start'],
    ],
    [
      'first responses that are as slow as all are',
      {
        events: [...fresh, ...serving('y'), ...serving('z')],
        firstServiceMs: () => 3_000,
        endpoints: [{ name: '/slow', usualMs: 2_900, beforeP99Ms: 3_000, duringP99Ms: 3_000 }],
      },
      [],
    ],
    ['one pod alone', { events: [...ended, ...serving('z')] }, ['thin-capacity']],
    [
      'a pod that was killed, and never was an endpoint',
      { events: [...ending.slice(2), exited(40_000, 137), ...serving('y'), ...serving('z')] },
      [],
    ],
    ['the only pod, replaced by another', { events: [...ended, ...fresh] }, []],
    ['one pod alone before the disruption', { events: [...serving('z'), ...fresh], beganMs: 8_200 }, []],
    [
      'responses of more than half the deadline in the disruption alone',
      { endpoints: [{ name: '/', usualMs: 5, beforeP99Ms: 20, duringP99Ms: 2_501 }] },
      ['thin-capacity'],
    ],
    [
      'responses of more than half the deadline before it, too',
      { endpoints: [{ name: '/', usualMs: 5, beforeP99Ms: 2_600, duringP99Ms: 2_600 }] },
      [],
    ],
  ];
  for (const [what, given, expected] of cases) {
    test(`${what}: ${expected.join(', ') || 'none'}`, () => {
      const found = search(given);
      assert.deepEqual(
        found.map(({ hazard }) => hazard),
        expected,
        JSON.stringify(found),
      );
    });
  }

  test('advises on capacity what the workload can do', () => {
    const [hazard] = search({ events: [...ended, ...serving('z')] });
    assert.equal(hazard?.fix, 'Add replicas. Against drains, add a PodDisruptionBudget.');
  });

  test('counts the connections of one pod together, with the requests on each', () => {
    const [hazard] = search({
      closedInSilence: [closed({ id: 1 }), closed({ id: 2, requests: 20 }), closed({ id: 3, endMs: 15_100 })],
    });
    assert.equal(hazard?.atMs, 15_002);
    assert.match(
      hazard?.why ?? '',
      /^a closed 3 idle keep-alive connections without notice, .* after SIGTERM$/,
    );
    assert.equal(hazard?.exposure?.connections, 3);
    assert.ok(Math.abs((hazard?.exposure?.perSecond ?? 0) - 40 / 3) < 1e-9);
  });

  test('says of an unknown pod which it may have been', () => {
    const two = [
      ...ended,
      ...ended.map((event) => ({ ...event, pod: 'c' })),
      ...serving('y'),
      ...serving('z'),
    ];
    const [hazard] = search({ events: two, closedInSilence: [closed({ pod: null })] });
    assert.equal(hazard?.pod, null);
    assert.match(hazard?.why ?? '', /^one of a, c closed 1 idle keep-alive connection /);
    const [seen] = search({
      events: [...two, ...probedClose('c', 15_050)],
      closedInSilence: [closed({ pod: null })],
    });
    assert.equal(seen?.pod, 'c', 'it closed that of the direct probes as well');
  });

  test('tells the idle timeout that was measured', () => {
    const idle = (idleMs: number) => closed({ role: 'idle', endMs: 6_000, idleMs });
    const [hazard] = search({ closedInSilence: [idle(5_001), idle(5_003), idle(4_999)] });
    assert.match(hazard?.why ?? '', /^3 keep-alive connections were closed without notice after 5\.0 s/);
    assert.equal(hazard?.exposure, null, 'nobody used them');
  });
});

describe('toExpectedLosses()', () => {
  for (const [connections, perSecond, roundTripMs, expected] of [
    [18, 13, 10, 2.19],
    [18, 13, 0, 0],
    [24, 10, 1, 0.24],
    [24, 10, 50, 9.44],
    [5, 1_000, 1_000, 5],
  ] as const) {
    test(`${connections} connections, ${perSecond}/s on each, ${roundTripMs} ms away: ${expected}`, () => {
      assert.equal(toExpectedLosses({ connections, perSecond }, roundTripMs).toFixed(2), expected.toFixed(2));
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatMargins, type PodMargins, toLeastMargins, toPodMargins } from './margin.ts';
import { type PodEvent, toPodTimelines } from './timeline.ts';

/** Ready since before the load, deleted at 10 s, SIGTERM at 15 s, gone at 20 s. */
const old: readonly PodEvent[] = [
  { atMs: -2_000, pod: 'a', kind: 'ready' },
  { atMs: -2_000, pod: 'a', kind: 'endpoint-added' },
  { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 30_000, preStopMs: 5_000 },
  { atMs: 10_050, pod: 'a', kind: 'endpoint-removed' },
  { atMs: 20_000, pod: 'a', kind: 'exited', code: 0, signal: null },
];
const fresh: readonly PodEvent[] = [
  { atMs: 8_000, pod: 'a', kind: 'ready' },
  { atMs: 8_100, pod: 'a', kind: 'endpoint-added' },
];

function margins(
  events: readonly PodEvent[],
  openedMs: number | null,
  okMs: number | null = null,
): PodMargins {
  const [timeline] = toPodTimelines(events).values();
  assert.ok(timeline);
  return toPodMargins(timeline, {
    lastOpenings: () => new Map(openedMs === null ? [] : [[null, openedMs]]),
    firstOk: () => (okMs === null ? null : { ms: okMs, from: 'node-1' }),
  });
}

const none = {
  ledForMs: null,
  ledFrom: null,
  acceptedForMs: null,
  graceLeftMs: null,
  firstResponseMs: null,
  firstResponseFrom: null,
};

describe('toPodMargins()', () => {
  for (const [what, events, openedMs, expected] of [
    ['accepts until SIGTERM at least', old, 11_900, [1_900, 3_100, 20_000]],
    ['accepts after SIGTERM, and so until its exit', old, 15_500, [5_500, 4_500, 20_000]],
    ['was led nothing after its deletion', old, 9_000, [0, 6_000, 20_000]],
    ['was led nothing that is known', old, null, [null, null, 20_000]],
    [
      'was sent SIGTERM nobody knows when',
      old.map((event) => (event.kind === 'terminating' ? { ...event, preStopMs: null } : event)),
      11_900,
      [1_900, 8_100, 20_000],
    ],
    ['was not seen to exit', old.slice(0, -1), 11_900, [1_900, 3_100, null]],
    [
      'was seen by direct probes to stop accepting at 14 s, before its SIGTERM',
      [
        ...old,
        { atMs: -1_000, pod: 'a', kind: 'direct-accepted', uncertainMs: 0 },
        { atMs: 14_200, pod: 'a', kind: 'direct-refused', uncertainMs: 200 },
      ],
      11_900,
      [1_900, 2_100, 20_000],
    ],
    ['used up its grace', [...old.slice(0, -1), { ...old.at(-1), atMs: 41_000 }], 11_900, [1_900, 3_100, 0]],
  ] as const satisfies readonly (readonly [string, readonly unknown[], number | null, unknown])[]) {
    test(`of a pod that ${what}`, () => {
      const { ledForMs, acceptedForMs, graceLeftMs } = margins(events as readonly PodEvent[], openedMs);
      assert.deepEqual([ledForMs, acceptedForMs, graceLeftMs], expected);
    });
  }

  test('of a new pod: from endpoint to first response', () => {
    assert.deepEqual(margins(fresh, 9_000, 8_350), {
      pod: 'a',
      ...none,
      firstResponseMs: 250,
      firstResponseFrom: 'node-1',
    });
    assert.equal(margins(fresh, 9_000, null).firstResponseMs, null);
  });

  test('of a new pod that answered a direct probe alone: from no vantage point', () => {
    const probed: PodEvent[] = [
      { atMs: 8_200, pod: 'a', kind: 'direct-accepted', uncertainMs: 0 },
      { atMs: 9_300, pod: 'a', kind: 'direct-answered' },
    ];
    const { firstResponseMs, firstResponseFrom } = margins([...fresh, ...probed], null);
    assert.deepEqual([firstResponseMs, firstResponseFrom], [1_200, null]);
  });

  test('of a pod that was killed by force, or lost with its node: no margins of its end', () => {
    const forced = old.map((event) =>
      event.kind === 'terminating' ? { ...event, graceMs: 0, preStopMs: 0 } : event,
    );
    assert.equal(margins(forced, 9_000).graceLeftMs, null);
    assert.deepEqual(margins([...old, { atMs: 9_000, pod: 'a', kind: 'node-lost' }], 9_500), {
      pod: 'a',
      ...none,
    });
  });
});

describe('the least margins', () => {
  const all: readonly PodMargins[] = [
    {
      pod: 'a',
      ledForMs: 1_900,
      ledFrom: 'node-2',
      acceptedForMs: 10_400,
      graceLeftMs: 20_000,
      firstResponseMs: null,
      firstResponseFrom: null,
    },
    {
      pod: 'b',
      ledForMs: 300,
      ledFrom: 'node-1',
      acceptedForMs: 12_000,
      graceLeftMs: 9_000,
      firstResponseMs: null,
      firstResponseFrom: null,
    },
    { pod: 'c', ...none, firstResponseMs: 250, firstResponseFrom: 'node-3' },
  ];

  test('name the pod that they are of, and where they were seen from', () => {
    assert.deepEqual(toLeastMargins(all), {
      ledForMs: { pod: 'a', ms: 1_900, from: 'node-2' },
      acceptedForMs: { pod: 'a', ms: 10_400, from: 'node-2' },
      graceLeftMs: { pod: 'b', ms: 9_000, from: null },
      firstResponseMs: { pod: 'c', ms: 250, from: 'node-3' },
    });
  });

  test('are one sentence', () => {
    assert.equal(
      formatMargins(all),
      'Endpoints were used for up to 1.9 s (a, from node-2) after deletion; pods went on accepting for at least 10.4 s (a, from node-2) after that; 9.0 s (b) of grace were left at the least; new endpoints gave their first response within 0.3 s (c, from node-3).',
    );
    assert.equal(formatMargins([]), '');
  });
});

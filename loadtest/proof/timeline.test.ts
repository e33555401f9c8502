import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { countEnded, isWithin, type PodEvent, toExit, toPhase, toPodTimelines } from './timeline.ts';

const pod = 'a';
const events: PodEvent[] = [
  { atMs: 100, pod, kind: 'scheduled', version: 'v1', node: 'n', isProbed: false },
  { atMs: 150, pod, kind: 'started' },
  { atMs: 200, pod, kind: 'ready' },
  { atMs: 210, pod, kind: 'endpoint-added' },
  { atMs: 300, pod, kind: 'unready' },
  { atMs: 310, pod, kind: 'endpoint-removed' },
  { atMs: 350, pod, kind: 'ready' },
  { atMs: 360, pod, kind: 'endpoint-added' },
  { atMs: 400, pod, kind: 'terminating', graceMs: 100, preStopMs: 50 },
  { atMs: 420, pod, kind: 'endpoint-removed' },
  { atMs: 480, pod, kind: 'exited', code: 0, signal: null },
  { atMs: 490, pod, kind: 'gone' },
];

describe('toPodTimelines()', () => {
  test('makes one timeline of one pod, from events in any order', () => {
    const timelines = toPodTimelines([...events].reverse());
    assert.deepEqual(
      [...timelines.values()],
      [
        {
          pod,
          version: 'v1',
          node: 'n',
          isProbed: false,
          scheduledMs: 100,
          startedMs: 150,
          ready: [
            { fromMs: 200, toMs: 300 },
            { fromMs: 350, toMs: 480 },
          ],
          endpoint: [
            { fromMs: 210, toMs: 310 },
            { fromMs: 360, toMs: 420 },
          ],
          terminatingMs: 400,
          graceMs: 100,
          sigtermMs: 450,
          exit: { atMs: 480, code: 0, signal: null, isOomKilled: false },
          nodeLostMs: null,
          goneMs: 490,
          direct: null,
        },
      ],
    );
  });

  test('prefers a SIGTERM that was seen to one worked out', () => {
    const seen = toPodTimelines([...events, { atMs: 463, pod, kind: 'sigterm' }]);
    assert.equal(seen.get(pod)?.sigtermMs, 463);
  });

  test('knows nothing of a pod by direct probes from the last of them on', () => {
    const probed: PodEvent[] = [
      { atMs: 180, pod, kind: 'direct-accepted', uncertainMs: 0 },
      { atMs: 900, pod, kind: 'direct-ended', uncertainMs: 150 },
    ];
    const direct = toPodTimelines([...events, ...probed]).get(pod)?.direct;
    assert.deepEqual([direct?.accepts, direct?.refuses], [[{ fromMs: 180, toMs: 750 }], []]);
  });

  test('has of direct probes what is certain', () => {
    const probed: PodEvent[] = [
      { atMs: 110, pod, kind: 'direct-refused', uncertainMs: 0 },
      { atMs: 180, pod, kind: 'direct-accepted', uncertainMs: 20 },
      { atMs: 250, pod, kind: 'direct-answered' },
      { atMs: 260, pod, kind: 'direct-closed', idleMs: 5 },
      { atMs: 460, pod, kind: 'direct-refused', uncertainMs: 15 },
    ];
    assert.deepEqual(toPodTimelines([...events, ...probed]).get(pod)?.direct, {
      accepts: [{ fromMs: 180, toMs: 445 }],
      refuses: [
        { fromMs: 110, toMs: 160 },
        { fromMs: 460, toMs: null },
      ],
      answeredMs: 250,
      closed: [{ atMs: 260, idleMs: 5 }],
    });
  });

  test('keeps pods apart, and a timeline of which little was seen', () => {
    const timelines = toPodTimelines([...events, { atMs: 5, pod: 'b', kind: 'ready' }]);
    assert.deepEqual([...timelines.keys()], ['b', 'a']);
    assert.deepEqual(timelines.get('b')?.ready, [{ fromMs: 5, toMs: null }]);
    assert.equal(timelines.get('b')?.sigtermMs, null);
  });

  test('has no timeline without an event', () => assert.equal(toPodTimelines([]).size, 0));
});

describe('isWithin()', () => {
  for (const [atMs, expected] of [
    [9, false],
    [10, true],
    [19, true],
    [20, false],
    [30, true],
    [1e9, true],
  ] as const) {
    test(`${atMs}: ${expected}`, () => {
      const spans = [
        { fromMs: 10, toMs: 20 },
        { fromMs: 30, toMs: null },
      ];
      assert.equal(isWithin(spans, atMs), expected);
    });
  }
});

test('toExit() of a container that was told to have ended when it was ready again: none', () => {
  const [timeline] = toPodTimelines([
    { atMs: 1, pod, kind: 'ready' },
    { atMs: 5, pod, kind: 'exited', code: 1, signal: null },
    { atMs: 5, pod, kind: 'ready' },
  ]).values();
  assert.ok(timeline !== undefined);
  assert.deepEqual([toExit(timeline, 4)?.code, toExit(timeline, 5)], [1, null]);
});

describe('toPhase()', () => {
  const timeline = toPodTimelines(events).get(pod);
  for (const [atMs, phase] of [
    [99, 'unknown'],
    [100, 'starting'],
    [199, 'starting'],
    [200, 'ready'],
    [300, 'unready'],
    [349, 'unready'],
    [350, 'ready'],
    [399, 'ready'],
    [400, 'terminating'],
    [419, 'terminating'],
    [420, 'preStop'],
    [449, 'preStop'],
    [450, 'endpoint removed'],
    [479, 'endpoint removed'],
    [480, 'gone'],
    [1e9, 'gone'],
  ] as const) {
    test(`${atMs} ms: ${phase}`, () => assert.equal(toPhase(timeline, atMs), phase));
  }
  test('is not known to be before SIGTERM, or after it, where the length of preStop is not known', () => {
    const timeless = events.map((event) =>
      event.kind === 'terminating' ? { ...event, preStopMs: null } : event,
    );
    const its = toPodTimelines(timeless).get(pod);
    assert.equal(its?.sigtermMs, null);
    assert.deepEqual(
      [419, 420, 479, 480].map((atMs) => toPhase(its, atMs)),
      ['terminating', 'preStop or later', 'preStop or later', 'gone'],
    );
  });
  test('of a pod not seen: unknown', () => assert.equal(toPhase(undefined, 0), 'unknown'));
});

test('countEnded() leaves out what was deleted before the load began', () => {
  const shifted = (byMs: number) =>
    toPodTimelines(events.map((event) => ({ ...event, atMs: event.atMs - byMs })));
  assert.equal(countEnded([...shifted(400).values(), ...shifted(401).values()]), 1);
  assert.equal(countEnded([...toPodTimelines(events.slice(0, 4)).values()]), 0);
});

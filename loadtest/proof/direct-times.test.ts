import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import type { Settlement } from '../engine/settlement.ts';
import { describeDirect, findRefusers, isCleared, showsRefusals, withDirectAnswers } from './direct-times.ts';
import { type PodEvent, type PodTimeline, toPodTimelines } from './timeline.ts';

/** An endpoint since before the load that accepted direct probes as long as it was probed. */
const serving = (pod: string): PodEvent[] => [
  { atMs: -2_000, pod, kind: 'ready' },
  { atMs: -2_000, pod, kind: 'endpoint-added' },
  { atMs: -1_000, pod, kind: 'direct-accepted', uncertainMs: 0 },
];
/** Refuses from 10.2 s on; last accepted at 10 s. An endpoint until 10.1 s. */
const leaving = (pod: string): PodEvent[] => [
  ...serving(pod),
  { atMs: 10_100, pod, kind: 'endpoint-removed' },
  { atMs: 10_200, pod, kind: 'direct-refused', uncertainMs: 200 },
];
/** Of which nothing is known but that it is an endpoint. */
const unprobed = (pod: string): PodEvent[] => serving(pod).slice(0, 2);

const timelinesOf = (events: readonly PodEvent[]): PodTimeline[] => [...toPodTimelines(events).values()];

const onConnection = { id: 1, setupMs: 0, idleMs: 0, localPort: 1, remoteAddress: null };

function refusedAt(ms: number): Settlement {
  const connection = { ...onConnection, reused: false, ageMs: 0, requests: 0 };
  return { ...createSettlement({ endMs: ms, outcome: 'refused', connection }), sentMs: null };
}

function cutAt(ms: number, ageMs: number): Settlement {
  const connection = { ...onConnection, reused: ageMs > 0, ageMs, requests: ageMs > 0 ? 2 : 1 };
  return createSettlement({ sentMs: ms, endMs: ms + 5, outcome: 'reset', connection });
}

describe('findRefusers()', () => {
  for (const [what, atMs, events, expected] of [
    ['the one that refused direct probes then', 10_500, [...leaving('a'), ...serving('z')], 'a'],
    ['the one that stopped accepting between two probes', 10_100, [...leaving('a'), ...serving('z')], 'a'],
    ['none where all accepted', 9_000, [...leaving('a'), ...serving('z')], undefined],
    ['none where two refused', 10_500, [...leaving('a'), ...leaving('b')], undefined],
    ['none where another was not probed', 10_500, [...leaving('a'), ...unprobed('z')], undefined],
    ['none that has been no endpoint for long', 21_000, [...leaving('a'), ...serving('z')], undefined],
    ['none where no pod was probed', 10_500, [...unprobed('a'), ...unprobed('z')], undefined],
  ] as const) {
    test(`finds ${what}`, () => {
      assert.equal(findRefusers([refusedAt(atMs)], timelinesOf(events)).get(0), expected);
    });
  }

  test('judges no request that had a connection', () => {
    const timelines = timelinesOf([...leaving('a'), ...serving('z')]);
    assert.equal(findRefusers([cutAt(10_500, 0)], timelines).size, 0);
  });
});

describe('isCleared()', () => {
  for (const [what, loss, isClear] of [
    ['a connection refused while it accepted', refusedAt(9_000), true],
    ['a connection refused while it refused', refusedAt(10_500), false],
    ['a connection refused between its last yes and its first no', refusedAt(10_100), false],
    ['a fresh connection cut that it cannot have accepted', cutAt(10_500, 0), true],
    ['a kept connection cut that was opened while it accepted', cutAt(10_500, 3_000), false],
    ['a kept connection cut that was opened while it refused', cutAt(14_000, 3_000), true],
    [
      'a 502: a proxy has accepted the connection',
      createSettlement({ sentMs: 10_500, outcome: 'http_502', status: 502 }),
      false,
    ],
  ] as const) {
    test(`${what}: ${isClear}`, () => {
      const [timeline] = timelinesOf(leaving('a'));
      assert.ok(timeline);
      assert.equal(isCleared(timeline, loss, true), isClear);
    });
  }

  test('does not take a connection that a balancer may have accepted for accepted by a pod', () => {
    const [timeline] = timelinesOf(leaving('a'));
    assert.ok(timeline);
    assert.equal(isCleared(timeline, cutAt(10_500, 0), false), false);
    assert.equal(isCleared(timeline, refusedAt(9_000), false), true);
  });

  test('says nothing of a pod that was not probed', () => {
    const [timeline] = timelinesOf(unprobed('a'));
    assert.ok(timeline);
    assert.equal(isCleared(timeline, refusedAt(9_000), true), false);
  });
});

describe('showsRefusals()', () => {
  test('is true where a connection was refused, and not only cut', () => {
    assert.equal(showsRefusals([cutAt(10_500, 0), refusedAt(10_600)]), true);
    assert.equal(showsRefusals([cutAt(10_500, 0)]), false);
  });
});

describe('withDirectAnswers()', () => {
  const timelines = timelinesOf([
    ...serving('a'),
    { atMs: 4_000, pod: 'a', kind: 'direct-answered' },
    ...serving('z'),
  ]);
  for (const [what, okMs, pod, endpoint, expected] of [
    ['the direct probe, where no response names the pod', null, 'a', 0, 4_000],
    ['the direct probe, for any endpoint', null, 'a', null, 4_000],
    ['the direct probe, where it came first', 5_000, 'a', 0, 4_000],
    ['the response, where it came first', 3_000, 'a', 0, 3_000],
    ['nothing of an endpoint that is not probed', null, 'a', 1, null],
    ['the response of an endpoint that is not probed', 5_000, 'a', 1, 5_000],
    ['nothing of a pod that answered no probe', null, 'z', 0, null],
  ] as const) {
    test(`tells ${what}`, () => {
      assert.equal(withDirectAnswers(() => okMs, timelines)(pod, endpoint), expected);
    });
  }
});

describe('describeDirect()', () => {
  for (const [atMs, text] of [
    [9_000, 'accepted until 10.00 s and refused from 10.20 s on'],
    [11_000, 'accepted until 10.00 s and refused from 10.20 s on'],
  ] as const) {
    test(`at ${atMs} ms: ${text}`, () => {
      const [timeline] = timelinesOf(leaving('a'));
      assert.ok(timeline);
      assert.equal(describeDirect(timeline, atMs), text);
    });
  }
});

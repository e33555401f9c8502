import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PodEvent, toPhase, toPodTimelines } from '../proof/timeline.ts';
import { forgetPast } from './pod-memory.ts';

/** `a1ready`: pod, time and kind. */
function toEvents(...texts: readonly string[]): PodEvent[] {
  return texts.map((text) => {
    const [, pod = '', atMs, kind] = /^([a-z])(\d+)([a-z-]+)$/.exec(text) ?? [];
    return { pod, atMs: Number(atMs), kind, version: 'v', code: 1 } as unknown as PodEvent;
  });
}

describe('forgetPast()', () => {
  for (const [what, events, kept] of [
    ['keeps all of the time after', ['a10gone', 'a11ready'], ['a10gone', 'a11ready']],
    ['drops a pod that was gone before', ['a1scheduled', 'a2ready', 'a9gone'], []],
    ['keeps a pod that goes later', ['a1scheduled', 'a10gone'], ['a1scheduled', 'a10gone']],
    [
      'keeps of a flapping pod the last time',
      ['a1scheduled', 'a2ready', 'a3unready', 'a4ready', 'a5unready', 'a6ready'],
      ['a1scheduled', 'a6ready'],
    ],
    ['keeps that it is not ready', ['a1ready', 'a2unready'], ['a1ready', 'a2unready']],
    ['keeps of a crashing pod how it is', ['a1exited', 'a2ready', 'a3exited', 'a4ready'], ['a4ready']],
    [
      'keeps of an endpoint how it is',
      ['a1endpoint-added', 'a2endpoint-removed', 'a3endpoint-added'],
      ['a3endpoint-added'],
    ],
    [
      'keeps a termination',
      ['a1ready', 'a2terminating', 'a3unready'],
      ['a1ready', 'a2terminating', 'a3unready'],
    ],
    [
      'drops a pod whose endpoint was removed after it was gone',
      ['a1ready', 'a2gone', 'a3endpoint-removed'],
      [],
    ],
    ['drops that endpoint when the pod was dropped before', ['a3endpoint-removed', 'b10ready'], ['b10ready']],
    [
      'keeps an endpoint of another workload',
      ['a1endpoint-removed', 'a2endpoint-added'],
      ['a2endpoint-added'],
    ],
    [
      'keeps what direct probes found last, though it is told late',
      ['a1scheduled', 'a2direct-accepted', 'b10ready', 'a5direct-refused'],
      ['a1scheduled', 'a2direct-accepted', 'b10ready', 'a5direct-refused'],
    ],
    [
      'keeps of many closed connections the last',
      ['a1scheduled', 'a2direct-refused', 'a3direct-accepted', 'a4direct-closed', 'a5direct-closed'],
      ['a1scheduled', 'a3direct-accepted', 'a5direct-closed'],
    ],
    ['a pod of the same name begins anew', ['a1ready', 'a2gone', 'a3scheduled'], ['a3scheduled']],
  ] as const) {
    test(what, () => assert.deepEqual(forgetPast(toEvents(...events), 10), toEvents(...kept)));
  }

  test('changes nothing about the state of a pod', () => {
    const events = toEvents('a1scheduled', 'a2ready', 'a3unready', 'a4ready', 'a5endpoint-added', 'b1ready');
    const phases = (some: readonly PodEvent[]) =>
      [...toPodTimelines(some)].map(([pod, timeline]) => [pod, toPhase(timeline, 10)]);
    assert.deepEqual(phases(forgetPast(events, 10)), phases(events));
  });
});

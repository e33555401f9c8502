import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PodEvent, toPodTimelines } from '../proof/timeline.ts';
import { findUnrest } from './unrest.ts';

const NOW_MS = 100_000;

const pod = (name: string, ...kinds: readonly PodEvent['kind'][]): PodEvent[] =>
  ['scheduled', ...kinds].map((kind, index) => ({ pod: name, atMs: index, kind }) as unknown as PodEvent);
const serving = (name: string) => pod(name, 'ready', 'endpoint-added');
const fresh = (name: string, sinceMs: number): PodEvent[] => [
  ...pod(name, 'ready'),
  { pod: name, atMs: NOW_MS - sinceMs, kind: 'endpoint-added' },
];

describe('findUnrest()', () => {
  for (const [what, events, wanted, expected] of [
    ['as many as wanted', [...serving('a'), ...serving('b')], 2, null],
    ['it is not known how many are wanted', serving('a'), null, null],
    ['none wanted', [], 0, null],
    ['too few', serving('a'), 2, '1 pods of 2 wanted'],
    ['too many', [...serving('a'), ...serving('b')], 1, '2 pods of 1 wanted'],
    ['one that terminates', [...serving('a'), ...pod('b', 'ready', 'terminating')], 1, 'terminating: b'],
    ['one that is gone', [...serving('a'), ...pod('b', 'ready', 'terminating', 'gone')], 1, null],
    ['one that starts', [...serving('a'), ...pod('b', 'started')], 2, 'not ready: b'],
    ['one that is not ready any more', [...pod('a', 'ready', 'unready')], 1, 'not ready: a'],
    ['one that is on a lost node', [...serving('a'), ...pod('b', 'ready', 'node-lost')], 2, null],
    [
      'one that is on a lost node, and was replaced',
      [...serving('a'), ...pod('b', 'ready', 'node-lost', 'terminating')],
      1,
      null,
    ],
    [
      'one whose node came back',
      [...serving('a'), ...pod('b', 'ready', 'node-lost', 'unready', 'ready')],
      2,
      null,
    ],
    [
      'a new one that has not answered',
      [...serving('a'), ...fresh('new', 29_999)],
      2,
      'no response yet from new',
    ],
    ['a new one that has not answered in half a minute', [...serving('a'), ...fresh('new', 30_000)], 2, null],
    [
      'one of another workload behind the same Service',
      [...serving('a'), { pod: 'x', atMs: 1, kind: 'endpoint-added' }],
      1,
      null,
    ],
  ] as const satisfies readonly (readonly [string, readonly PodEvent[], number | null, string | null])[]) {
    test(what, () => {
      const unrest = findUnrest({
        timelines: [...toPodTimelines(events).values()],
        wanted,
        hasAnswered: (name) => name !== 'new',
        isNamed: true,
        nowMs: NOW_MS,
      });
      assert.equal(unrest, expected);
    });
  }

  test('does not wait for responses where none names a pod', () => {
    const timelines = [...toPodTimelines(fresh('new', 1)).values()];
    const evidence = { timelines, wanted: 1, hasAnswered: () => false, isNamed: false, nowMs: NOW_MS };
    assert.equal(findUnrest(evidence), null);
  });
});

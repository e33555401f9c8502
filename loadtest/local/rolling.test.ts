import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Desired, type PodView, toActions } from './rolling.ts';

const desired: Desired = { replicas: 3, revision: 2, maxSurge: 1, maxUnavailable: 0 };

/** `a1` is an available pod of revision 1, `u1` one that is not available, `t1` a terminating one. */
function toPods(text: string): PodView[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, index) => ({
      name: `${word}#${index}`,
      revision: Number(word.slice(1)),
      isTerminating: word.startsWith('t'),
      isAvailable: word.startsWith('a'),
    }));
}

describe('toActions() with maxSurge 1 and maxUnavailable 0', () => {
  for (const [pods, start, terminate, what] of [
    ['', 3, [], 'starts all where there is none'],
    ['a2 a2 a2', 0, [], 'rests when done'],
    ['a1 a1 a1', 1, [], 'surges by one first'],
    ['a1 a1 a1 u2', 0, [], 'waits for the new pod'],
    ['a1 a1 a1 a2', 0, ['a1#0'], 'then ends the oldest'],
    ['t1 a1 a1 a2', 1, [], 'does not count a terminating pod'],
    ['t1 t1 t1 a2 a2 a2', 0, [], 'rests while old pods still terminate'],
    ['u1 a1 a1', 1, [], 'starts before it gives up a failing old pod'],
    ['u1 a1 a1 a2', 0, ['u1#0'], 'ends a failing old pod before a serving one'],
    ['a2 a2', 1, [], 'replaces a lost pod'],
  ] as const) {
    test(`${what}: ${pods || 'no pod'}`, () => {
      assert.deepEqual(toActions(desired, toPods(pods)), { start, terminate });
    });
  }
});

describe('toActions() otherwise', () => {
  test('with maxUnavailable 1 and no surge it ends one before it starts one', () => {
    const lean = { ...desired, maxSurge: 0, maxUnavailable: 1 };
    assert.deepEqual(toActions(lean, toPods('a1 a1 a1')), { start: 0, terminate: ['a1#0'] });
    assert.deepEqual(toActions(lean, toPods('t1 a1 a1')), { start: 1, terminate: [] });
    assert.deepEqual(toActions(lean, toPods('t1 a1 a1 u2')), { start: 0, terminate: [] });
  });

  test('scaling down ends pods that do not serve, then the youngest', () => {
    const pods = toPods('a2 u2 a2 a2');
    assert.deepEqual(toActions({ ...desired, replicas: 2 }, pods), { start: 0, terminate: ['u2#1', 'a2#3'] });
    assert.deepEqual(toActions({ ...desired, replicas: 0 }, toPods('a2')), { start: 0, terminate: ['a2#0'] });
  });

  test('a rollout reaches its end within the limits, whatever order pods become available in', () => {
    for (const maxSurge of [0, 1, 3]) {
      for (const maxUnavailable of maxSurge === 0 ? [1, 3] : [0, 1, 3]) {
        const limits = { ...desired, maxSurge, maxUnavailable };
        let pods = toPods('a1 a1 a1');
        for (let step = 0; step < 30; step += 1) {
          const { start, terminate } = toActions(limits, pods);
          pods = pods.filter((pod) => !terminate.includes(pod.name));
          assert.ok(pods.filter((pod) => pod.isAvailable).length >= 3 - maxUnavailable);
          for (let n = 0; n < start; n += 1) {
            pods.push({ name: `new-${step}-${n}`, revision: 2, isTerminating: false, isAvailable: false });
          }
          assert.ok(pods.length <= 3 + maxSurge);
          const late = pods.findLast((pod) => !pod.isAvailable);
          pods = pods.map((pod) => (pod === late ? { ...pod, isAvailable: true } : pod));
        }
        assert.deepEqual(
          pods.map(({ revision }) => revision),
          [2, 2, 2],
        );
      }
    }
  });
});

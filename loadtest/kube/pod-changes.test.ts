import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from './field.ts';
import { type ToldPod, toPodChanges } from './pod-changes.ts';

const told = (change: Partial<ToldPod> = {}): ToldPod => ({
  node: null,
  isStarted: false,
  isReady: false,
  isTerminating: false,
  isEnded: false,
  isDisrupted: false,
  ended: null,
  ...change,
});

const deleted = { metadata: { deletionTimestamp: 'now', deletionGracePeriodSeconds: 30 } };
const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
const disrupted = {
  status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
};
const container = (state: object, lastState: object = {}) => ({
  status: { containerStatuses: [{ name: 'web', state, lastState }] },
});
const end = (containerID: string) => ({ terminated: { containerID, exitCode: 1 } });

describe('toPodChanges()', () => {
  for (const [what, before, pod, kinds, change] of [
    ['nothing of a pod that waits', null, {}, [], {}],
    ['that it is scheduled', told(), { spec: { nodeName: 'n1' } }, ['scheduled'], { node: 'n1' }],
    ['that only once', told({ node: 'n1' }), { spec: { nodeName: 'n1' } }, [], { node: 'n1' }],
    ['that it runs', null, container({ running: {} }), ['started'], { isStarted: true }],
    ['why it is to go, once', told(), disrupted, ['disrupted'], { isDisrupted: true }],
    ['that no more', told({ isDisrupted: true }), disrupted, [], { isDisrupted: true }],
    ['that it has ended for good', told(), { status: { phase: 'Failed' } }, ['gone'], { isEnded: true }],
    [
      'not that it has ended while it is being deleted',
      told({ isTerminating: true }),
      { ...deleted, status: { phase: 'Failed' } },
      [],
      { isTerminating: true },
    ],
    ['that it is ready', told(), ready, ['ready'], { isReady: true }],
    ['that it is not any more', told({ isReady: true }), {}, ['unready'], {}],
    ['its deletion', told(), deleted, ['terminating'], { isTerminating: true }],
    ['an end at the first look', null, container(end('a')), ['exited'], { ended: 'a' }],
    ['no end before the first look', null, container({}, end('a')), [], { ended: 'a' }],
    ['an end before a start', told(), container({ waiting: {} }, end('a')), ['exited'], { ended: 'a' }],
    ['an end only once', told({ ended: 'a' }), container({}, end('a')), [], { ended: 'a' }],
    ['the next end', told({ ended: 'a' }), container(end('b'), end('a')), ['exited'], { ended: 'b' }],
    [
      'an end and that it is ready again, at once',
      told({ isReady: true }),
      { status: { ...ready.status, ...container({ running: {} }, end('a')).status } },
      ['started', 'exited', 'ready'],
      { isStarted: true, isReady: true, ended: 'a' },
    ],
    [
      'no readiness of one that has just ended',
      told({ isReady: true }),
      { status: { ...ready.status, ...container(end('a')).status } },
      ['exited'],
      { isReady: true, ended: 'a' },
    ],
    ['no end that is out of sight', told({ ended: 'a' }), {}, [], { ended: 'a' }],
  ] as const) {
    test(`tells ${what}`, () => {
      const changes = toPodChanges(before, new Field(pod), { container: 'web', port: null });
      assert.deepEqual(
        changes.steps.map(({ kind }) => kind),
        kinds,
      );
      assert.deepEqual(changes.told, told(change));
    });
  }

  test('tells that it was killed for its memory', () => {
    const terminated = { containerID: 'a', exitCode: 137, reason: 'OOMKilled' };
    const { steps } = toPodChanges(told(), new Field(container({ terminated })), {
      container: 'web',
      port: null,
    });
    assert.deepEqual(steps, [{ kind: 'exited', code: 137, signal: null, isOomKilled: true }]);
  });
});

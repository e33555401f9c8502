import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestClock } from '../../test/fixtures/clock.ts';
import { toChanges } from './endpoints.ts';
import { toReadiness } from './readiness.ts';
import { createRolloutProgress, explainLateness } from './rollout-progress.ts';
import { chooseNode } from './scheduler.ts';

describe('toReadiness() with 2 failures in a row', () => {
  for (const [isReady, failures, isSuccess, then] of [
    [false, 0, true, { isReady: true, failures: 0 }],
    [false, 0, false, { isReady: false, failures: 1 }],
    [true, 0, false, { isReady: true, failures: 1 }],
    [true, 1, false, { isReady: false, failures: 2 }],
    [true, 1, true, { isReady: true, failures: 0 }],
  ] as const) {
    test(`${isReady ? '' : 'not '}ready, ${failures} failures, then a ${isSuccess ? 'success' : 'failure'}`, () =>
      assert.deepEqual(toReadiness({ isReady, failures }, isSuccess, 2), then));
  }
});

describe('chooseNode()', () => {
  for (const [cordoned, taken, node] of [
    [[], [], 'a'],
    [[], ['a'], 'b'],
    [[], ['a', 'b'], 'a'],
    [['a'], [], 'b'],
    [['a'], ['b', 'b'], 'b'],
    [['a', 'b'], [], 'a'],
  ] as const) {
    test(`pods on ${taken.join() || 'none'}, ${cordoned.join() || 'none'} cordoned: ${node}`, () =>
      assert.equal(chooseNode(['a', 'b'], new Set(cordoned), taken), node));
  }
});

test('toChanges() tells what is new and what is gone', () => {
  assert.deepEqual(toChanges(['a', 'b'], ['b', 'c']), { added: ['c'], removed: ['a'] });
  assert.deepEqual(toChanges(['a'], ['a']), { added: [], removed: [] });
});

describe('createRolloutProgress() with a deadline of 60 s', () => {
  for (const [what, steps, stalls] of [
    ['nothing comes', ['see 0', 'wait 59999', 'see 0', 'wait 1'], 1],
    ['one more comes just in time', ['see 0', 'wait 59999', 'see 1', 'wait 59999'], 0],
    ['and no other after it', ['see 0', 'wait 59999', 'see 1', 'wait 60000'], 1],
    ['one goes and comes back', ['see 1', 'wait 30000', 'see 0', 'see 1', 'wait 30000'], 1],
    ['all are there', ['see 0', 'see 2', 'wait 60000'], 0],
    ['one of all is lost', ['see 2', 'see 1', 'wait 60000'], 1],
    ['it begins anew', ['see 1', 'wait 59999', 'begin', 'see 1', 'wait 59999'], 0],
    ['it is closed', ['see 0', 'close', 'wait 60000'], 0],
  ] as const) {
    test(`${what}: ${stalls === 0 ? 'goes on' : 'gives up'}`, async () => {
      const clock = createTestClock();
      let stalled = 0;
      const progress = createRolloutProgress(60_000, clock, () => {
        stalled += 1;
      });
      for (const step of steps) {
        const [verb, number = ''] = step.split(' ');
        if (verb === 'see') progress.see(Number(number), 2);
        else if (verb === 'begin') progress.begin();
        else if (verb === 'close') progress.close();
        else clock.forward(Number(number));
        await Promise.resolve();
      }
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(stalled, stalls);
    });
  }
});

describe('explainLateness()', () => {
  const probe = { path: '/ready', periodMs: 1_000, failureThreshold: 3 };
  for (const [late, readiness, text] of [
    [{ readyMs: 5, seen: 'status 200' }, probe, 'it becomes ready, but stays so for less than 2s'],
    [{ readyMs: null, seen: 'status 503' }, probe, 'the last probe of /ready saw status 503'],
    [undefined, probe, 'the last probe of /ready saw nothing'],
    [{ readyMs: null, seen: 'nothing yet' }, null, 'it does not keep running'],
  ] as const) {
    test(text, () => assert.equal(explainLateness(late, readiness, 2_000), text));
  }
});

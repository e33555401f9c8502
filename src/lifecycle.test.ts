import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLifecycle, type LifecycleState } from './lifecycle.ts';

const STARTING: LifecycleState = { state: 'starting' };
const READY: LifecycleState = { state: 'ready' };
const LAME_DUCK: LifecycleState = { state: 'draining', step: 'lame-duck' };
const FINISHING: LifecycleState = { state: 'draining', step: 'finishing' };
const CLOSED: LifecycleState = { state: 'closed' };
const ORDER = [STARTING, READY, LAME_DUCK, FINISHING, CLOSED];

describe('lifecycle', () => {
  for (const [fromIndex, from] of ORDER.entries()) {
    for (const [toIndex, to] of ORDER.entries()) {
      const isAllowed = toIndex > fromIndex;
      test(`${JSON.stringify(from)} → ${JSON.stringify(to)} is ${isAllowed ? 'allowed' : 'refused'}`, () => {
        const lifecycle = createLifecycle(
          () => 0,
          () => {},
        );
        if (from !== STARTING) lifecycle.enter(from);
        if (isAllowed) {
          lifecycle.enter(to);
          assert.equal(lifecycle.current, to);
        } else {
          assert.throws(() => lifecycle.enter(to), RangeError);
          assert.equal(lifecycle.current.state, from.state);
        }
      });
    }
  }

  test('asks for closed connections from the lame duck on', () => {
    const lifecycle = createLifecycle(
      () => 0,
      () => {},
    );
    const asks = ORDER.map((state) => {
      if (state !== STARTING) lifecycle.enter(state);
      return lifecycle.isDraining;
    });
    assert.deepEqual(asks, [false, false, true, true, true]);
  });

  test('times the drain from its first step', () => {
    let nowMs = 100;
    const lifecycle = createLifecycle(
      () => nowMs,
      () => {},
    );
    assert.equal(lifecycle.drainMs(), 0);
    lifecycle.enter(LAME_DUCK);
    nowMs = 150;
    lifecycle.enter(FINISHING);
    nowMs = 175;
    assert.equal(lifecycle.drainMs(), 75);
  });

  test('tells every state it enters', () => {
    const told: LifecycleState[] = [];
    const lifecycle = createLifecycle(
      () => 0,
      (state) => told.push(state),
    );
    for (const state of [READY, LAME_DUCK, CLOSED]) lifecycle.enter(state);
    assert.deepEqual(told, [READY, LAME_DUCK, CLOSED]);
  });

  test('says from where to where it cannot go', () => {
    const lifecycle = createLifecycle(
      () => 0,
      () => {},
    );
    lifecycle.enter(FINISHING);
    assert.throws(
      () => lifecycle.enter(READY),
      new RangeError('lifecycle cannot go from finishing to ready'),
    );
  });
});

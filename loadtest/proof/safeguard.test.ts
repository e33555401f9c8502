import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  describeRemovals,
  formatRemoval,
  nameRemovals,
  parseRemoval,
  REMOVALS,
  toOwnEnv,
  toPreStopSleepMs,
  toRemovalEnv,
} from './safeguard.ts';

describe('parseRemoval()', () => {
  for (const [text, removal] of [
    ['preStop', { kind: 'safeguard', id: 'preStop' }],
    ['in-flight', { kind: 'safeguard', id: 'in-flight' }],
    ['preStop=2s', { kind: 'preStop-sleep', ms: 2_000 }],
    ['preStop=1500ms', { kind: 'preStop-sleep', ms: 1_500 }],
    ['preStop=0ms', { kind: 'preStop-sleep', ms: 0 }],
    ['env:DRAIN=0', { kind: 'env', name: 'DRAIN', value: '0' }],
    ['env:JAVA_OPTS=-Da=b -Dc', { kind: 'env', name: 'JAVA_OPTS', value: '-Da=b -Dc' }],
    ['env:EMPTY=', { kind: 'env', name: 'EMPTY', value: '' }],
  ] as const) {
    test(`reads ${text}, and writes it again`, () => {
      assert.deepEqual(parseRemoval(text), removal);
      assert.equal(formatRemoval(parseRemoval(text)), text);
    });
  }

  for (const [text, message] of [
    ['probe', /^must be preStop or lame-duck or readiness or in-flight or preStop=TIME or env:NAME=VALUE$/],
    ['toString', /^must be preStop or /],
    ['', /^must be preStop or /],
    ['preStop=2', /^must be preStop=TIME .* preStop=2s$/],
    ['preStop=', /^must be preStop=TIME/],
    ['env:NAME', /^must be env:NAME=VALUE/],
    ['env:=1', /^must be env:NAME=VALUE/],
    ['env:1A=1', /^must be env:NAME=VALUE/],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseRemoval(text), { name: 'Fault', message });
    });
  }
});

test('each safeguard is described by what the target lacks', () => {
  assert.deepEqual(REMOVALS.map(formatRemoval), ['preStop', 'lame-duck', 'readiness', 'in-flight']);
  const both = [parseRemoval('preStop=2s'), parseRemoval('env:GRACE=0')];
  assert.equal(nameRemovals(both), 'preStop=2s and env:GRACE=0');
  assert.equal(describeRemovals(both), 'a preStop of more than 2s, and what GRACE=0 switches off');
});

test('the environment of this service is told from what its user names', () => {
  const without = ['lame-duck', 'in-flight', 'env:GRACE=0', 'env:LAME_DUCK_MS=5'].map(parseRemoval);
  assert.deepEqual(toOwnEnv(without), { LAME_DUCK_MS: '0', DRAIN_TIMEOUT_MS: '0' });
  assert.deepEqual(toRemovalEnv(without), { LAME_DUCK_MS: '5', DRAIN_TIMEOUT_MS: '0', GRACE: '0' });
  assert.equal(toPreStopSleepMs(without), null);
  assert.equal(toPreStopSleepMs(['preStop=1s', 'preStop=2s'].map(parseRemoval)), 2_000);
});

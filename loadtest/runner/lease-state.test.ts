import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from '../kube/field.ts';
import { toCallerSighting } from './lease-state.ts';

const lease = (holderIdentity: string, renewTime: string) =>
  new Field({ spec: { holderIdentity, renewTime } });
const before = { renewTime: 'T1', seenMs: 1_000 };

describe('toCallerSighting()', () => {
  for (const [what, given, nowMs, end] of [
    ['renewed', lease('caller', 'T2'), 200_000, null],
    ['not renewed for 45 s', lease('caller', 'T1'), 46_000, null],
    ['not renewed for more', lease('caller', 'T1'), 46_001, 'the caller is gone'],
    ['given back', lease('', 'T2'), 2_000, 'the caller asks for it'],
    ['removed', null, 2_000, 'the caller is gone'],
  ] as const) {
    test(`a Lease that is ${what}: ${end ?? 'goes on'}`, () => {
      assert.equal(toCallerSighting(given, before, nowMs).end, end);
    });
  }

  test('counts from when the renewal was seen, on this clock', () => {
    assert.deepEqual(toCallerSighting(lease('caller', 'T2'), before, 5_000).sighting, {
      renewTime: 'T2',
      seenMs: 5_000,
    });
  });
});

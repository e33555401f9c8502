import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isLost, OUTCOME_KINDS, type Outcome, toOutcome } from './outcome.ts';

describe('isLost()', () => {
  test('follows the registry for every kind without a status', () => {
    const kinds = Object.entries(OUTCOME_KINDS).filter(([kind]) => kind !== 'http_CODE');
    assert.equal(kinds.length, 13);
    for (const [kind, { lost }] of kinds) assert.equal(isLost(kind as Outcome), lost, kind);
  });

  test('counts only ok as not lost among the kinds without a status', () => {
    const kept = Object.entries(OUTCOME_KINDS).flatMap(([kind, { lost }]) => (lost ? [] : [kind]));
    assert.deepEqual(kept, ['ok', 'http_CODE']);
  });

  for (const [status, lost] of [
    [199, false],
    [301, false],
    [404, false],
    [428, false],
    [429, true],
    [430, false],
    [499, false],
    [500, true],
    [503, true],
    [599, true],
  ] as const) {
    test(`http_${status} is ${lost ? 'lost' : 'not lost'}`, () => {
      assert.equal(isLost(`http_${status}`), lost);
    });
  }
});

describe('toOutcome()', () => {
  for (const [status, expectedStatus, outcome] of [
    [199, undefined, 'http_199'],
    [200, undefined, 'ok'],
    [299, undefined, 'ok'],
    [300, undefined, 'http_300'],
    [404, undefined, 'http_404'],
    [404, 404, 'ok'],
    [302, 302, 'ok'],
    [200, 404, 'http_200'],
  ] as const) {
    test(`${status}, expected ${expectedStatus ?? 'any 2xx'}: ${outcome}`, () => {
      assert.equal(toOutcome(status, expectedStatus), outcome);
    });
  }
});

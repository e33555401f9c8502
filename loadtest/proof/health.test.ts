import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHealthFault } from './health.ts';

describe('toHealthFault()', () => {
  const endpoints = [{ name: '/a' }, { name: '/b' }];
  for (const [what, outcomes, expected] of [
    ['all were ok', [{ ok: 2 }, { ok: 1, reset: 3 }], null],
    ['one was not asked yet', [{ ok: 2 }, {}], null],
    ['one was never ok', [{ ok: 2 }, { http_404: 3, reset: 1 }], '/b was never ok (3 http_404, 1 reset)'],
    [
      'none was',
      [{ refused: 1 }, { timeout: 2 }],
      '/a was never ok (1 refused), /b was never ok (2 timeout)',
    ],
    ['none has ended yet', [{}, {}], 'no request was ok'],
  ] as const) {
    test(what, () => {
      assert.equal(toHealthFault(endpoints, outcomes), expected);
    });
  }
});

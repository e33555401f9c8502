import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRequestIds } from './request-id.ts';

describe('createRequestIds()', () => {
  for (const given of ['a', 'AZaz09._~-', 'x'.repeat(128)]) {
    test(`takes over ${given.slice(0, 20)}, of ${given.length}`, () => {
      assert.equal(createRequestIds('p')(given), given);
    });
  }

  for (const given of [null, '', 'x'.repeat(129), 'with space', ' a', 'a ', 'a\n', 'é', '"', 'a/b']) {
    test(`makes one instead of ${JSON.stringify(given)?.slice(0, 20)}`, () => {
      assert.equal(createRequestIds('p')(given), 'p-1');
    });
  }

  test('makes each once, and counts only those that it made', () => {
    const toRequestId = createRequestIds('p');
    const made = [null, null, 'given', null].map(toRequestId);
    assert.deepEqual(made, ['p-1', 'p-2', 'given', 'p-3']);
    for (let count = 4; count < 36; count += 1) toRequestId(null);
    assert.equal(toRequestId(null), 'p-10');
  });
});

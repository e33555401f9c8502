import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toOffsetMs } from './clock-offset.ts';

test('the offset of a clock is read off the quickest trip, about halfway', () => {
  const slow = { sentMs: 0, thereMs: 1_090, receivedMs: 100 };
  const quick = { sentMs: 200, thereMs: 1_201, receivedMs: 202 };
  assert.equal(toOffsetMs([slow]), 1_040);
  assert.equal(toOffsetMs([slow, quick]), 1_000);
  assert.equal(toOffsetMs([quick, slow]), 1_000);
  assert.equal(toOffsetMs([]), 0);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHow } from './failure-class.ts';

describe('toHow()', () => {
  for (const [outcome, how] of [
    ['reset', 'cut'],
    ['truncated', 'cut'],
    ['connect_timeout', 'cut'],
    ['http_502', 'cut'],
    ['http_503', 'status'],
    ['wrong_body', 'status'],
    ['http_504', 'silent'],
    ['timeout', 'silent'],
  ] as const) {
    test(`${outcome}: ${how}`, () => assert.equal(toHow(outcome), how));
  }
});

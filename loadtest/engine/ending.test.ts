import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeResponse } from './ending.ts';

const REQUEST = { index: 7, intendedMs: 1_000, endpoint: 0, fresh: false };
const ID = { header: 'X-Request-Id', prefix: 'run-' };

describe('judgeResponse() of a request due at 1000 ms, with 500 ms', () => {
  for (const [endMs, status, named, field, expected, outcome, detail] of [
    [1_499, 200, null, null, undefined, 'ok', null],
    [1_500, 200, null, null, undefined, 'timeout', 'complete after its deadline'],
    [1_499, 503, null, null, undefined, 'http_503', null],
    [1_499, 404, null, null, 404, 'ok', null],
    [1_499, 204, null, null, 200, 'http_204', null],
    [1_499, 200, 'run-7', ID, undefined, 'ok', null],
    [1_499, 200, null, ID, undefined, 'ok', null],
    [1_499, 200, 'of-the-server', ID, undefined, 'ok', null],
    [1_499, 200, 'run-8', ID, undefined, 'protocol_error', 'the response names request run-8'],
    [1_499, 200, 'run-8', null, undefined, 'ok', null],
    [1_500, 200, 'run-8', ID, undefined, 'timeout', 'complete after its deadline'],
  ] as const) {
    test(`${status} at ${endMs} ms, naming ${named}, ${expected ?? '2xx'} expected: ${outcome}`, () => {
      const response = { endMs, status, requestId: named };
      const terms = { timeoutMs: 500, requestId: field };
      assert.deepEqual(judgeResponse(response, REQUEST, terms, expected), { outcome, detail });
    });
  }
});

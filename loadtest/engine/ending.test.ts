import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toBodyReader } from './body-expectation.ts';
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
      const response = { endMs, status, requestId: named, body: null };
      const terms = { timeoutMs: 500, requestId: field };
      const wanted = expected === undefined ? {} : { expectedStatus: expected };
      assert.deepEqual(judgeResponse(response, REQUEST, terms, wanted), { outcome, detail });
    });
  }

  for (const [endMs, status, outcome] of [
    [1_499, 200, 'truncated'],
    [1_499, 503, 'http_503'],
    [1_500, 200, 'timeout'],
  ] as const) {
    test(`${status} at ${endMs} ms with a body without its end: ${outcome}`, () => {
      const expected = { expectEnd: '[DONE]' };
      const body = toBodyReader(expected, 0);
      const response = { endMs, status, requestId: null, body };
      const terms = { timeoutMs: 500, requestId: null };
      assert.equal(judgeResponse(response, REQUEST, terms, expected).outcome, outcome);
    });
  }
});

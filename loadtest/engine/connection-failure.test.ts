import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toErrorCode, toFailure, toTimeout } from './connection-failure.ts';

describe('toFailure()', () => {
  for (const [phase, code, bytesReceived, failure] of [
    ['resolving', 'ENOTFOUND', 0, 'dns'],
    ['connecting', 'ECONNREFUSED', 0, 'refused'],
    ['connecting', 'EHOSTUNREACH', 0, 'refused'],
    ['connecting', null, 0, 'refused'],
    ['connecting', 'ETIMEDOUT', 0, 'connect_timeout'],
    ['connecting', 'ECONNRESET', 0, 'reset'],
    ['connecting', 'EADDRNOTAVAIL', 0, 'not_sent'],
    ['connecting', 'EMFILE', 0, 'not_sent'],
    ['securing', 'DEPTH_ZERO_SELF_SIGNED_CERT', 0, 'tls'],
    ['securing', null, 0, 'tls'],
    ['busy', 'ECONNRESET', 0, 'reset'],
    ['busy', 'EPIPE', 0, 'reset'],
    ['busy', 'ECONNRESET', 1, 'reset'],
    ['busy', null, 0, 'closed_before_response'],
    ['busy', null, 1, 'truncated'],
    ['idle', 'ECONNRESET', 0, null],
    ['idle', null, 0, null],
    ['lingering', null, 0, null],
    ['closed', null, 0, null],
  ] as const) {
    test(`${phase}, ${code ?? 'closed in order'}, ${bytesReceived} bytes: ${failure}`, () => {
      assert.equal(toFailure(phase, code, bytesReceived), failure);
    });
  }
});

describe('toTimeout()', () => {
  for (const [phase, failure] of [
    ['resolving', 'dns'],
    ['connecting', 'connect_timeout'],
    ['securing', 'connect_timeout'],
    ['busy', 'timeout'],
    ['idle', null],
    ['lingering', null],
    ['closed', null],
  ] as const) {
    test(`${phase}: ${failure}`, () => assert.equal(toTimeout(phase), failure));
  }
});

describe('toErrorCode()', () => {
  test('is the code, or the message where there is none', () => {
    assert.equal(toErrorCode(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })), 'ECONNREFUSED');
    assert.equal(toErrorCode(new Error('socket hang up')), 'socket hang up');
  });
});

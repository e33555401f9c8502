import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toLocalPort } from './pre-stop-hook.ts';

describe('toLocalPort()', () => {
  for (const [word, expected] of [
    ['http://localhost:8080/drain', 'http://127.0.0.1:41000/drain'],
    ['wget -qO- 127.0.0.1:8080/drain; sleep 5', 'wget -qO- 127.0.0.1:41000/drain; sleep 5'],
    ['localhost:80800', 'localhost:80800'],
    ['localhost:9090', 'localhost:9090'],
    ['example.com:8080', 'example.com:8080'],
    ['8080', '8080'],
  ] as const) {
    test(`${word} is ${expected}`, () => assert.equal(toLocalPort(word, 8_080, 41_000), expected));
  }

  test('leaves a command alone where the container declares no port', () => {
    assert.equal(toLocalPort('localhost:8080', null, 41_000), 'localhost:8080');
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_LOAD, type ProofLoad, toLoadSpec } from '../proof/proof-load.ts';
import { toDirectProbeOptions } from './direct-request.ts';

const URL_OF_TARGET = new URL('http://web:8080/');
const FILE = '/run/token';

function toProbed(load: Partial<ProofLoad>, readText: (path: string) => Promise<string> = async () => '') {
  const spec = toLoadSpec(URL_OF_TARGET, { ...DEFAULT_LOAD, ...load });
  return toDirectProbeOptions(spec, readText).request;
}

const endpoint = { name: '/', method: 'GET', path: '/', weight: 1 };

describe('toDirectProbeOptions()', () => {
  test('asks for what the load asks for first, with its headers', async () => {
    const request = toProbed({
      endpoints: [endpoint, { ...endpoint, name: 'other', path: '/other' }],
      headers: { Authorization: 'Bearer 1' },
    });
    assert.equal(
      request?.toText(),
      'GET / HTTP/1.1\r\nHost: web:8080\r\nUser-Agent: dropless-probe\r\nAccept: */*\r\nAuthorization: Bearer 1\r\n\r\n',
    );
  });

  test('keeps a User-Agent of the load’s own', async () => {
    const request = toProbed({ endpoints: [endpoint], headers: { 'user-agent': 'shop/1' } });
    assert.match(request?.toText() ?? '', /\r\nuser-agent: shop\/1\r\n/);
    assert.doesNotMatch(request?.toText() ?? '', /dropless/);
  });

  test('follows the file of --header-file', async () => {
    let text = 'Authorization: Bearer 1';
    const headerFile = { path: FILE, headers: { Authorization: 'Bearer 1' } };
    const read: string[] = [];
    const request = toProbed({ endpoints: [endpoint], headerFile }, async (path) => {
      read.push(path);
      return text;
    });
    assert.match(request?.toText() ?? '', /\r\nAuthorization: Bearer 1\r\n/);
    text = 'Authorization: Bearer 2';
    while (!request?.toText().includes('Bearer 2')) {
      request?.refresh();
      await new Promise(setImmediate);
    }
    assert.match(request.toText(), /\r\nAuthorization: Bearer 2\r\n/);
    assert.deepEqual(new Set(read), new Set([FILE]));
  });

  test('asks nothing where the load’s first request may change something', async () => {
    assert.equal(toProbed({ endpoints: [{ ...endpoint, method: 'POST' }] }), null);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { chooseProxy, parseProxy, readProxyRules, toFixedRules } from './proxy.ts';

describe('parseProxy()', () => {
  for (const [text, host, port, authorization] of [
    ['http://proxy.test:3128', 'proxy.test', 3128, null],
    ['proxy.test:3128', 'proxy.test', 3128, null],
    ['http://proxy.test', 'proxy.test', 80, null],
    ['http://[fd00::1]:8080/', 'fd00::1', 8080, null],
    ['http://me:p%40ss@p:1', 'p', 1, `Basic ${Buffer.from('me:p@ss').toString('base64')}`],
  ] as const) {
    test(text, () => assert.deepEqual(parseProxy(text), { host, port, authorization }));
  }

  for (const text of ['https://p:1', 'socks5://p:1', 'http://', 'http://p:70000', 'a b']) {
    test(`refuses ${text}`, () => assert.throws(() => parseProxy(text), Fault));
  }
});

describe('readProxyRules()', () => {
  test('prefers the names in lower case, and takes empty ones for none', () => {
    const rules = readProxyRules({
      HTTP_PROXY: 'a:1',
      http_proxy: 'b:2',
      HTTPS_PROXY: 'c:3',
      https_proxy: '',
    });
    assert.deepEqual([rules.http?.host, rules.https?.host], ['b', 'c']);
    assert.deepEqual(readProxyRules({}).https, null);
  });

  test('names the variable at fault', () => {
    assert.throws(
      () => readProxyRules({ HTTPS_PROXY: 'socks5://p:1' }),
      /variable HTTPS_PROXY must be http:/,
    );
  });
});

describe('chooseProxy()', () => {
  for (const [noProxy, url, isProxied] of [
    ['', 'http://shop.test', true],
    ['', 'http://localhost:3000', false],
    ['', 'http://127.8.0.1', false],
    ['', 'http://[::1]:3000', false],
    ['*', 'http://shop.test', false],
    ['shop.test', 'http://shop.test', false],
    ['shop.test', 'http://a.shop.test', false],
    ['shop.test', 'http://workshop.test', true],
    ['.shop.test', 'http://a.shop.test', false],
    ['.shop.test', 'http://shop.test', true],
    ['*.shop.test', 'http://a.shop.test', false],
    ['a.test, SHOP.test', 'http://shop.test', false],
    ['shop.test:8080', 'http://shop.test:8080', false],
    ['shop.test:8080', 'http://shop.test', true],
    ['shop.test:443', 'https://shop.test', false],
    ['10.0.0.0/8', 'http://10.244.1.7:3000', false],
    ['10.0.0.0/8', 'http://11.0.0.1', true],
    ['10.0.0.0/8', 'http://ten.test', true],
    ['10.0.0.7', 'http://10.0.0.7', false],
    ['fd00::/8', 'http://[fd00::7]:80', false],
    ['fd00::7', 'http://[fd00::7]:80', false],
    ['[fd00::7]:80', 'http://[fd00::7]:81', true],
    ['10.0.0.0/40', 'http://10.0.0.7', true],
  ] as const) {
    test(`${url} with NO_PROXY=${noProxy}: ${isProxied ? 'through the proxy' : 'direct'}`, () => {
      const rules = readProxyRules({ HTTP_PROXY: 'p:1', HTTPS_PROXY: 'p:1', NO_PROXY: noProxy });
      assert.equal(chooseProxy(new URL(url), rules) !== null, isProxied);
    });
  }

  test('takes that of the scheme', () => {
    const rules = readProxyRules({ HTTP_PROXY: 'a:1' });
    assert.equal(chooseProxy(new URL('http://shop.test'), rules)?.host, 'a');
    assert.equal(chooseProxy(new URL('https://shop.test'), rules), null);
  });

  test('that of the command line is for all', () => {
    const rules = toFixedRules(parseProxy('p:1'));
    assert.equal(chooseProxy(new URL('http://localhost'), rules)?.host, 'p');
  });
});

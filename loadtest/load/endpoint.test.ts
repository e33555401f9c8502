import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseEndpoints, parseEndpoint, parseHeader } from './endpoint.ts';
import { parseShard } from './plan.ts';
import { parseStage } from './schedule.ts';
import { parseTargetUrl, toTarget } from './target-url.ts';

const fails = (read: () => unknown, message: RegExp) => assert.throws(read, { name: 'Fault', message });

describe('parseEndpoint()', () => {
  test('takes a method, a path, and at will a weight and a status', () => {
    assert.deepEqual(parseEndpoint('GET /a'), { name: '/a', method: 'GET', path: '/a', weight: 1 });
    assert.deepEqual(parseEndpoint('  POST  /a?b=c  2.5  201 '), {
      ...{ name: 'POST /a?b=c', method: 'POST', path: '/a?b=c' },
      ...{ weight: 2.5, expectedStatus: 201 },
    });
    assert.equal(parseEndpoint('GET /a 0').weight, 0);
  });

  for (const text of [
    '',
    '/a',
    'get /a',
    'GET a',
    'GET http://h/',
    'GET /a -1',
    'GET /a x',
    'GET /a 1 99',
    'GET /a 1 600',
    'GET /a 1 200 x',
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () =>
      fails(() => parseEndpoint(text), /^must be 'METHOD \/path/));
  }
});

describe('chooseEndpoints()', () => {
  const choose = (url: string, ...given: string[]) =>
    chooseEndpoints(given.map(parseEndpoint), new URL(url), {}).map(
      ({ path, weight }) => `${path} ${weight}`,
    );

  test('takes what is given, else the path of the URL, else the four of the service in equal parts', () => {
    assert.deepEqual(choose('http://h', 'GET /a 3'), ['/a 3']);
    assert.deepEqual(choose('http://h/x?y=z'), ['/x?y=z 1']);
    assert.deepEqual(choose('http://h/'), ['/health 1', '/ready 1', '/payload 1', '/metrics 1']);
  });

  test('refuses two ways to name a path, one name twice, and a mix of nothing', () => {
    fails(() => choose('http://h/x', 'GET /a'), /give one or the other/);
    fails(() => choose('http://h', 'GET /a', 'GET /a 2'), /"\/a" is given twice/);
    fails(() => choose('http://h', 'GET /a 0'), /nothing to send/);
  });

  test('refuses what cannot be written as HTTP/1.1', () => {
    const url = new URL('http://h/x');
    fails(() => chooseEndpoints([], url, { headers: { 'X-A': '€' } }), /header X-A holds a control/);
    fails(
      () => chooseEndpoints([], url, { headers: { TE: 'trailers' } }),
      /"TE" is set by the engine itself/,
    );
  });
});

describe('the other grammars of the command line', () => {
  test('parseHeader()', () => {
    assert.deepEqual(parseHeader('X-A:  b: c'), ['X-A', 'b: c']);
    assert.deepEqual(parseHeader('X-A:'), ['X-A', '']);
    for (const text of ['', 'X-A', ': b', 'X A: b']) fails(() => parseHeader(text), /Name: value/);
  });

  test('parseStage()', () => {
    assert.deepEqual(parseStage('100/30s'), { durationMs: 30_000, fromRate: 100, toRate: 100 });
    assert.deepEqual(parseStage('0..2.5/1m'), { durationMs: 60_000, fromRate: 0, toRate: 2.5 });
    for (const text of ['100', '100/30', '/30s', '1..2..3/1s', '-1/1s', '100/0s'])
      fails(() => parseStage(text), /RATE\/TIME/);
  });

  test('parseShard()', () => {
    assert.deepEqual(parseShard('0/1'), { index: 0, of: 1 });
    assert.deepEqual(parseShard('2/3'), { index: 2, of: 3 });
    for (const text of ['3/3', '0/0', '1', '-1/2', '1/2/3']) fails(() => parseShard(text), /I\/N/);
  });

  test('parseTargetUrl() and toTarget()', () => {
    const trust = { ca: null, isVerified: true };
    const target = (text: string) => toTarget(parseTargetUrl(text), trust);
    assert.deepEqual(target('http://h'), { host: 'h', port: 80, tls: null });
    assert.deepEqual(target('https://h'), { host: 'h', port: 443, tls: trust });
    assert.deepEqual(target('http://[::1]:3000/x'), { host: '::1', port: 3000, tls: null });
    for (const text of ['', 'localhost:3000', 'h', 'ftp://h', 'http://', 'http://h:99999']) {
      fails(() => parseTargetUrl(text), /is no http or https URL/);
    }
    fails(() => parseTargetUrl('http://me:secret@h'), /^(?!.*secret).*password/);
  });
});

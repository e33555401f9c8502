import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRequestWriter, type RequestIdField, toBytes, toRequestFault } from './request-writer.ts';
import type { Endpoint } from './settlement.ts';
import type { Target } from './target.ts';
import { createTraces, type TraceContext } from './trace-context.ts';

const TARGET: Target = { host: 'service', port: 3000, tls: null };
const HEALTH: Endpoint = { name: 'health', method: 'GET', path: '/health', weight: 1 };

function write(
  endpoint: Partial<Endpoint>,
  {
    target = TARGET,
    id = null,
    trace = null,
    isLast = false,
  }: { target?: Target; id?: RequestIdField | null; trace?: TraceContext | null; isLast?: boolean } = {},
): string {
  const plan = { endpoints: [HEALTH, { ...HEALTH, ...endpoint }] };
  const toText = createRequestWriter(target, plan, { requestId: id, trace });
  return toText({ index: 7, intendedMs: 0, endpoint: 1, fresh: isLast }, isLast);
}

describe('createRequestWriter()', () => {
  test('writes the request of RFC 9112 §3, in origin form', () => {
    assert.equal(
      write({ path: '/payload?n=20' }),
      'GET /payload?n=20 HTTP/1.1\r\nHost: service:3000\r\nUser-Agent: dropless-loadtest\r\nAccept: */*\r\n\r\n',
    );
  });

  test('announces the last request of a connection, and names each with its id', () => {
    assert.ok(write({}, { isLast: true }).endsWith('Accept: */*\r\nConnection: close\r\n\r\n'));
    const id = { header: 'X-Request-Id', prefix: 'run-' };
    assert.ok(write({}, { id }).endsWith('Accept: */*\r\nX-Request-Id: run-7\r\n\r\n'));
  });

  test('names a trace of each request, unless the headers name one', () => {
    const trace = { prefix: '0123456789abcdef', isSampled: true };
    const field = `traceparent: ${createTraces(trace).traceparentOf({ index: 7 })}`;
    assert.ok(write({}, { trace }).endsWith(`\r\n${field}\r\n\r\n`));
    const own = write({ headers: { Traceparent: 'mine' } }, { trace });
    assert.deepEqual(own.match(/traceparent: .*/gi), ['Traceparent: mine']);
  });

  test('announces a body by its bytes, and an empty one where the method expects one', () => {
    const text = write({ method: 'POST', body: toBytes('é€') });
    assert.ok(text.includes('\r\nContent-Length: 5\r\n'));
    assert.deepEqual(Buffer.from(text.slice(-5), 'latin1').toString(), 'é€');
    assert.ok(write({ method: 'PUT' }).includes('\r\nContent-Length: 0\r\n'));
    assert.ok(!write({ method: 'DELETE' }).includes('Content-Length'));
  });

  test('lets own headers replace the usual ones, whatever their case', () => {
    const text = write({ headers: { host: 'other', ACCEPT: 'text/plain', 'X-A': 'ä' } });
    assert.ok(
      text.includes('\r\nhost: other\r\nUser-Agent: dropless-loadtest\r\nACCEPT: text/plain\r\nX-A: ä\r\n'),
    );
    assert.equal(text.match(/host:/gi)?.length, 1);
  });

  test('sends shared headers where the endpoint has none of that name, as they are at the time', () => {
    let shared: Record<string, string> = { Authorization: 'one', 'X-A': 'shared' };
    const endpoints = [{ ...HEALTH, headers: { 'x-a': 'own' } }];
    const toText = createRequestWriter(TARGET, { endpoints }, { requestId: null, trace: null }, () => shared);
    const request = { index: 0, intendedMs: 0, endpoint: 0, fresh: false };
    assert.match(toText(request, false), /\r\nAuthorization: one\r\nx-a: own\r\n\r\n$/);
    shared = { Authorization: 'two' };
    assert.match(toText(request, true), /\r\nAuthorization: two\r\nx-a: own\r\nConnection: close\r\n\r\n$/);
  });

  for (const [type, body, value, sent] of [
    ['text/plain', 'v={{v}}', 'a"b', 'v=a"b'],
    ['application/json; charset=utf-8', '{"v":"{{v}}"}', 'a"\n', '{"v":"a\\"\\n"}'],
    ['application/merge-patch+json', '{"v":{{v}}}', '7', '{"v":7}'],
    ['application/x-www-form-urlencoded', 'v={{v}}', 'a&b', 'v=a%26b'],
    ['text/plain', 'é{{v}}', '€', 'é€'],
  ] as const) {
    test(`fills data into a body of ${type}, and into path and headers`, () => {
      const data = {
        columns: ['id', 'v'],
        rows: [
          ['x', 'x'],
          ['a/b', value],
        ],
      };
      const headers = { 'Content-Type': type, 'X-Id': 'n-{{id}}' };
      const endpoint = { ...HEALTH, method: 'POST', path: '/i/{{id}}?x=1', headers, body: toBytes(body) };
      const toText = createRequestWriter(
        TARGET,
        { endpoints: [endpoint], data },
        { requestId: null, trace: null },
      );
      const text = toText({ index: 0, intendedMs: 0, endpoint: 0, fresh: false, row: 1 }, false);
      assert.ok(text.startsWith('POST /i/a%2Fb?x=1 HTTP/1.1\r\n'));
      assert.ok(text.includes('\r\nX-Id: n-a/b\r\n'));
      assert.ok(text.includes(`\r\nContent-Length: ${Buffer.byteLength(sent)}\r\n`), text);
      assert.equal(Buffer.from(text.split('\r\n\r\n')[1] ?? '', 'latin1').toString(), sent);
    });
  }

  test('leaves a body that is not text as it is', () => {
    const data = { columns: ['id'], rows: [['x']] };
    const endpoint = { ...HEALTH, method: 'POST', path: '/{{id}}', body: '\xff{{id}}' };
    const toText = createRequestWriter(
      TARGET,
      { endpoints: [endpoint], data },
      { requestId: null, trace: null },
    );
    assert.ok(
      toText({ index: 0, intendedMs: 0, endpoint: 0, fresh: false, row: 0 }, false).endsWith('\xff{{id}}'),
    );
  });

  for (const [host, port, isSecure, field] of [
    ['service', 80, false, 'service'],
    ['service', 443, false, 'service:443'],
    ['service', 443, true, 'service'],
    ['service', 80, true, 'service:80'],
    ['::1', 3000, false, '[::1]:3000'],
    ['::1', 80, false, '[::1]'],
  ] as const) {
    test(`Host: ${field}`, () => {
      const tls = isSecure ? { ca: null, isVerified: true } : null;
      assert.ok(write({}, { target: { host, port, tls } }).includes(`\r\nHost: ${field}\r\n`));
    });
  }

  const refused: [Partial<Endpoint>, RegExp][] = [
    [{ method: 'G ET' }, /method "G ET"/],
    [{ method: 'CONNECT' }, /method "CONNECT"/],
    [{ path: 'health' }, /path "health" must start with \//],
    [{ path: '/a b' }, /path "\/a b"/],
    [{ path: '/a\r\nX: y' }, /path/],
    [{ headers: { 'X A': 'b' } }, /header name "X A"/],
    [{ headers: { X: 'a\r\nY: b' } }, /header X holds a control/],
    [{ headers: { X: '€' } }, /non-Latin-1/],
    [{ headers: { Connection: 'close' } }, /"Connection" is set by the engine/],
    [{ headers: { 'content-length': '3' } }, /set by the engine/],
    [{ headers: { 'Transfer-Encoding': 'chunked' } }, /set by the engine/],
    [{ headers: { Expect: '100-continue' } }, /set by the engine/],
  ];
  for (const [endpoint, message] of refused) {
    test(`toRequestFault() refuses ${JSON.stringify(endpoint)}`, () => {
      const fault = toRequestFault({ ...HEALTH, ...endpoint });
      assert.match(fault ?? '', message);
      assert.throws(() => write(endpoint), { name: 'TypeError', message: fault });
    });
  }
});

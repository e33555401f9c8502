/** Hostile input over raw connections: the right refusal, and the service timelines on. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { RUNTIMES, type Runtime, type Service, startService, stop } from './service.ts';
import { exchange, openWire } from './wire.ts';

/** What both runtimes answer, or each its own. `closed` stands for a connection closed without a response. */
type Expected = number | 'closed' | Readonly<Record<Runtime, number | 'closed'>>;

const CASES: readonly (readonly [name: string, request: string, expected: Expected])[] = [
  ['a header of 20 kB', `GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ['a URL of 20 kB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ['4,000 headers', `GET /health HTTP/1.1\r\nHost: x\r\n${'X-Header: value\r\n'.repeat(4_000)}\r\n`, 431],
  ['a method nobody knows', 'BREW /health HTTP/1.1\r\nHost: x\r\n\r\n', { bun: 'closed', node: 400 }],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  [
    'a space in Host',
    'GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
    { bun: 200, node: 400 },
  ],
  ['HTTP/1.1 without Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', { bun: 400, node: 200 }],
  ['a negative Content-Length', 'GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
  [
    'Content-Length with Transfer-Encoding',
    'POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['a body announced too large', 'POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n', 413],
  ['a header line without a colon', 'GET /health HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n', 400],
  ['a NUL in a header', 'GET /health HTTP/1.1\r\nHost: x\r\nX-A: \0\r\n\r\n', 400],
  [
    'a bad percent escape in the query',
    'GET /payload?n=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    400,
  ],
  ['bad UTF-8 in the query', 'GET /payload?n=%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
  [
    'raw bytes in the path',
    'GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    { bun: 404, node: 400 },
  ],
  ['a huge n', `GET /payload?n=${'9'.repeat(5_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 400],
  [
    'the same header twice',
    'GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\nX-Request-Id: b\r\nConnection: close\r\n\r\n',
    200,
  ],
  [
    'a small body on a GET',
    'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc',
    200,
  ],
];

for (const runtime of Object.keys(RUNTIMES) as Runtime[]) {
  describe(`hostile input on ${runtime}`, () => {
    let service: Service;
    before(async () => {
      service = await startService(runtime);
    });
    after(() => stop(service));
    afterEach(async () => {
      assert.equal((await fetch(`${service.url}/health`)).status, 200);
    });

    for (const [name, request, expected] of CASES) {
      const answer = typeof expected === 'object' ? expected[runtime] : expected;
      test(`${name}: ${answer}`, async () => {
        const received = await exchange(service.port, request);
        if (answer === 'closed') assert.doesNotMatch(received, /^HTTP/);
        else assert.equal(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1], String(answer), received);
        assert.doesNotMatch(received, /node:|src\/|dist\/|\.ts|\.js|Error/);
      });
    }

    test('pipelined requests are answered in order, a body on a GET does not shift them', async () => {
      const wire = await openWire(service.port);
      wire.send(
        'GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: first\r\nContent-Length: 3\r\n\r\nabc' +
          'GET /version HTTP/1.1\r\nHost: x\r\nX-Request-Id: second\r\n\r\n' +
          'GET /ready HTTP/1.1\r\nHost: x\r\nX-Request-Id: third\r\nConnection: close\r\n\r\n',
      );
      const ids = [...(await wire.closed).matchAll(/x-request-id: (\S+)/gi)].map(([, id]) => id);
      assert.deepEqual(ids, ['first', 'second', 'third']);
    });

    test('a request pipelined behind one that waits for a worker: Node answers both, Bun closes', async () => {
      const wire = await openWire(service.port);
      wire.send(
        'GET /payload?n=22 HTTP/1.1\r\nHost: x\r\n\r\n' +
          'GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      );
      const answers = (await wire.closed).match(/HTTP\/1\.1 200/g)?.length ?? 0;
      assert.equal(answers, runtime === 'node' ? 2 : 0);
    });

    test('200 clients that never finish their headers do not keep others from being answered', async () => {
      const wires = await Promise.all(Array.from({ length: 200 }, () => openWire(service.port)));
      for (const wire of wires) wire.send('GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ');
      for (const path of ['/health', '/ready', '/payload?n=25']) {
        assert.equal((await fetch(service.url + path)).status, 200);
      }
      // Node ends them with 408 after 10 s. Bun has no such limit: it drops a connection that is idle for 75 s.
      if (runtime === 'node') {
        for (const answer of await Promise.all(wires.map(({ closed }) => closed))) {
          assert.match(answer, /^HTTP\/1\.1 408 /);
        }
      }
      for (const { socket } of wires) socket.destroy();
    });

    test('refused requests are counted where the runtime tells of them', async () => {
      const metrics = await (await fetch(`${service.url}/metrics`)).text();
      const refused = Number(/^http_requests_refused_total (\d+)$/m.exec(metrics)?.[1]);
      assert.equal(refused > 0, runtime === 'node');
    });
  });
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, describe, test } from 'node:test';
import { TEST_CERTIFICATE, TEST_KEY } from '../../test/fixtures/certificate.ts';
import { startConnectProxy } from '../../test/fixtures/connect-proxy.ts';
import { checkReachable, fetchSample, fetchText, isHttp2Frame } from './reach.ts';
import { parseTargetUrl, type TargetAccess, toTarget } from './target-url.ts';

const PAIR = { cert: TEST_CERTIFICATE, key: TEST_KEY };
const TRUST = { ca: TEST_CERTIFICATE, isVerified: true };
const closers: (() => unknown)[] = [];
after(() => {
  for (const close of closers) close();
});

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const target = (url: string, access: Partial<TargetAccess> = {}) =>
  toTarget(parseTargetUrl(url), { ...TRUST, ...access });
const answer = (server: HttpServer) => {
  server.on('request', (request, response) => {
    response.setHeader('X-Pod', 'web-1');
    response.end(`${request.headers.host} ${request.headers.authorization ?? ''}`);
  });
  closers.push(() => server.closeAllConnections());
  return server;
};

describe('checkReachable()', () => {
  test('takes an HTTP/1.1 server, which gets no request by it', async () => {
    let requests = 0;
    const faults: string[] = [];
    for (const [scheme, server] of [
      ['http', createHttpServer()],
      ['https', createHttpsServer(PAIR)],
    ] as const) {
      server.on('request', () => (requests += 1));
      server.on('clientError', (error: NodeJS.ErrnoException) => faults.push(error.code ?? ''));
      const port = await portOf(server);
      await checkReachable(target(`${scheme}://127.0.0.1:${port}`));
    }
    assert.deepEqual([requests, faults], [0, []]);
  });

  for (const [what, create, scheme] of [
    ['in cleartext', () => createHttp2Server(), 'http'],
    ['by TLS', () => createSecureServer(PAIR), 'https'],
  ] as const) {
    test(`says in one sentence that a server speaks HTTP/2 only, ${what}`, async () => {
      const port = await portOf(create());
      await assert.rejects(
        checkReachable(target(`${scheme}://127.0.0.1:${port}`)),
        /^Fault: 127\.0\.0\.1 on port \d+ speaks HTTP\/2 only, as gRPC servers do, and dropless sends HTTP\/1\.1: /,
      );
    });
  }

  test('takes GOAWAY for the same, from a server that waits for the preface', async () => {
    const goAway = Buffer.from('0000080700000000000000000000000001', 'hex');
    const port = await portOf(createServer((socket) => socket.once('data', () => socket.end(goAway))));
    await assert.rejects(checkReachable(target(`http://127.0.0.1:${port}`)), /speaks HTTP\/2 only/);
  });

  test('takes a server that speaks both by TLS', async () => {
    const port = await portOf(createSecureServer({ ...PAIR, allowHTTP1: true }));
    await checkReachable(target(`https://127.0.0.1:${port}`));
  });

  test('names the way that does not lead there', async () => {
    const refused = await startConnectProxy({ refusal: 'HTTP/1.1 403 Forbidden' });
    closers.push(refused.close);
    const proxy = { host: '127.0.0.1', port: refused.port, authorization: null };
    const proxies = { http: proxy, https: proxy, bypass: [] };
    await assert.rejects(
      checkReachable(target('https://shop.test', { proxies })),
      new RegExp(
        `cannot reach shop\\.test on port 443 through the proxy 127\\.0\\.0\\.1:${refused.port}: the proxy 127\\.0\\.0\\.1:${refused.port} responded 403 to CONNECT shop\\.test:443`,
      ),
    );
    const port = await portOf(createServer());
    const connectTo = { host: '127.0.0.1', port: 1 };
    await assert.rejects(
      checkReachable(target(`http://127.0.0.1:${port}`, { connectTo })),
      /port \d+ at 127\.0\.0\.1:1: connection refused/,
    );
  });
});

describe('fetchText() and fetchSample()', () => {
  test('lead through proxies and to other addresses, with TLS and without', async () => {
    const proxy = await startConnectProxy();
    closers.push(proxy.close);
    const way = { host: '127.0.0.1', port: proxy.port, authorization: null };
    for (const [scheme, server] of [
      ['http', answer(createHttpServer())],
      ['https', answer(createHttpsServer(PAIR))],
    ] as const) {
      const port = await portOf(server);
      const connectTo = { host: '127.0.0.1', port };
      for (const access of [{ connectTo }, { connectTo, proxies: { http: way, https: way, bypass: [] } }]) {
        const shop = target(`${scheme}://localhost:9`, access);
        assert.deepEqual(await fetchText(shop, '/metrics', 'X-Pod'), { text: 'localhost:9 ', pod: 'web-1' });
        const sample = await fetchSample(shop, { path: '/', headers: { Authorization: 'a' } });
        assert.equal(sample?.body, 'localhost:9 a');
        assert.equal(sample?.headers['x-pod'], 'web-1');
      }
    }
    assert.equal(proxy.asked.length, 4);
  });
});

describe('isHttp2Frame()', () => {
  for (const [hex, isFrame] of [
    ['000000040000000000', true],
    ['000012040000000000', true],
    ['000008070000000000', true],
    ['000000040000000001', false],
    ['000000000000000000', false],
    ['ff0000040000000000', false],
    ['00000004000000', false],
    [Buffer.from('HTTP/1.1 400 Bad Request').toString('hex'), false],
    ['', false],
  ] as const) {
    test(`${hex.slice(0, 24)}: ${isFrame}`, () =>
      assert.equal(isHttp2Frame(Buffer.from(hex, 'hex')), isFrame));
  }
});

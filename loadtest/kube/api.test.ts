import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, describe, test } from 'node:test';
import { TEST_CERTIFICATE, TEST_KEY } from '../../test/fixtures/certificate.ts';
import { startConnectProxy } from '../../test/fixtures/connect-proxy.ts';
import {
  type Api,
  createApi,
  isPassing,
  isUnheard,
  type StreamHooks,
  toApiFault,
  toApiStatus,
} from './api.ts';
import type { Access, Credentials } from './kubeconfig.ts';

const closers: (() => unknown)[] = [];
after(() => {
  for (const close of closers) close();
});

async function listen(
  onRequest: RequestListener,
  { host = '127.0.0.1', isTls = false } = {},
): Promise<string> {
  const server = isTls
    ? createTlsServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, onRequest)
    : createServer(onRequest);
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const name = host.includes(':') ? `[${host}]` : host;
  return `${isTls ? 'https' : 'http'}://${name}:${(server.address() as AddressInfo).port}`;
}

const hasIpv6 = Object.values(networkInterfaces()).some((own) =>
  own?.some(({ address }) => address === '::1'),
);

const toAccess = (server: string, change: Partial<Access> = {}): Access => ({
  server,
  ca: null,
  tlsServerName: null,
  isTlsUnchecked: false,
  impersonation: {},
  namespace: 'n',
  credentials: async () => ({ token: null, clientCertificate: null }),
  ...change,
});

const answer: RequestListener = ({ rawHeaders }, response) =>
  void response.end(JSON.stringify({ headers: rawHeaders }));

/** Takes the token `good` alone. */
async function startStrict() {
  const tokens: string[] = [];
  const server = await listen((request, response) => {
    const token = request.headers.authorization ?? '';
    tokens.push(`${request.method} ${token}`);
    if (token !== 'Bearer good') response.statusCode = 401;
    response.end(`${JSON.stringify({ message: 'Unauthorized' })}\n`);
  });
  return { server, tokens };
}

const toSource = (first: string, then: string): Access['credentials'] => {
  let given: Credentials = { token: first, clientCertificate: null };
  return async (refused) => {
    if (refused === given && first !== then) given = { token: then, clientCertificate: null };
    return given;
  };
};

describe('createApi()', () => {
  test('asks once more, with other credentials, where the first are refused', async () => {
    const { server, tokens } = await startStrict();
    const api = createApi(toAccess(server, { credentials: toSource('old', 'good') }));
    await api.patch('/x', 'merge', {});
    assert.deepEqual(tokens, ['PATCH Bearer old', 'PATCH Bearer good']);
  });

  test('opens a stream with other credentials where the first are refused', async () => {
    const { server, tokens } = await startStrict();
    const api = createApi(toAccess(server, { credentials: toSource('old', 'good') }));
    const seen: string[] = [];
    const hooks = { onOpen: () => void seen.push('open'), onLine: (line: string) => void seen.push(line) };
    await api.stream('/x', hooks, new AbortController().signal);
    assert.deepEqual(seen, ['open', '{"message":"Unauthorized"}']);
    assert.deepEqual(tokens, ['GET Bearer old', 'GET Bearer good']);
  });

  for (const [what, then, asked] of [
    ['there are no others', 'old', 1],
    ['the others are refused too', 'worse', 2],
  ] as const) {
    test(`gives up with 401 where ${what}`, async () => {
      const { server, tokens } = await startStrict();
      const api = createApi(toAccess(server, { credentials: toSource('old', then) }));
      await assert.rejects(api.get('/x'), (error) => toApiStatus(error) === 401);
      assert.equal(tokens.length, asked);
    });
  }

  test('has no response where no credentials are to be had', async () => {
    const credentials = () => Promise.reject(new Error('the plugin failed'));
    await assert.rejects(
      createApi(toAccess('http://127.0.0.1:1', { credentials })).get('/x'),
      (error: Error) => {
        assert.deepEqual([toApiStatus(error), error.message], [null, 'GET /x: the plugin failed']);
        return true;
      },
    );
  });

  describe('gives up a response that stops', () => {
    const open: StreamHooks = { onOpen: () => assert.fail('it is no stream'), onLine: () => {} };
    const stall =
      (status: number, head: boolean): RequestListener =>
      (_request, response) => {
        if (!head) return;
        response.writeHead(status, { 'content-type': 'application/json' });
        response.write('{');
      };
    const quickly = { headTimeoutMs: 50 };
    const quietly = { silenceTimeoutMs: 50 };
    const get = (api: Api) => api.get('/x');
    const patch = (api: Api) => api.patch('/x', 'merge', {});
    const stream = (api: Api) => api.stream('/x', open, new AbortController().signal);
    for (const [what, options, onRequest, ask, message] of [
      ['before its head', quickly, stall(200, false), get, 'no response in 0.05 s'],
      ['after its head', quietly, stall(200, true), get, 'the response stopped for 0.05 s'],
      ['of an error', quietly, stall(403, true), patch, 'the response stopped for 0.05 s'],
      ['in place of a stream', quietly, stall(403, true), stream, 'the response stopped for 0.05 s'],
    ] as const) {
      test(what, async () => {
        const api = createApi(toAccess(await listen(onRequest)), options);
        await assert.rejects(ask(api), (error: Error) => {
          assert.equal(toApiStatus(error), null);
          assert.ok(error.message.endsWith(message), error.message);
          return true;
        });
      });
    }

    test('but waits for one that comes slowly, and for a quiet stream', async () => {
      const parts = ['{', '"a"', ':', '"', 'b', '"}\n'];
      const server = await listen((_request, response) => {
        let next = 0;
        const drip = setInterval(() => {
          response.write(parts[next]);
          next += 1;
          if (next < parts.length) return;
          clearInterval(drip);
          response.end();
        }, 250);
        response.flushHeaders();
      });
      const api = createApi(toAccess(server), { silenceTimeoutMs: 1_400 });
      assert.deepEqual(await api.get('/x'), { a: 'b' });
      const quick = createApi(toAccess(server), { silenceTimeoutMs: 100 });
      const lines: string[] = [];
      const hooks: StreamHooks = { onOpen: () => {}, onLine: (line) => void lines.push(line) };
      await quick.stream('/x', hooks, new AbortController().signal);
      assert.deepEqual(lines, ['{"a":"b"}']);
    });
  });

  test('says whom to act as, each group for itself', async () => {
    const impersonation = { 'impersonate-user': 'bob', 'impersonate-group': ['a', 'b'] };
    const { headers } = await createApi(toAccess(await listen(answer), { impersonation })).get('/x');
    assert.match(String(headers), /impersonate-user,bob,impersonate-group,a,impersonate-group,b/i);
  });

  test('reaches a server at an IPv6 address', { skip: !hasIpv6 }, async () => {
    await createApi(toAccess(await listen(answer, { host: '::1' }))).get('/x');
  });

  for (const isTls of [false, true]) {
    test(`reaches a server through a proxy, ${isTls ? 'with' : 'without'} TLS`, async () => {
      const server = await listen(answer, { isTls });
      const tunnels = await startConnectProxy({ password: 'me:secret' });
      closers.push(tunnels.close);
      const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
      const proxy = { host: '127.0.0.1', port: tunnels.port, authorization };
      const access = { ca: TEST_CERTIFICATE, tlsServerName: 'localhost', proxy };
      await createApi(toAccess(server, access)).get('/x');
      assert.deepEqual(tunnels.asked, [new URL(server).host]);
      const unknown = createApi(toAccess(server, { ...access, proxy: { ...proxy, authorization: null } }));
      await assert.rejects(unknown.get('/x'), /the proxy 127\.0\.0\.1:\d+ responded 407 to CONNECT/);
    });
  }

  test('holds the certificate against the name given', async () => {
    const server = await listen(answer, { isTls: true });
    const get = (tlsServerName: string | null) =>
      createApi(toAccess(server, { ca: TEST_CERTIFICATE, tlsServerName })).get('/x');
    await get('localhost');
    await assert.rejects(get('api.internal'), /does not match|altnames/);
  });
});

describe('isPassing() and isUnheard()', () => {
  for (const [error, passing, unheard] of [
    [toApiFault(null, ''), true, true],
    [toApiFault(500, ''), true, true],
    [toApiFault(429, ''), true, false],
    [toApiFault(409, ''), true, false],
    [toApiFault(401, ''), true, false],
    [toApiFault(403, ''), false, false],
    [toApiFault(404, ''), false, false],
    [new Error(''), false, false],
  ] as const) {
    test(`${toApiStatus(error)}: ${passing}, ${unheard}`, () =>
      assert.deepEqual([isPassing(error), isUnheard(error)], [passing, unheard]));
  }
});

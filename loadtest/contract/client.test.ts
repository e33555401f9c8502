import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { TEST_CERTIFICATE, TEST_KEY } from '../../test/fixtures/certificate.ts';
import type { Endpoint } from '../engine/settlement.ts';
import type { TlsTrust } from '../engine/target.ts';
import { type ContractRequests, createDialer } from './client.ts';
import { isSuccess, describe as tell } from './observation.ts';

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

async function listen(answer: RequestListener, tls: TlsTrust | null = null) {
  const pair = { cert: TEST_CERTIFICATE, key: TEST_KEY, ca: TEST_CERTIFICATE };
  const server =
    tls === null
      ? createServer(answer)
      : createTlsServer({ ...pair, requestCert: tls.clientCertificate !== undefined }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls };
}

const TRUST = { ca: TEST_CERTIFICATE, isVerified: true };
const ROOT: Endpoint = { name: '/', method: 'GET', path: '/', weight: 1 };

/** These requests in turn. */
const inTurn = (endpoints: readonly Endpoint[], more: Partial<ContractRequests> = {}): ContractRequests => ({
  plan: {
    endpoints,
    at: (index) => ({ index, intendedMs: 0, endpoint: index % endpoints.length, fresh: false }),
  },
  slow: null,
  ...more,
});

describe('createDialer()', () => {
  test('sends the requests of the plan in turn, whole and by halves, with the headers of the time', async () => {
    const seen: string[] = [];
    const target = await listen((request, response) => {
      request.setEncoding('utf8');
      request.once('data', (body) => seen.push(`${request.method} ${request.headers.authorization} ${body}`));
      request.once('end', () => response.end());
    });
    let headers = { Authorization: 'one' };
    const endpoints = ['a', 'b'].map((body) => ({ ...ROOT, method: 'POST', body }));
    const dialer = createDialer(target, inTurn(endpoints, { headers: () => headers }));
    const client = await dialer.open();
    assert.ok(client !== null);
    assert.equal((await client.send()).status, 200);
    const finish = client.sendHalf();
    assert.equal((await finish()).status, 200);
    headers = { Authorization: 'two' };
    assert.equal((await dialer.sendOnce()).status, 200);
    assert.deepEqual(seen, ['POST one a', 'POST one b', 'POST two a']);
    dialer.close();
  });

  test('judges responses by what each request expects', async () => {
    const target = await listen((request, response) => {
      response.statusCode = request.url === '/404' ? 404 : 200;
      response.end('ok');
    });
    const endpoints: Endpoint[] = [
      ROOT,
      { ...ROOT, path: '/404', expectedStatus: 404 },
      { ...ROOT, expectedStatus: 201 },
      { ...ROOT, expectBody: { kind: 'text', text: 'ok' } },
      { ...ROOT, expectBody: { kind: 'text', text: 'no' } },
      { ...ROOT, expectEnd: '[DONE]' },
      { ...ROOT, path: '/404' },
    ];
    const dialer = createDialer(target, inTurn(endpoints));
    const found: [boolean, string][] = [];
    for (const _ of endpoints) {
      const exchange = await dialer.sendOnce();
      found.push([isSuccess(exchange), tell(exchange)]);
    }
    assert.deepEqual(found, [
      [true, 'status 200'],
      [true, 'status 404'],
      [false, 'status 200'],
      [true, 'status 200'],
      [false, 'wrong_body: line 1, column 1: expected "no", got "ok"'],
      [false, 'truncated: the body of 2 bytes ends with "ok", not with "[DONE]"'],
      [false, 'status 404'],
    ]);
    dialer.close();
  });

  test('speaks TLS, and shows its certificate', async () => {
    const clientCertificate = { cert: TEST_CERTIFICATE, key: TEST_KEY };
    const tls = { ...TRUST, clientCertificate };
    const target = await listen((_, response) => void response.end(), tls);
    const dialer = createDialer(target, inTurn([ROOT]));
    assert.equal((await dialer.probe('/ready')).status, 200);
    dialer.close();
    const nobody = createDialer({ ...target, tls: TRUST }, inTurn([ROOT]));
    assert.notEqual((await nobody.probe('/ready')).failure, null);
    nobody.close();
  });

  test('tells a refused connection, and opens none once it is closed', async () => {
    const dialer = createDialer({ host: '127.0.0.1', port: 1, tls: null }, inTurn([ROOT]));
    assert.equal((await dialer.sendOnce()).failure, 'refused');
    dialer.close();
    assert.equal(await dialer.open(), null);
  });
});

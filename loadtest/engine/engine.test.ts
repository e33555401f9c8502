import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { TEST_CERTIFICATE, TEST_KEY } from '../../test/fixtures/certificate.ts';
import { startConnectProxy } from '../../test/fixtures/connect-proxy.ts';
import { type EngineOptions, runEngine } from './engine.ts';
import type { Outcome } from './outcome.ts';
import { RESPONSE_LIMITS } from './response-parser.ts';
import type { Endpoint, PlannedRequest, Settlement } from './settlement.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const ROOT: Endpoint = { name: 'root', method: 'GET', path: '/', weight: 1 };

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

interface Request {
  readonly socket: Socket;
  readonly head: string;
  readonly body: string;
  /** Of all requests, from 1. */
  readonly number: number;
}

/** A server that hands over each request whole, and counts. */
async function serve(answer: (request: Request) => void, isSecure = false) {
  const counts = { requests: 0, connections: 0, open: 0, mostOpen: 0 };
  const onSocket = (socket: Socket) => {
    counts.connections += 1;
    counts.open += 1;
    counts.mostOpen = Math.max(counts.mostOpen, counts.open);
    let unread = '';
    socket.on('error', () => {});
    socket.on('close', () => {
      counts.open -= 1;
    });
    socket.on('data', (chunk) => {
      unread += chunk.toString('latin1');
      for (let end = unread.indexOf('\r\n\r\n'); end >= 0; end = unread.indexOf('\r\n\r\n')) {
        const head = unread.slice(0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (unread.length < end + 4 + length) return;
        const body = unread.slice(end + 4, end + 4 + length);
        unread = unread.slice(end + 4 + length);
        counts.requests += 1;
        answer({ socket, head, body, number: counts.requests });
      }
    });
  };
  const server = isSecure
    ? createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, onSocket)
    : createServer(onSocket);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, counts };
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Run {
  requests?: number;
  at?: (index: number) => Partial<PlannedRequest>;
  endpoints?: readonly Endpoint[];
  signal?: AbortSignal;
  onSettled?: (settlement: Settlement) => void;
  /** Added to the clock. */
  aheadMs?: () => number;
}

async function load(port: number, options: Partial<EngineOptions>, run: Run = {}) {
  const { requests = 10, at = () => ({}), endpoints = [ROOT], onSettled = () => {}, aheadMs = () => 0 } = run;
  const settlements: Settlement[] = [];
  const startMs = performance.now();
  const summary = await runEngine(
    {
      endpoints,
      at: (index) =>
        index < requests
          ? { index, intendedMs: index * 2, endpoint: index % endpoints.length, fresh: false, ...at(index) }
          : undefined,
    },
    {
      target: { host: '127.0.0.1', port, tls: null },
      mode: 'open',
      timeoutMs: 10_000,
      maxConnections: 10,
      connMaxAgeMs: Number.POSITIVE_INFINITY,
      keptConnections: 0,
      idleConnections: 0,
      podHeader: 'X-Pod',
      versionHeader: 'X-Version',
      requestId: null,
      trace: null,
      limits: RESPONSE_LIMITS,
      ...options,
    },
    {
      onSettled: (settlement) => {
        settlements.push(settlement);
        onSettled(settlement);
      },
      signal: run.signal ?? new AbortController().signal,
      clock: () => performance.now() - startMs + aheadMs(),
      random: () => 0.5,
    },
  );
  return {
    summary,
    settlements,
    outcomes: Object.fromEntries(summary.outcomes) as Partial<Record<Outcome, number>>,
  };
}

describe('runEngine()', () => {
  test('an open plan: each request at or after its intended time, settled once, on keep-alive connections', async () => {
    const { port, counts } = await serve(({ socket }) => void socket.write(OK));
    const { summary, settlements, outcomes } = await load(port, {}, { requests: 50 });
    assert.deepEqual(outcomes, { ok: 50 });
    assert.deepEqual([summary.planned, summary.sent, summary.settled, counts.requests], [50, 50, 50, 50]);
    assert.equal(summary.isAborted, false);
    assert.deepEqual(new Set(settlements.map(({ index }) => index)).size, 50);
    for (const { index, intendedMs, sentMs, endMs, status } of settlements) {
      assert.equal(intendedMs, index * 2);
      assert.ok(sentMs !== null && sentMs >= intendedMs && endMs >= sentMs);
      assert.equal(status, 200);
    }
    assert.ok(counts.connections < 50);
    assert.ok(settlements.some(({ connection }) => connection?.reused && connection.requests > 1));
    assert.ok(settlements.every(({ connection }) => connection?.remoteAddress === '127.0.0.1'));
  });

  test('a closed loop: no more users at a time than asked, and the plan to its end', async () => {
    let busy = 0;
    let mostBusy = 0;
    const { port, counts } = await serve(({ socket }) => {
      busy += 1;
      mostBusy = Math.max(mostBusy, busy);
      setTimeout(() => {
        busy -= 1;
        socket.write(OK);
      }, 1);
    });
    const { outcomes } = await load(port, { mode: { closed: 3, durationMs: 60_000 } }, { requests: 40 });
    assert.deepEqual(outcomes, { ok: 40 });
    assert.equal(mostBusy, 3);
    assert.equal(counts.requests, 40);
  });

  test('a closed loop ends with its duration', async () => {
    const { port, counts } = await serve(({ socket }) => void socket.write(OK));
    const { summary } = await load(port, { mode: { closed: 2, durationMs: 300 } }, { requests: 1e9 });
    assert.ok(summary.settled > 0);
    assert.equal(summary.settled, counts.requests);
  });

  test('a closed loop backs off from a port that refuses', async () => {
    const { summary, outcomes, settlements } = await load(
      await closedPort(),
      { mode: { closed: 2, durationMs: 300 } },
      { requests: 1e9 },
    );
    assert.deepEqual(Object.keys(outcomes), ['refused']);
    for (const { connection } of settlements) {
      assert.deepEqual([connection?.requests, connection?.remoteAddress], [0, '127.0.0.1']);
    }
    assert.equal(new Set(settlements.map(({ connection }) => connection?.id)).size, settlements.length);
    assert.ok(summary.planned < 200, `${summary.planned} attempts`);
  });

  test('a stop settles what is open and takes no more from the plan', async () => {
    const stop = new AbortController();
    const { port, counts } = await serve(({ number, socket }) => {
      if (number <= 3) socket.write(OK);
      else stop.abort();
    });
    const { summary, outcomes } = await load(
      port,
      { maxConnections: 1 },
      { requests: 1000, at: (index) => ({ intendedMs: index < 10 ? 0 : 60_000 }), signal: stop.signal },
    );
    assert.deepEqual(outcomes, { ok: 3, unfinished: 1, not_sent: 6 });
    assert.equal(summary.planned, 10);
    assert.equal(summary.isAborted, true);
    assert.equal(counts.requests, 4);
  });

  test('the deadline runs from the intended time, over the wait for a connection too', async () => {
    const { port, counts } = await serve(() => {});
    const { outcomes, settlements } = await load(
      port,
      { maxConnections: 1, timeoutMs: 1000 },
      { requests: 4, at: () => ({ intendedMs: 0 }) },
    );
    assert.equal(outcomes.timeout, 1);
    assert.equal(outcomes.not_sent, 3);
    assert.equal(counts.requests, 1);
    for (const { endMs } of settlements) assert.ok(endMs >= 1000);
  });

  test('never more connections than allowed', async () => {
    const { port, counts } = await serve(({ socket }) => void setTimeout(() => socket.write(OK), 5));
    const { outcomes } = await load(
      port,
      { maxConnections: 2 },
      { requests: 20, at: () => ({ intendedMs: 0 }) },
    );
    assert.deepEqual(outcomes, { ok: 20 });
    assert.ok(counts.mostOpen <= 2);
  });

  test('a fresh request has a connection of its own, and says that it is the last one there', async () => {
    const heads: string[] = [];
    const { port, counts } = await serve(({ socket, head }) => {
      heads.push(head);
      if (/connection: close/i.test(head)) socket.end(OK);
      else socket.write(OK);
    });
    const { settlements } = await load(
      port,
      {},
      { requests: 12, at: (index) => ({ fresh: index % 2 === 0, intendedMs: index * 10 }) },
    );
    assert.equal(heads.filter((head) => /connection: close/i.test(head)).length, 6);
    assert.ok(counts.connections >= 7);
    for (const { index, connection, outcome } of settlements) {
      assert.equal(outcome, 'ok');
      if (index % 2 === 0) assert.equal(connection?.reused, false);
    }
  });

  test('methods, bodies, headers and expected statuses are as the endpoint says', async () => {
    const seen: string[] = [];
    const { port } = await serve(({ socket, head, body }) => {
      seen.push(`${head.split(' ', 2).join(' ')} ${body} ${/x-a: (\S+)/i.exec(head)?.[1] ?? ''}`);
      if (head.startsWith('HEAD')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
      else if (head.startsWith('POST')) socket.write('HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n');
      else socket.write('HTTP/1.1 204 No\r\n\r\n');
    });
    const { outcomes } = await load(
      port,
      {},
      {
        requests: 4,
        endpoints: [
          { ...ROOT, method: 'HEAD', path: '/h' },
          {
            ...ROOT,
            method: 'POST',
            path: '/p?q=1',
            body: 'data',
            headers: { 'X-A': 'b' },
            expectedStatus: 404,
          },
          ROOT,
          { ...ROOT, path: '/x', expectedStatus: 200 },
        ],
      },
    );
    assert.deepEqual(outcomes, { ok: 3, http_204: 1 });
    assert.deepEqual(seen.sort(), ['GET /  ', 'GET /x  ', 'HEAD /h  ', 'POST /p?q=1 data b']);
  });

  test('the pod and version that answered are kept', async () => {
    const { port } = await serve(
      ({ socket }) => void socket.write(OK.replace('\r\n', '\r\nX-Pod: pod-a\r\nX-Version: 2\r\n')),
    );
    const { settlements } = await load(port, {}, { requests: 2 });
    assert.deepEqual(
      settlements.map(({ pod, version }) => [pod, version]),
      [
        ['pod-a', '2'],
        ['pod-a', '2'],
      ],
    );
  });

  test('a name that does not resolve: dns', async () => {
    const { outcomes, settlements } = await load(
      80,
      { target: { host: 'no-such-host.invalid', port: 80, tls: null } },
      { requests: 2 },
    );
    assert.deepEqual(outcomes, { dns: 2 });
    assert.equal(settlements[0]?.sentMs, null);
  });

  for (const [name, tls, outcome] of [
    ['a private authority', { ca: TEST_CERTIFICATE, isVerified: true }, 'ok'],
    ['no verification', { ca: null, isVerified: false }, 'ok'],
    ['an unknown authority', { ca: null, isVerified: true }, 'tls'],
  ] as const) {
    test(`TLS with ${name}: ${outcome}`, async () => {
      const { port } = await serve(({ socket }) => void socket.write(OK), true);
      for (const host of ['localhost', '127.0.0.1']) {
        const { outcomes, settlements } = await load(
          port,
          { target: { host, port, tls } },
          { requests: 3, at: (index) => ({ intendedMs: index * 20 }) },
        );
        assert.deepEqual(outcomes, { [outcome]: 3 }, settlements[0]?.detail ?? '');
      }
    });
  }

  describe('through a proxy', () => {
    const proxies: { close(): void }[] = [];
    after(() => {
      for (const proxy of proxies) proxy.close();
    });
    const viaProxy = async (given: Parameters<typeof startConnectProxy>[0] = {}) => {
      const proxy = await startConnectProxy(given);
      proxies.push(proxy);
      return { ...proxy, hop: { host: '127.0.0.1', port: proxy.port, authorization: null } };
    };

    for (const isSecure of [false, true]) {
      test(`each connection is a tunnel to the server, ${isSecure ? 'with' : 'without'} TLS`, async () => {
        const { port, counts } = await serve(({ socket }) => void socket.write(OK), isSecure);
        const proxy = await viaProxy();
        const tls = isSecure ? { ca: TEST_CERTIFICATE, isVerified: true } : null;
        const target = {
          host: 'localhost',
          port: 9,
          tls,
          connectTo: { host: '127.0.0.1', port },
          proxy: proxy.hop,
        };
        const fresh = (index: number) => ({ fresh: index % 4 === 0 });
        const { outcomes, settlements, summary } = await load(1, { target }, { requests: 40, at: fresh });
        assert.deepEqual(outcomes, { ok: 40 });
        assert.equal(counts.requests, 40);
        assert.equal(proxy.asked.length, summary.connections.tried);
        assert.deepEqual(new Set(proxy.asked), new Set([`127.0.0.1:${port}`]));
        assert.equal(summary.connections.fault, null);
        assert.ok(settlements.some(({ connection }) => connection?.reused));
        assert.ok(settlements.every(({ connection }) => connection?.localPort != null));
      });
    }

    test('a refusal is one of the connection, and is told', async () => {
      const { hop } = await viaProxy({ refusal: 'HTTP/1.1 503 Service Unavailable' });
      const target = { host: 'shop.test', port: 80, tls: null, proxy: hop };
      const { outcomes, settlements, summary } = await load(1, { target }, { requests: 3 });
      assert.deepEqual(outcomes, { refused: 3 });
      assert.match(
        settlements[0]?.detail ?? '',
        /^the proxy 127\.0\.0\.1:\d+ responded 503 to CONNECT shop\.test:80$/,
      );
      assert.equal(summary.connections.fault, null);
    });

    test('a certificate that is not trusted fails TLS, as it does without one', async () => {
      const { port } = await serve(({ socket }) => void socket.write(OK), true);
      const { hop } = await viaProxy();
      const target = { host: '127.0.0.1', port, tls: { ca: null, isVerified: true }, proxy: hop };
      const { outcomes, summary } = await load(1, { target }, { requests: 3 });
      assert.deepEqual(outcomes, { tls: 3 });
      assert.equal(summary.connections.fault, null);
    });

    test('a proxy that says nothing leads to no connection before the deadline', async () => {
      const { port } = await serve(() => {});
      const target = {
        host: 'shop.test',
        port: 80,
        tls: null,
        proxy: { host: '127.0.0.1', port, authorization: null },
      };
      const { outcomes } = await load(1, { target, timeoutMs: 100 }, { requests: 2 });
      assert.deepEqual(outcomes, { connect_timeout: 2 });
    });
  });

  test('leads to another address where it shall, and asks for the host by name', async () => {
    const heads: string[] = [];
    const { port } = await serve(({ socket, head }) => {
      heads.push(head);
      socket.write(OK);
    });
    const target = { host: 'shop.test', port: 80, tls: null, connectTo: { host: '127.0.0.1', port } };
    const { outcomes } = await load(1, { target }, { requests: 3 });
    assert.deepEqual(outcomes, { ok: 3 });
    for (const head of heads) assert.match(head, /\r\nHost: shop\.test\r\n/);
  });

  test('judges bodies by what each endpoint expects, and keeps the connection', async () => {
    const stream = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n0\r\n\r\n';
    const { port, counts } = await serve(({ socket, head }) => {
      socket.write(head.startsWith('GET /stream') ? stream : OK);
    });
    const endpoints: Endpoint[] = [
      { ...ROOT, expectBody: { kind: 'text', text: 'ok' } },
      { ...ROOT, expectBody: { kind: 'text', text: 'OK' } },
      { ...ROOT, path: '/stream', expectEnd: '[DONE]' },
      { ...ROOT, expectBody: { kind: 'text', text: 'OK' }, expectedStatus: 201 },
    ];
    const { outcomes, settlements, summary } = await load(
      port,
      { maxConnections: 1 },
      { endpoints, requests: 40 },
    );
    assert.deepEqual(outcomes, { ok: 10, wrong_body: 10, truncated: 10, http_200: 10 });
    assert.deepEqual([counts.connections, summary.connections.fault, summary.fault], [1, null, null]);
    const details = Object.fromEntries(settlements.map(({ outcome, detail }) => [outcome, detail]));
    assert.deepEqual(details, {
      ok: null,
      wrong_body: 'line 1, column 1: expected "OK", got "ok"',
      truncated: 'the body of 8 bytes ends with "data: 1", not with "[DONE]"',
      http_200: null,
    });
  });

  test('each endpoint may have a deadline of its own, in the queue too', async () => {
    const { port } = await serve(({ socket }) => setTimeout(() => socket.write(OK), 400));
    const endpoints: Endpoint[] = [ROOT, { ...ROOT, timeoutMs: 100 }];
    const at = (index: number) => ({ intendedMs: 0, endpoint: index === 2 ? 1 : 0 });
    const queued = await load(port, { maxConnections: 1 }, { endpoints, at, requests: 3 });
    assert.deepEqual(queued.outcomes, { ok: 2, not_sent: 1 });
    assert.equal(queued.settlements[0]?.endpoint, 1, 'before those that wait with it');
    const sent = await load(port, {}, { endpoints, at, requests: 3 });
    assert.deepEqual(sent.outcomes, { ok: 2, timeout: 1 });
  });

  test('TLS to a server that does not speak it: tls', async () => {
    const plain = createServer((socket) => void socket.end('HTTP/1.1 400 Bad\r\n\r\n'));
    servers.push(plain);
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as AddressInfo;
    const target = { host: '127.0.0.1', port, tls: { ca: null, isVerified: false } };
    const { outcomes } = await load(port, { target }, { requests: 2 });
    assert.deepEqual(outcomes, { tls: 2 });
  });
});

describe('the connections of runEngine()', () => {
  test('a failure names the pod that answered last on its connection', async () => {
    const { port } = await serve(({ socket, number }) => {
      if (number === 1) socket.write(OK.replace('\r\n', '\r\nX-Pod: pod-a\r\nX-Version: 1\r\n'));
      else socket.destroy();
    });
    const { settlements } = await load(port, { mode: { closed: 1, durationMs: 60_000 } }, { requests: 2 });
    const failure = settlements[1];
    assert.equal(failure?.outcome, 'closed_before_response');
    assert.deepEqual([failure?.pod, failure?.version], ['pod-a', '1']);
    const { connection } = failure;
    assert.ok(connection);
    assert.deepEqual([connection.reused, connection.requests], [true, 2]);
    assert.ok(connection.ageMs >= connection.idleMs && connection.idleMs >= 0);
    assert.ok(connection.localPort !== null && connection.localPort > 0);
  });

  test('a response that names another request is a protocol_error, and ends the connection', async () => {
    const { port, counts } = await serve(({ socket, number }) => {
      const id = number === 2 ? 'run-99' : `run-${number - 1}`;
      socket.write(OK.replace('\r\n', `\r\nX-Request-Id: ${id}\r\n`));
    });
    const { outcomes, settlements } = await load(
      port,
      { mode: { closed: 1, durationMs: 60_000 }, requestId: { header: 'X-Request-Id', prefix: 'run-' } },
      { requests: 4 },
    );
    assert.deepEqual(outcomes, { ok: 3, protocol_error: 1 });
    assert.equal(settlements[1]?.detail, 'the response names request run-99');
    assert.equal(counts.connections, 2);
  });

  test('a server that makes its own request ids is not taken for one that mixes them up', async () => {
    const { port } = await serve(
      ({ socket }) => void socket.write(OK.replace('\r\n', '\r\nX-Request-Id: own\r\n')),
    );
    const { outcomes } = await load(port, { requestId: { header: 'X-Request-Id', prefix: 'run-' } });
    assert.deepEqual(outcomes, { ok: 10 });
  });

  test('each request is written with a trace of its own, which is told of those that failed', async () => {
    const traces: string[] = [];
    const { port } = await serve(({ socket, head, number }) => {
      traces.push(/\r\ntraceparent: 00-([0-9a-f]{32})-[0-9a-f]{16}-00\r?$/m.exec(head)?.[1] ?? head);
      socket.write(number === 2 ? OK.replace('200', '503') : OK);
    });
    const { settlements } = await load(
      port,
      {
        mode: { closed: 1, durationMs: 60_000 },
        trace: { prefix: '0123456789abcdef', isSampled: false },
      },
      { requests: 3 },
    );
    assert.equal(new Set(traces).size, 3);
    assert.deepEqual(
      settlements.map(({ traceId }) => traceId),
      [null, traces[1], null],
    );
  });

  for (const [name, answer, fresh] of [
    ['that the server declares closed', OK.replace('\r\n', '\r\nConnection: close\r\n'), false],
    ['of HTTP/1.0', OK.replace('1.1', '1.0'), false],
    ['of a fresh request', OK, true],
  ] as const) {
    test(`a connection ${name} is not used again, even if the server leaves it open`, async () => {
      const { port, counts } = await serve(({ socket }) => void socket.write(answer));
      const { outcomes } = await load(
        port,
        { mode: { closed: 1, durationMs: 60_000 }, maxConnections: 1 },
        { requests: 5, at: (index) => ({ fresh: fresh && index % 2 === 0 }) },
      );
      assert.deepEqual(outcomes, { ok: 5 });
      assert.equal(counts.connections, 5);
    });
  }

  test('bytes beyond the response do not change it; the connection is dropped and counted', async () => {
    const { port, counts } = await serve(({ socket }) => void socket.write(`${OK}${OK}`));
    const { outcomes, summary } = await load(
      port,
      { mode: { closed: 1, durationMs: 60_000 } },
      { requests: 5 },
    );
    assert.deepEqual(outcomes, { ok: 5 });
    assert.equal(summary.connections.excess, 5);
    assert.equal(counts.connections, 5);
  });

  test('a response complete only after the deadline is a timeout, and its connection is gone', async () => {
    let aheadMs = 0;
    const { port, counts } = await serve(({ socket, number }) => {
      if (number === 1) aheadMs = 20_000;
      socket.write(OK);
    });
    const { outcomes } = await load(
      port,
      { mode: { closed: 1, durationMs: 60_000 } },
      { requests: 2, aheadMs: () => aheadMs },
    );
    assert.deepEqual(outcomes, { timeout: 1, ok: 1 });
    assert.equal(counts.connections, 2);
  });

  test('connections are retired at their age, without loss', async () => {
    const { port, counts } = await serve(({ socket }) => void socket.write(OK));
    const { outcomes, summary } = await load(
      port,
      { connMaxAgeMs: 40, mode: { closed: 1, durationMs: 600 } },
      { requests: 1e9 },
    );
    assert.deepEqual(Object.keys(outcomes), ['ok']);
    assert.ok(summary.connections.retired > 0);
    assert.equal(counts.connections, summary.connections.retired + 1);
  });

  test('a fresh request takes the place of an idle connection when there is no room', async () => {
    const { port } = await serve(({ socket }) => void socket.write(OK));
    const { outcomes } = await load(
      port,
      { maxConnections: 1 },
      { requests: 6, at: (index) => ({ fresh: index % 2 === 1, intendedMs: index * 10 }) },
    );
    assert.deepEqual(outcomes, { ok: 6 });
  });

  test('a request that is due only after its deadline is not sent', async () => {
    const { port, counts } = await serve(({ socket }) => void socket.write(OK));
    const { outcomes } = await load(
      port,
      { timeoutMs: 50 },
      { requests: 2, at: () => ({ intendedMs: -100 }) },
    );
    assert.deepEqual(outcomes, { not_sent: 2 });
    assert.equal(counts.requests, 0);
  });
});

describe('what runEngine() tells of connections', () => {
  for (const [ending, answer] of [
    ['closed_with_notice', ({ socket }) => void socket.end(OK.replace('\r\n', '\r\nConnection: close\r\n'))],
    ['closed_in_silence', ({ socket }) => void socket.write(OK, () => setTimeout(() => socket.end(), 10))],
    ['cut', ({ socket }) => void socket.destroy()],
    ['closed_by_load', ({ socket }) => void socket.write(OK)],
  ] as const satisfies readonly (readonly [string, (request: Request) => void])[]) {
    test(`${ending}, each exactly once`, async () => {
      const { port } = await serve(answer);
      // Far enough apart for the server to close what is idle.
      const { summary } = await load(port, {}, { requests: 2, at: (index) => ({ intendedMs: 400 * index }) });
      const { tried, established, endings } = summary.connections;
      // What is open at the end of the load is closed by it.
      const others = Object.keys(endings).filter((each) => each !== ending && each !== 'closed_by_load');
      assert.deepEqual(others, []);
      assert.ok((endings[ending] ?? 0) >= 1, JSON.stringify(endings));
      const ended = Object.values(endings).reduce((sum, count) => sum + count, 0);
      const opened = ending === 'closed_by_load' ? 1 : 2;
      assert.deepEqual([tried, established, ended], [opened, opened, opened]);
    });
  }

  test('refused: tried, and never established', async () => {
    const { summary } = await load(await closedPort(), {}, { requests: 2 });
    const { tried, established, endings } = summary.connections;
    assert.deepEqual({ tried, established, endings }, { tried: 2, established: 0, endings: { refused: 2 } });
  });

  test('the pod that a body names, on this response and on what follows on its connection', async () => {
    const body = '{"hostname":"web-1"}';
    const { port } = await serve(({ socket, number }) => {
      const text = number === 1 ? body : 'ok';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    });
    const { settlements } = await load(
      port,
      { podText: '"hostname":"' },
      { requests: 2, at: (index) => ({ intendedMs: 50 * index }) },
    );
    assert.deepEqual(
      settlements.map(({ pod }) => pod),
      ['web-1', 'web-1'],
    );
  });
});

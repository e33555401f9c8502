import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type App, createApp } from './app.ts';
import { parseConfig } from './config.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import { createLogger } from './telemetry/log.ts';
import type { FibonacciPool, PoolResult, Vitals } from './world.ts';

const VITALS: Vitals = {
  refusedRequests: 0,
  droppedLogLines: 0,
  eventLoopLagMs: 0,
  eventLoopLagMaxMs: 0,
  cpuMs: 0,
  residentBytes: 0,
  startTimeMs: 0,
  pool: {
    workers: 1,
    busy: 0,
    queued: 0,
    computed: 0,
    queueFull: 0,
    timedOut: 0,
    abandoned: 0,
    crashed: 0,
  },
};

/** The whole app in this process, with no server and no worker. */
function createScene(pool: FibonacciPool = answering({ kind: 'computed', value: 1 })): {
  app: App;
  lifecycle: Lifecycle;
  lines: string[];
  get: (path: string, init?: RequestInit) => Promise<Response>;
} {
  const lines: string[] = [];
  let nowMs = 0;
  const lifecycle = createLifecycle(
    () => 0,
    () => {},
  );
  const app = createApp({
    config: parseConfig({}),
    lifecycle,
    log: createLogger({
      level: 'info',
      accessLog: 'all',
      identity: { pod: 'pod-1', version: '1' },
      write: (line) => void lines.push(line),
      wallClock: () => 0,
    }),
    pool,
    vitals: () => VITALS,
    inFlight: () => 0,
    now: () => (nowMs += 1.5),
    random: () => 0.999,
    wait: async () => {},
    runtime: 'test 1',
    startedAt: '1970-01-01T00:00:00.000Z',
    requestIdPrefix: 'prefix',
  });
  const get = (path: string, init?: RequestInit) => app.fetch(new Request(`http://service${path}`, init));
  return { app, lifecycle, lines, get };
}

function answering(result: PoolResult): FibonacciPool {
  return { compute: async () => result };
}

describe('app.fetch()', () => {
  test('answers without a server, as a Fetch runtime would mount it', async () => {
    const { get } = createScene();
    const answer = await get('/payload');
    assert.deepEqual(await answer.json(), { n: 20, fibonacci: 6765, computed: 'inline' });
    assert.equal(answer.headers.get('x-request-id'), 'prefix-1');
  });

  test('gives HEAD no body, but the length of it', async () => {
    const { get } = createScene();
    const answer = await get('/payload?n=20', { method: 'HEAD' });
    assert.equal(answer.body, null);
    assert.equal(
      answer.headers.get('content-length'),
      String('{"n":20,"fibonacci":6765,"computed":"inline"}'.length),
    );
  });

  test('tells the length in bytes of a problem that shows what is not ASCII', async () => {
    const { get } = createScene();
    const path = `/payload?n=${encodeURIComponent('٣😀')}`;
    const [head, full] = [await get(path, { method: 'HEAD' }), await get(path)];
    const bytes = (await full.clone().arrayBuffer()).byteLength;
    assert.match(((await full.json()) as { detail: string }).detail, /^n is "٣😀": /);
    // The request ids of the two are of one length.
    assert.equal(head.headers.get('content-length'), String(bytes));
  });

  test('tells the state on /ready, and 200 on /health in each', async () => {
    const { get, lifecycle } = createScene();
    const states = [
      { state: 'starting' },
      { state: 'ready' },
      { state: 'draining', step: 'lame-duck' },
      { state: 'draining', step: 'finishing' },
      { state: 'closed' },
    ] as const;
    for (const state of states) {
      if (state.state !== 'starting') lifecycle.enter(state);
      const [ready, health] = [await get('/ready'), await get('/health')];
      assert.equal(ready.status, state.state === 'ready' ? 200 : 503);
      assert.deepEqual(await ready.json(), state);
      assert.equal(health.status, 200);
      assert.deepEqual(await health.json(), { status: 'ok', state: state.state });
      const closes = state.state === 'draining' || state.state === 'closed';
      assert.equal(ready.headers.get('connection'), closes ? 'close' : null);
    }
  });

  for (const [result, status, retryAfter] of [
    [{ kind: 'computed', value: 1 }, 200, null],
    [{ kind: 'queue-full' }, 503, '1'],
    [{ kind: 'timed-out' }, 504, null],
    [{ kind: 'abandoned' }, 499, null],
    [{ kind: 'crashed' }, 500, null],
  ] as const) {
    test(`a payload that is ${result.kind} is ${status}`, async () => {
      const answer = await createScene(answering(result)).get('/payload?n=21');
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('retry-after'), retryAfter);
    });
  }

  test('an unexpected error is a 500 that leaks nothing and is logged with the request id', async () => {
    const { get, lines } = createScene({
      compute: async () => {
        throw new Error('the password is swordfish');
      },
    });
    const answer = await get('/payload?n=21', { headers: { 'x-request-id': 'id-1' } });
    assert.equal(answer.status, 500);
    const body = await answer.text();
    assert.equal(JSON.parse(body).requestId, 'id-1');
    assert.doesNotMatch(body, /swordfish|\.ts/);
    const line = JSON.parse(lines.find((text) => text.includes('request failed')) ?? '{}');
    assert.equal(line.requestId, 'id-1');
    assert.equal(line.error.message, 'the password is swordfish');
  });

  test('answers every request with headers that name it, and logs it once, whatever it holds', async () => {
    const { get, lines } = createScene();
    await fc.assert(
      fc.asyncProperty(
        fc.webPath(),
        fc.webQueryParameters(),
        fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE', 'PROPFIND'),
        fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
        async (path, query, method, id) => {
          lines.length = 0;
          const answer = await get(`${path || '/'}?${query}`, { method, headers: { 'x-request-id': id } });
          assert.ok([200, 204, 400, 404, 405].includes(answer.status), String(answer.status));
          assert.match(answer.headers.get('x-request-id') ?? '', /^[A-Za-z0-9._~-]{1,128}$/);
          assert.equal(lines.length, 1);
          assert.equal(JSON.parse(lines[0] ?? '').status, answer.status);
        },
      ),
    );
  });

  test('tells on every response who answers, that nobody may keep it, and of which type it is', async () => {
    const { get } = createScene();
    const headersOf = async (path: string, init?: RequestInit) =>
      Object.fromEntries((await get(path, init)).headers);
    const common = { 'x-pod': 'local', 'x-version': 'dev', 'cache-control': 'no-store' };
    assert.deepEqual(await headersOf('/health'), {
      ...common,
      'x-request-id': 'prefix-1',
      'content-type': 'application/json',
    });
    assert.deepEqual(await headersOf('/nowhere'), {
      ...common,
      'x-request-id': 'prefix-2',
      'content-type': 'application/problem+json',
    });
    assert.deepEqual(await headersOf('/health', { method: 'OPTIONS' }), {
      ...common,
      'x-request-id': 'prefix-3',
      allow: 'GET, HEAD, OPTIONS',
    });
    assert.equal((await headersOf('/metrics'))['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  });

  test('answers a fault with a problem document', async () => {
    const { get } = createScene({
      compute: async () => {
        throw new Error('broken');
      },
    });
    assert.deepEqual(await (await get('/nowhere')).json(), {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'there is nothing at "/nowhere"',
      requestId: 'prefix-1',
    });
    assert.deepEqual(await (await get('/payload?n=21')).json(), {
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'The request failed for a reason that is in the log under this request id.',
      requestId: 'prefix-2',
    });
  });

  test('logs a request with its route, how long it took, and the length of its body', async () => {
    const { get, lines } = createScene();
    await get('/nowhere', { method: 'HEAD' });
    await get('/ready', { method: 'OPTIONS' });
    const length = (await (await get('/version')).text()).length;
    const logged = lines.map((line) => JSON.parse(line));
    assert.deepEqual(
      logged.map(({ method, route, status, durationMs, bytes }) => [
        method,
        route,
        status,
        durationMs,
        bytes,
      ]),
      [
        ['HEAD', 'unmatched', 404, 1.5, 0],
        ['OPTIONS', '/ready', 204, 1.5, 0],
        ['GET', '/version', 200, 1.5, length],
      ],
    );
  });

  test('tells on /version what runs here, where and since when', async () => {
    assert.deepEqual(await (await createScene().get('/version')).json(), {
      version: 'dev',
      revision: 'unknown',
      runtime: 'test 1',
      pod: 'local',
      node: 'local',
      namespace: 'local',
      startedAt: '1970-01-01T00:00:00.000Z',
    });
  });

  test('tells on /metrics the requests, and what else there is to read', async () => {
    const { get, lifecycle, app } = createScene();
    await get('/payload');
    lifecycle.enter({ state: 'ready' });
    const lines = (await (await get('/metrics')).text()).split('\n');
    for (const line of [
      'http_requests_total{route="/payload",method="GET",status="2xx"} 1',
      'http_request_duration_seconds_sum{route="/payload",method="GET",status="2xx"} 0.0015',
      'build_info{version="dev",revision="unknown",runtime="test 1"} 1',
      'lifecycle_state{state="ready"} 1',
      'http_requests_in_flight 0',
      'payload_pool_workers 1',
      'lifecycle_drain_seconds 0',
    ]) {
      assert.ok(lines.includes(line), line);
    }
    assert.deepEqual(app.totals(), { total: 2, '2xx': 2, '4xx': 0, '5xx': 0 });
  });
});

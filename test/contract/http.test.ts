/** The HTTP contract, over the wire, against real processes. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RUNTIMES, type Runtime, type Service, startService, stop } from './service.ts';
import { exchange } from './wire.ts';

for (const runtime of Object.keys(RUNTIMES) as Runtime[]) {
  describe(`HTTP contract on ${runtime}`, () => {
    let service: Service;
    before(async () => {
      service = await startService(runtime, {
        APP_VERSION: '1.2.3',
        APP_REVISION: 'abc',
        POD_NAME: 'pod-1',
        NODE_NAME: 'node-1',
      });
    });
    after(() => stop(service));

    const get = (path: string, init?: RequestInit) => fetch(service.url + path, init);

    test('answers from the runtime it claims to test', async () => {
      const { runtime: answered } = (await (await get('/version')).json()) as { runtime: string };
      assert.equal(answered.split(' ')[0], runtime);
    });

    test('GET /health is 200', async () => {
      const answer = await get('/health');
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), { status: 'ok', state: 'ready' });
    });

    test('GET /ready is 200 with the state', async () => {
      const answer = await get('/ready');
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), { state: 'ready' });
    });

    test('GET /version tells the process', async () => {
      const answer = await get('/version');
      const { startedAt, runtime: _, ...names } = (await answer.json()) as Record<string, string>;
      assert.deepEqual(names, {
        version: '1.2.3',
        revision: 'abc',
        pod: 'pod-1',
        node: 'node-1',
        namespace: 'local',
      });
      assert.ok(Date.parse(startedAt ?? '') <= Date.now());
    });

    for (const [n, fibonacci, computed] of [
      [0, 0, 'inline'],
      [1, 1, 'inline'],
      [20, 6765, 'inline'],
      [21, 10946, 'worker'],
      [30, 832040, 'worker'],
    ] as const) {
      test(`GET /payload?n=${n} is ${fibonacci}, computed ${computed}`, async () => {
        const answer = await get(`/payload?n=${n}`);
        assert.equal(answer.status, 200);
        assert.deepEqual(await answer.json(), { n, fibonacci, computed });
      });
    }

    test('GET /payload draws n from 0 to MAX_RANDOM_NUMBER', async () => {
      const drawn = new Set<number>();
      for (let i = 0; i < 300; i++) drawn.add(((await (await get('/payload')).json()) as { n: number }).n);
      assert.ok([...drawn].every((n) => Number.isInteger(n) && n >= 0 && n <= 20));
      assert.ok(drawn.size > 10, `only ${drawn.size} different numbers in 300`);
    });

    test('a bad n is 400 with a problem document that shows it', async () => {
      const answer = await get('/payload?n=0x10');
      assert.equal(answer.status, 400);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      assert.deepEqual(await answer.json(), {
        type: 'about:blank',
        title: 'Bad Request',
        status: 400,
        detail: 'n is "0x10": expected a whole number from 0 to 40',
        requestId: answer.headers.get('x-request-id'),
      });
    });

    test('an unknown path is 404', async () => {
      for (const path of [
        '/',
        '/Health',
        '/health/x',
        '//health',
        '/healthz',
        '/%zz',
        '/%ff',
        '/payload%2f',
      ]) {
        const answer = await exchange(
          service.port,
          `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        );
        assert.match(answer, /^HTTP\/1.1 404 /, path);
        assert.match(answer, /content-type: application\/problem\+json\r\n/i);
      }
    });

    test('a trailing slash and a query change nothing', async () => {
      for (const path of ['/health/', '/health?x', '/health/?x=1', '/ready?n=5']) {
        assert.equal((await get(path)).status, 200, path);
      }
    });

    test('HEAD is GET without the body', async () => {
      for (const path of ['/health', '/ready', '/payload?n=21', '/metrics', '/version']) {
        const [head, full] = [await get(path, { method: 'HEAD' }), await get(path)];
        assert.equal(head.status, 200, path);
        assert.equal(head.headers.get('content-type'), full.headers.get('content-type'));
        assert.equal(await head.text(), '');
        const length = (await full.text()).length;
        // The metrics have changed between the two.
        if (path !== '/metrics') assert.equal(Number(head.headers.get('content-length')), length, path);
      }
      assert.equal((await get('/nowhere', { method: 'HEAD' })).status, 404);
      assert.equal((await get('/payload?n=x', { method: 'HEAD' })).status, 400);
    });

    test('OPTIONS is 204 with Allow', async () => {
      const answer = await get('/payload', { method: 'OPTIONS' });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers.get('allow'), 'GET, HEAD, OPTIONS');
    });

    test('another method is 405 with Allow', async () => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await get('/health', { method });
        assert.equal(answer.status, 405, method);
        assert.equal(answer.headers.get('allow'), 'GET, HEAD, OPTIONS');
        assert.equal(((await answer.json()) as { title: string }).title, 'Method Not Allowed');
      }
    });

    test('every response names its pod and version and is not to be stored', async () => {
      for (const path of ['/health', '/nowhere', '/payload?n=x', '/metrics']) {
        const { headers } = await get(path);
        assert.equal(headers.get('x-pod'), 'pod-1', path);
        assert.equal(headers.get('x-version'), '1.2.3', path);
        assert.equal(headers.get('cache-control'), 'no-store', path);
      }
    });

    test('a valid request id is taken over, another is replaced', async () => {
      const idOf = async (id: string) =>
        (await get('/health', { headers: { 'x-request-id': id } })).headers.get('x-request-id') ?? '';
      assert.equal(await idOf('abc-DEF_1.2~3'), 'abc-DEF_1.2~3');
      for (const bad of ['with space', '"quoted"', 'x'.repeat(129), '']) {
        assert.match(await idOf(bad), /^[0-9a-f]{16}-[0-9a-z]+$/);
      }
    });

    test('made request ids never repeat', async () => {
      const ids = new Set<string | null>();
      for (let i = 0; i < 100; i++) ids.add((await get('/health')).headers.get('x-request-id'));
      assert.equal(ids.size, 100);
    });

    test('HTTP/1.0 without Host, as a plain HAProxy check sends it, is answered and closed', async () => {
      for (const request of ['GET /health HTTP/1.0\r\n\r\n', 'OPTIONS / HTTP/1.0\r\n\r\n']) {
        const answer = await exchange(service.port, request);
        assert.match(answer, request.startsWith('GET') ? /^HTTP\/1\.[01] 200 / : /^HTTP\/1\.[01] 404 /);
      }
    });
  });
}

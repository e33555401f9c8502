/** CPU work that cannot starve probes: queue, time limit, cancellation, crashes; and delays, which cost none. On real processes. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { metricsMatch, RUNTIMES, type Runtime, type Service, startService, stop } from './service.ts';
import { openWire } from './wire.ts';

/** Takes minutes: nothing but cancellation ends it. */
const ENDLESS = '/payload?n=60';

/** Less than the time limit of the jobs, which would end them as well. */
const CANCELLED = { timeout: 30_000 };

for (const runtime of Object.keys(RUNTIMES) as Runtime[]) {
  describe(`payload pool on ${runtime}`, () => {
    const started: Service[] = [];
    after(() => Promise.all(started.map(stop)));
    async function start(env: Record<string, string>): Promise<Service> {
      const service = await startService(runtime, {
        PAYLOAD_MAX_N: '60',
        PAYLOAD_TIMEOUT_MS: '60000',
        ...env,
      });
      started.push(service);
      return service;
    }

    test(
      'with every worker busy and the queue full, one more is 503 with Retry-After; probes are 200',
      CANCELLED,
      async () => {
        const service = await start({ WORKERS: '1', QUEUE_LENGTH: '1' });
        const clients = [new AbortController(), new AbortController()];
        const waiting = clients.map(({ signal }) =>
          fetch(service.url + ENDLESS, { signal }).catch(() => 'gone'),
        );
        await metricsMatch(service, /^payload_pool_queue_length 1$/m);

        const refused = await fetch(service.url + ENDLESS);
        assert.equal(refused.status, 503);
        assert.equal(refused.headers.get('retry-after'), '1');
        assert.match(((await refused.json()) as { detail: string }).detail, /1 payloads wait already/);
        for (const probe of ['/health', '/ready', '/payload?n=20']) {
          assert.equal((await fetch(service.url + probe)).status, 200, probe);
        }

        for (const client of clients) client.abort();
        assert.deepEqual(await Promise.all(waiting), ['gone', 'gone']);
        await metricsMatch(service, /^payload_pool_jobs_total\{result="abandoned"\} 2$/m);
        assert.equal((await fetch(`${service.url}/payload?n=21`)).status, 200);
      },
    );

    test('a queue of length 0 takes what a worker takes, and no more', async () => {
      const service = await start({ WORKERS: '2', QUEUE_LENGTH: '0' });
      const client = new AbortController();
      const running = [1, 2].map(() =>
        fetch(service.url + ENDLESS, { signal: client.signal }).catch(() => 'gone'),
      );
      await metricsMatch(service, /^payload_pool_busy_workers 2$/m);
      assert.equal((await fetch(service.url + ENDLESS)).status, 503);
      client.abort();
      await Promise.all(running);
    });

    test('past the time limit it is 504, and the worker is free again', async () => {
      const service = await start({ PAYLOAD_TIMEOUT_MS: '200' });
      const answer = await fetch(service.url + ENDLESS);
      assert.equal(answer.status, 504);
      assert.match(
        ((await answer.json()) as { detail: string }).detail,
        /n = 60 was not computed within 200 ms/,
      );
      await metricsMatch(service, /^payload_pool_busy_workers 0$/m);
      await metricsMatch(service, /^payload_pool_jobs_total\{result="timed_out"\} 1$/m);
    });

    test('a client that resets its connection frees its worker', CANCELLED, async () => {
      const service = await start({ QUEUE_LENGTH: '0' });
      const wire = await openWire(service.port);
      wire.send(`GET ${ENDLESS} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await metricsMatch(service, /^payload_pool_busy_workers 1$/m);
      wire.socket.resetAndDestroy();
      await metricsMatch(service, /^payload_pool_busy_workers 0$/m);
      assert.equal((await fetch(`${service.url}/payload?n=21`)).status, 200);
    });

    for (const [path, body] of [
      ['/payload?n=7&delayMs=500', '{"n":7,"fibonacci":13,"computed":"inline","delayMs":500}'],
      ['/payload?n=21&delayMs=500', '{"n":21,"fibonacci":10946,"computed":"worker","delayMs":500}'],
    ] as const) {
      test(`${path} is held back that long, and tells it`, async () => {
        const service = await start({});
        const startMs = performance.now();
        const answer = await fetch(service.url + path);
        // Node's timers may fire up to 1 ms early.
        assert.ok(performance.now() - startMs >= 499, String(performance.now() - startMs));
        assert.equal(answer.status, 200);
        assert.equal(await answer.text(), body);
      });
    }

    test('delays up to PAYLOAD_TIMEOUT_MS are accepted, and none over it', async () => {
      const service = await start({ PAYLOAD_TIMEOUT_MS: '200' });
      assert.equal((await fetch(`${service.url}/payload?delayMs=200`)).status, 200);
      const refused = await fetch(`${service.url}/payload?delayMs=201`);
      assert.equal(refused.status, 400);
      assert.equal(
        ((await refused.json()) as { detail: string }).detail,
        'delayMs is "201": expected a whole number from 0 to 200',
      );
    });

    test('delayed answers take no worker and stand in no way', CANCELLED, async () => {
      const service = await start({ WORKERS: '1', QUEUE_LENGTH: '0' });
      const clients = new AbortController();
      const waiting = Array.from({ length: 50 }, () =>
        fetch(`${service.url}/payload?n=7&delayMs=60000`, { signal: clients.signal }).catch(() => 'gone'),
      );
      await metricsMatch(service, /^http_requests_in_flight 51$/m);
      for (const path of ['/health', '/ready', '/payload?n=21']) {
        assert.equal((await fetch(service.url + path)).status, 200, path);
      }
      clients.abort();
      assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['gone']));
      await metricsMatch(service, /^http_requests_in_flight 1$/m);
    });

    test('a client that resets its connection ends its delay at once: 499', CANCELLED, async () => {
      const service = await start({});
      const wire = await openWire(service.port);
      wire.send('GET /payload?n=7&delayMs=60000 HTTP/1.1\r\nHost: x\r\n\r\n');
      await metricsMatch(service, /^http_requests_in_flight 2$/m);
      wire.socket.resetAndDestroy();
      const line = await service.logged(({ route, status }) => route === '/payload' && status !== undefined);
      assert.equal(line.status, 499);
    });
  });
}

/** Metrics and logs of real processes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { TOOLS, testWith } from '../tools.ts';
import { RUNTIMES, type Runtime, type Service, startService, stop } from './service.ts';
import { exchange } from './wire.ts';

const testMetrics = testWith(TOOLS.promtool);

async function metricsOf(service: Pick<Service, 'url'>): Promise<string> {
  return (await fetch(`${service.url}/metrics`)).text();
}

function seriesOf(metrics: string): string[] {
  return metrics
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
}

function sampleOf(metrics: string, series: string): number {
  const line = metrics.split('\n').find((text) => text.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? Number.NaN);
}

for (const runtime of Object.keys(RUNTIMES) as Runtime[]) {
  describe(`telemetry on ${runtime}`, () => {
    const started: Service[] = [];
    after(() => Promise.all(started.map(stop)));
    async function start(env: Record<string, string> = {}): Promise<Service> {
      const service = await startService(runtime, env);
      started.push(service);
      return service;
    }

    testMetrics(`promtool finds nothing to complain about on ${runtime}`, async () => {
      const service = await start({ APP_VERSION: 'quote"back\\slash' });
      await fetch(`${service.url}/payload?n=25`);
      const check = spawnSync('promtool', ['check', 'metrics'], { input: await metricsOf(service) });
      assert.equal(check.status, 0, `${check.error ?? ''}${check.stdout}${check.stderr}`);
      assert.equal(String(check.stderr) + String(check.stdout), '');
    });

    test('the content type is that of the text format 0.0.4', async () => {
      const service = await start();
      const { headers } = await fetch(`${service.url}/metrics`);
      assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    });

    test('requests are counted by route, method and status class, the unmatched ones too', async () => {
      const service = await start();
      for (const path of ['/health', '/health/', '/payload?n=x', '/nowhere', '/nowhere/else']) {
        await fetch(service.url + path);
      }
      await fetch(`${service.url}/health`, { method: 'DELETE' });
      const metrics = await metricsOf(service);
      for (const [labels, count] of [
        ['route="/health",method="GET",status="2xx"', 2],
        ['route="/health",method="other",status="4xx"', 1],
        ['route="/payload",method="GET",status="4xx"', 1],
        ['route="unmatched",method="GET",status="4xx"', 2],
        ['route="/ready",method="GET",status="2xx"', 0],
      ] as const) {
        assert.equal(sampleOf(metrics, `http_requests_total{${labels}}`), count, labels);
      }
      const timed = 'route="/health",method="GET",status="2xx"';
      assert.equal(sampleOf(metrics, `http_request_duration_seconds_count{${timed}}`), 2);
      assert.equal(sampleOf(metrics, `http_request_duration_seconds_bucket{${timed},le="+Inf"}`), 2);
      assert.ok(sampleOf(metrics, `http_request_duration_seconds_sum{${timed}}`) > 0);
      assert.equal(sampleOf(metrics, 'http_requests_in_flight'), 1);
    });

    test('no client can add a series', async () => {
      const service = await start({ ACCESS_LOG: 'off' });
      const before = seriesOf(await metricsOf(service));
      assert.equal(new Set(before).size, before.length);
      for (let i = 0; i < 2_000; i++) {
        const method = ['GET', 'POST', 'PROPFIND', 'X-METHOD'][i % 4] ?? 'GET';
        await fetch(`${service.url}/${'a'.repeat(i % 50)}${i}"{}\\?n=${i}&route=x`, {
          method,
          headers: { 'x-request-id': `"}\\${i}`, [`x-header-${i}`]: 'x', 'user-agent': `agent-${i}` },
        }).catch(() => {});
      }
      await exchange(service.port, `M${'E'.repeat(100)} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      assert.deepEqual(seriesOf(await metricsOf(service)), before);
    });

    test('a request is one line of JSON with the documented fields', async () => {
      const service = await start({ POD_NAME: 'pod-1', APP_VERSION: '1.2.3' });
      await fetch(`${service.url}/version`, { headers: { 'x-request-id': 'my-id' } });
      const { time, durationMs, bytes, ...fields } = await service.logged(
        (line) => line.requestId === 'my-id',
      );
      assert.deepEqual(fields, {
        level: 'info',
        message: 'request',
        requestId: 'my-id',
        method: 'GET',
        route: '/version',
        status: 200,
        pod: 'pod-1',
        version: '1.2.3',
      });
      assert.equal(new Date(String(time)).toISOString(), time);
      assert.ok(Number(durationMs) >= 0 && Number(bytes) > 100);
    });

    for (const [accessLog, logged] of [
      ['all', [200, 404]],
      ['errors', [404]],
      ['off', []],
    ] as const) {
      test(`ACCESS_LOG=${accessLog} logs ${logged.join(', ') || 'nothing'} of 200 and 404`, async () => {
        const service = await start({ ACCESS_LOG: accessLog, LAME_DUCK_MS: '0' });
        await fetch(`${service.url}/health`);
        await fetch(`${service.url}/nowhere`);
        service.signal('SIGTERM');
        await service.exited;
        const statuses = service.log.filter((line) => line.message === 'request').map((line) => line.status);
        assert.deepEqual(statuses, logged);
      });
    }

    test('nothing a client sends can forge a line', async () => {
      const service = await start({ LAME_DUCK_MS: '0' });
      const forged = '{"level":"error","message":"forged"}';
      await exchange(
        service.port,
        `GET /%0a${encodeURIComponent(forged)} HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${forged}\r\nUser-Agent: ${forged}\r\nConnection: close\r\n\r\n`,
      );
      await fetch(`${service.url}/payload?n=%0a${encodeURIComponent(forged)}`);
      service.signal('SIGTERM');
      await service.exited; // every line parsed as JSON, or reading it would have thrown
      assert.ok(!service.log.some((line) => line.message === 'forged'));
      assert.equal(service.log.filter((line) => line.message === 'request').length, 2);
    });

    test('a reader of the log that stalls costs lines, never a response', async () => {
      const port = await findFreePort();
      // A pipe of the shell, which blocks its writer when it is full, as a container runtime's does.
      const pipeline = spawn('sh', ['-c', '"$@" | sleep 600', 'sh', ...RUNTIMES[runtime]], {
        stdio: ['ignore', 'inherit', 'inherit'],
        detached: true,
        env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), POD_NAME: 'x'.repeat(253) },
      });
      const service = { url: `http://127.0.0.1:${port}` };
      try {
        while (!(await fetch(`${service.url}/ready`).catch(() => undefined))?.ok) {
          assert.equal(pipeline.exitCode, null);
        }
        while (sampleOf(await metricsOf(service), 'log_lines_dropped_total') === 0) {
          const answers = await Promise.all(
            Array.from({ length: 200 }, () => fetch(`${service.url}/health`)),
          );
          assert.ok(answers.every(({ status }) => status === 200));
          await Promise.all(answers.map((answer) => answer.text()));
        }
      } finally {
        process.kill(-Number(pipeline.pid), 'SIGKILL');
      }
      await once(pipeline, 'exit');
    });
  });
}

/** A port that was free a moment ago, for a process whose output nobody reads. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

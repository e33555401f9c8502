/** The lifecycle contract: real processes, real signals. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  awaitReady,
  type LogLine,
  metricsMatch,
  RUNTIMES,
  type Runtime,
  type Service,
  spawnProgram,
  startService,
  stop,
} from './service.ts';
import { exchange, openWire } from './wire.ts';

const HERE = import.meta.dirname;

/** Programs other than the service, by runtime: TypeScript runs on Node through tsx. */
const PROGRAM = {
  bun: (file: string) => [process.execPath, join(HERE, file)],
  node: (file: string) => ['node', '--import=tsx', join(HERE, file)],
} satisfies Record<Runtime, unknown>;

/** The service with faults that signals set off: see faults-on-signal.js. */
const FAULTY = {
  bun: [process.execPath, '--preload', join(HERE, 'faults-on-signal.js'), RUNTIMES.bun[1]],
  node: ['node', '--import', join(HERE, 'faults-on-signal.js'), RUNTIMES.node[1]],
} satisfies Record<Runtime, unknown>;

const isState = (state: string, step?: string) => (line: LogLine) =>
  line.message === 'lifecycle' && line.state === state && line.step === step;
const isMessage = (message: string) => (line: LogLine) => line.message === message;
const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

for (const runtime of Object.keys(RUNTIMES) as Runtime[]) {
  describe(`lifecycle on ${runtime}`, () => {
    const started: Pick<Service, 'signal' | 'exited'>[] = [];
    after(() => Promise.all(started.map(stop)));
    async function start(env: Record<string, string>): Promise<Service> {
      const service = await startService(runtime, env);
      started.push(service);
      return service;
    }

    test('SIGTERM: the lame duck accepts, answers 503 on /ready and closes every connection; then exit 0', async () => {
      const service = await start({ LAME_DUCK_MS: '1500' });
      const kept = await openWire(service.port);
      kept.send(request('/ready'));
      assert.match(await kept.until(/\{"state":"ready"\}/), /^HTTP\/1\.1 200 /);
      assert.doesNotMatch(kept.received(), /connection: close/i);

      service.signal('SIGTERM');
      await service.logged(isState('draining', 'lame-duck'));

      kept.send(request('/version'));
      assert.match(await kept.closed, /connection: close\r\n[\s\S]*"startedAt"/i);
      const ready = await exchange(service.port, request('/ready'));
      assert.match(
        ready,
        /^HTTP\/1\.1 503 [\s\S]*connection: close\r\n[\s\S]*\{"state":"draining","step":"lame-duck"\}$/i,
      );
      const health = await exchange(service.port, request('/health'));
      assert.match(health, /^HTTP\/1\.1 200 [\s\S]*connection: close\r\n[\s\S]*"state":"draining"/i);
      const metrics = await exchange(service.port, request('/metrics'));
      assert.match(metrics, /^lifecycle_state\{state="draining"\} 1$/m);
      assert.match(metrics, /^lifecycle_drain_seconds 0\.\d+$/m);

      await service.logged(isState('draining', 'finishing'));
      await assert.rejects(openWire(service.port), /ECONNREFUSED|ECONNRESET/);
      assert.equal(await service.exited, 0);
      const states = service.log.filter(isMessage('lifecycle')).map(({ state, step }) => step ?? state);
      assert.deepEqual(states, ['ready', 'lame-duck', 'finishing', 'closed']);
    });

    test('the last log line accounts for everything that was served', async () => {
      const service = await start({ LAME_DUCK_MS: '0' });
      for (const path of ['/health', '/nowhere', '/payload?n=x', '/version']) await fetch(service.url + path);
      service.signal('SIGTERM');
      assert.equal(await service.exited, 0);
      const { message, reason, served, cut, exitCode } = service.log.at(-1) ?? {};
      assert.deepEqual(
        { message, reason, served, cut, exitCode },
        {
          message: 'closed',
          reason: 'SIGTERM',
          served: { total: 4, '2xx': 2, '4xx': 2, '5xx': 0 },
          cut: 0,
          exitCode: 0,
        },
      );
    });

    for (const signal of ['SIGINT', 'SIGHUP'] as const) {
      test(`${signal} drains as SIGTERM does`, async () => {
        const service = await start({ LAME_DUCK_MS: '0' });
        service.signal(signal);
        assert.equal(await service.exited, 0);
        assert.ok(service.log.some((line) => line.message === 'closed' && line.reason === signal));
      });
    }

    test('a pool job that runs at SIGTERM is finished and answered', async () => {
      const service = await start({ LAME_DUCK_MS: '0' });
      const answer = exchange(service.port, request('/payload?n=38'));
      await poolIsBusy(service);
      service.signal('SIGTERM');
      await service.logged(isState('draining', 'finishing'));
      assert.match(await answer, /^HTTP\/1\.1 200 [\s\S]*"fibonacci":39088169/);
      assert.equal(await service.exited, 0);
    });

    test('a request that outlasts the drain timeout is cut, counted, and the exit code is 1', async () => {
      const service = await start({ LAME_DUCK_MS: '0', DRAIN_TIMEOUT_MS: '100', PAYLOAD_MAX_N: '60' });
      const answer = exchange(service.port, request('/payload?n=60'));
      await poolIsBusy(service);
      service.signal('SIGTERM');
      assert.equal(await service.exited, 1);
      assert.doesNotMatch(await answer, /^HTTP/);
      const last = service.log.at(-1);
      assert.equal(last?.message, 'closed with requests in flight');
      assert.equal(last?.cut, 1);
    });

    test('a delayed answer that is waited for at SIGTERM is sent whole before the exit', async () => {
      const service = await start({ LAME_DUCK_MS: '0' });
      const answer = exchange(service.port, request('/payload?n=7&delayMs=3000'));
      await metricsMatch(service, /^http_requests_in_flight 2$/m);
      service.signal('SIGTERM');
      assert.match(
        await answer,
        /^HTTP\/1\.1 200 [\s\S]*\{"n":7,"fibonacci":13,"computed":"inline","delayMs":3000\}$/,
      );
      assert.equal(await service.exited, 0);
      const { message, inFlightAtStart, cut } = service.log.at(-1) ?? {};
      assert.deepEqual({ message, inFlightAtStart, cut }, { message: 'closed', inFlightAtStart: 1, cut: 0 });
    });

    test('a delayed answer that outlasts the drain timeout is cut, and the exit code is 1', async () => {
      const service = await start({ LAME_DUCK_MS: '0', DRAIN_TIMEOUT_MS: '0' });
      const answer = exchange(service.port, request('/payload?n=7&delayMs=10000'));
      await metricsMatch(service, /^http_requests_in_flight 2$/m);
      service.signal('SIGTERM');
      assert.equal(await service.exited, 1);
      assert.doesNotMatch(await answer, /^HTTP/);
      const { message, cut } = service.log.at(-1) ?? {};
      assert.deepEqual({ message, cut }, { message: 'closed with requests in flight', cut: 1 });
    });

    test('in flight means the body has left: a stream that a slow client reads holds the exit back', async () => {
      const program = spawnProgram(PROGRAM[runtime]('streaming-program.ts'), {});
      started.push(program);
      const service = await awaitReady(program);
      const wire = await openWire(service.port);
      wire.send(request('/'));
      await wire.until(/first/);
      service.signal('SIGTERM');
      await service.logged(isState('draining', 'finishing'));
      service.signal('SIGUSR2');
      assert.match(await wire.closed, /first[\s\S]*last/);
      assert.equal(await service.exited, 0);
      assert.equal(service.log.at(-1)?.cut, 0);
    });

    test('connections that are half open or silent do not hold the exit back', async () => {
      const service = await start({ LAME_DUCK_MS: '0', DRAIN_TIMEOUT_MS: '60000' });
      const silent = await openWire(service.port);
      const partial = await openWire(service.port);
      partial.send('GET /health HTTP/1.1\r\nHost: x\r\n');
      const halfOpen = await openWire(service.port);
      halfOpen.send(request('/health'));
      halfOpen.socket.end();
      await fetch(`${service.url}/health`);
      service.signal('SIGTERM');
      assert.equal(await service.exited, 0);
      await Promise.all([partial.closed, halfOpen.closed]);
      silent.socket.destroy(); // Bun defers accepting until there is data: nobody tells this client
    });

    test('a second signal ends the process at once', async () => {
      const service = await start({ LAME_DUCK_MS: '600000' });
      service.signal('SIGTERM');
      await service.logged(isState('draining', 'lame-duck'));
      service.signal('SIGTERM');
      assert.equal(await service.exited, 143);
    });

    test('SIGTERM while starting ends it in order', async () => {
      const program = spawnProgram(RUNTIMES[runtime], { LAME_DUCK_MS: '0' });
      started.push(program);
      await program.logged(isMessage('listening'));
      program.signal('SIGTERM');
      assert.equal(await program.exited, 0);
      assert.ok(program.log.some(isMessage('closed')));
    });

    for (const [event, signal] of [
      ['uncaughtException', 'SIGUSR2'],
      ['unhandledRejection', 'SIGWINCH'],
    ] as const) {
      test(`${event}: it is logged, requests in flight finish, the exit code is 1`, async () => {
        const program = spawnProgram(FAULTY[runtime], { LAME_DUCK_MS: '0' });
        started.push(program);
        const service = await awaitReady(program);
        const answer = exchange(service.port, request('/payload?n=37'));
        await poolIsBusy(service);
        service.signal(signal);
        const { error } = await service.logged(isMessage(event));
        assert.equal((error as Error).message, 'set off by a test');
        assert.match(await answer, /"fibonacci":24157817/);
        assert.equal(await service.exited, 1);
        assert.equal(service.log.at(-1)?.reason, event);
      });
    }

    test('a port in use: it says so and exits 1', async () => {
      const blocker = createServer().listen(0, '127.0.0.1');
      await once(blocker, 'listening');
      const port = String((blocker.address() as { port: number }).port);
      const program = spawnProgram(RUNTIMES[runtime], { PORT: port });
      assert.equal(await program.exited, 1);
      assert.ok(program.log.some(isMessage('start failed')));
      blocker.close();
    });

    test('a refused configuration: one line with every fault, exit 78', async () => {
      const program = spawnProgram(RUNTIMES[runtime], { PORT: 'x', LAME_DUCK_MS: '2s' });
      assert.equal(await program.exited, 78);
      assert.equal(program.log.length, 1);
      assert.deepEqual(program.log[0]?.faults, [
        'PORT is "x": expected a whole number from 0 to 65535',
        'LAME_DUCK_MS is "2s": expected a whole number from 0 to 600000',
      ]);
      assert.equal(program.stderr(), '');
    });
  });
}

/** Resolves when a worker computes, as /metrics tells. */
function poolIsBusy(service: Service): Promise<void> {
  return metricsMatch(service, /^payload_pool_busy_workers 1$/m);
}

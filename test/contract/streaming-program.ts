/**
 * A server with the service's adapters and shutdown, and one response that streams: the first part at once, the
 * last on SIGUSR2. No route of the service is long enough to be on its way at a signal.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createLifecycle } from '../../src/lifecycle.ts';
import type { Server } from '../../src/runtime/server.ts';
import { createShutdown } from '../../src/shutdown.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const log = createLogger({
  level: 'info',
  accessLog: 'off',
  identity: { pod: 'local', version: 'test' },
  write: (line) => void process.stdout.write(line),
  wallClock: Date.now,
});
const lifecycle = createLifecycle(performance.now.bind(performance), (state) => log.info('lifecycle', state));
const { serve } = process.versions.bun
  ? await import('../../src/runtime/bun.ts')
  : await import('../../src/runtime/node.ts');
const goOn = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()));

const server: Server = await serve({
  port: 0,
  host: '127.0.0.1',
  handle: () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode('first'));
          await goOn;
          controller.enqueue(new TextEncoder().encode('x'.repeat(4_000_000)));
          controller.enqueue(new TextEncoder().encode('last'));
          controller.close();
        },
      }),
      { headers: { connection: 'close' } },
    ),
});
const shutdown = createShutdown({
  lifecycle,
  log,
  lameDuckMs: 0,
  drainTimeoutMs: 60_000,
  server: () => server,
  totals: () => ({ total: 0, '2xx': 0, '4xx': 0, '5xx': 0 }),
  flush: async () => {},
  exit: process.exit,
  wait: (ms) => wait(ms),
  now: () => performance.now(),
});
process.on('SIGTERM', () => shutdown({ reason: 'SIGTERM', exitCode: 0, repeatedExitCode: 143 }));
log.info('listening', { port: server.port });
lifecycle.enter({ state: 'ready' });

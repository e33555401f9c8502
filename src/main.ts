import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createApp } from './app.ts';
import { type Config, ConfigError, parseConfig } from './config.ts';
import { createLifecycle } from './lifecycle.ts';
import { createFibonacciPool } from './runtime/fibonacci-pool.ts';
import { createLogSink } from './runtime/log-sink.ts';
import type { Server } from './runtime/server.ts';
import { createProcessVitals } from './runtime/vitals.ts';
import { createShutdown } from './shutdown.ts';
import { createLogger } from './telemetry/log.ts';

/** What build.ts puts into a build; neither is there where the sources run. */
declare const BUILD_VERSION: string | undefined;
declare const BUILD_REVISION: string | undefined;

/** Not `process.stdout.fd`: to touch that stream is to set it up, which changes the mode of its pipe. */
const STDOUT_FD = 1;
/** Exit code for a refused configuration, from sysexits.h. */
const EX_CONFIG = 78;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const startTimeMs = Date.now();
const now = () => performance.now();
const sink = createLogSink(STDOUT_FD);
const config = await readConfig();
const log = createLogger({
  level: config.logLevel,
  accessLog: config.accessLog,
  identity: { pod: config.pod, version: config.version },
  write: sink.write,
  wallClock: Date.now,
});
const lifecycle = createLifecycle(now, (state) => log.info('lifecycle', state));

let server: Server | undefined;
const shutdown = createShutdown({
  lifecycle,
  log,
  lameDuckMs: config.lameDuckMs,
  drainTimeoutMs: config.drainTimeoutMs,
  server: () => server,
  totals: () => app.totals(),
  flush: sink.flush,
  exit: process.exit,
  wait: (ms) => wait(ms),
  now,
});
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.on(signal, () => shutdown({ reason: signal, exitCode: 0, repeatedExitCode: 128 + number }));
}
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    log.error(event, { error });
    shutdown({ reason: event, exitCode: 1, repeatedExitCode: 1 });
  });
}

const isBun = process.versions.bun !== undefined;
const pool = createFibonacciPool({
  // Beside this file both in the source tree and in the bundle.
  workerUrl: new URL(
    import.meta.url.endsWith('.ts') ? './runtime/fibonacci-worker.ts' : './fibonacci-worker.js',
    import.meta.url,
  ),
  workers: config.workers,
  queueLength: config.queueLength,
  timeoutMs: config.payloadTimeoutMs,
});
const processVitals = createProcessVitals(now);
const app = createApp({
  config,
  lifecycle,
  log,
  pool,
  vitals: () => ({
    ...processVitals(),
    startTimeMs,
    pool: pool.vitals(),
    refusedRequests: server?.refused() ?? 0,
    droppedLogLines: sink.dropped(),
  }),
  inFlight: () => server?.inFlight() ?? 0,
  now,
  random: Math.random,
  // It rejects with an AbortError where the client is gone, and with nothing else.
  wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
  runtime: isBun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`,
  startedAt: new Date(startTimeMs).toISOString(),
  requestIdPrefix: randomBytes(8).toString('hex'),
});

try {
  const { serve } = isBun ? await import('./runtime/bun.ts') : await import('./runtime/node.ts');
  server = await serve({ port: config.port, host: config.host, handle: app.handle });
  log.info('listening', { host: config.host, port: server.port });
  await pool.warmUp();
  if (lifecycle.current.state === 'starting') lifecycle.enter({ state: 'ready' });
} catch (error) {
  log.error('start failed', { error });
  shutdown({ reason: 'start failed', exitCode: 1, repeatedExitCode: 1 });
}

async function readConfig(): Promise<Config> {
  try {
    return parseConfig(process.env, {
      POD_NAME: process.env.HOSTNAME,
      APP_VERSION: typeof BUILD_VERSION === 'undefined' ? undefined : BUILD_VERSION,
      APP_REVISION: typeof BUILD_REVISION === 'undefined' ? undefined : BUILD_REVISION,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const time = new Date(startTimeMs).toISOString();
    sink.write(
      `${JSON.stringify({ level: 'error', time, message: 'refused configuration', faults: error.faults })}\n`,
    );
    await sink.flush();
    process.exit(EX_CONFIG);
  }
}

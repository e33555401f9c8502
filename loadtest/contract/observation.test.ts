import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { observeShutdown, type Subject } from './observation.ts';

const PATHS = { ready: '/ready', health: '/health', path: '/', slow: '/slow' };
const TERMS = { acceptMs: 500, graceMs: 30_000 };

const server = createServer((_, response) => void response.end('ok'));
after(() => {
  server.closeAllConnections();
  server.close();
});

describe('observeShutdown()', () => {
  test('ends nothing where its user gives up while it still serves', async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const interruption = new AbortController();
    server.once('request', () => interruption.abort());
    const done: string[] = [];
    const subject: Subject = {
      address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
      sigtermWithinMs: 0,
      prepare: async () => void done.push('prepare'),
      terminate: async () => void done.push('terminate'),
      exited: new Promise(() => {}),
      destroy: async () => void done.push('destroy'),
    };
    const seen = await observeShutdown(subject, PATHS, TERMS, interruption.signal);
    assert.deepEqual([done, seen.exit, seen.slow], [[], null, null]);
    assert.notEqual(seen.readyMs, null);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { toPathRequests } from './client.ts';
import { observeContract } from './contract-run.ts';
import type { Subject } from './observation.ts';

const PATHS = { ready: '/ready', health: '/health', requests: toPathRequests('/', null) };
const TERMS = { acceptMs: 0, graceMs: 30_000, idleMs: 50, startTimeoutMs: 300 };
const never = new AbortController().signal;

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** Notes what happens, with the number of the subject. The statuses are those of its readiness, one a subject. */
function createSource(isSingle: boolean, statuses: readonly number[]) {
  const events: string[] = [];
  const sockets = new Set<Socket>();
  let opened = 0;
  const open = async (): Promise<Subject> => {
    const id = opened;
    opened += 1;
    const status = statuses[id] ?? assert.fail('opened too often');
    const server = createServer({ keepAliveTimeout: 3_600_000 }, (request, response) => {
      response.writeHead(request.url === '/ready' ? status : 200).end();
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    let exit: (how: Awaited<Subject['exited']>) => void = () => {};
    const exited: Subject['exited'] = new Promise((resolve) => {
      exit = resolve;
    });
    const note = (what: string) => events.push(`${what} ${id}`);
    note('open');
    return {
      name: `server ${id}`,
      address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls: null },
      sigtermWithinMs: 0,
      prepare: async () => void note('prepare'),
      terminate: async () => {
        note('terminate');
        exit({ code: 0, signal: null });
      },
      exited,
      lastLines: async () => [],
      destroy: async () => void note('destroy'),
    };
  };
  return { source: { open, isSingle }, events, sockets, tell: (step: string) => void events.push(step) };
}

const SHUTDOWN = ['waiting until /ready is ok', 'ready, and under load', 'termination begins'];
const SIGTERM = 'SIGTERM; it has 30s to exit';

describe('observeContract()', () => {
  test('of a single server it watches idle connections to the end, and then ends it', async () => {
    const { source, events, tell } = createSource(true, [200]);
    // Longer than it takes until SIGTERM.
    const terms = { ...TERMS, idleMs: 2_000 };
    const { idle, seen } = await observeContract(source, PATHS, terms, never, tell);
    assert.deepEqual([idle?.closed, idle?.exit, seen.exit?.code], [null, null, 0]);
    assert.deepEqual(events, [
      'open 0',
      'watching idle connections for 2s',
      ...SHUTDOWN,
      ...['prepare 0', 'terminate 0', SIGTERM, 'destroy 0'],
    ]);
  });

  test('otherwise it ends a second one meanwhile', async () => {
    const { source, events, tell } = createSource(false, [200, 200]);
    const terms = { ...TERMS, idleMs: 2_000 };
    const { idle } = await observeContract(source, PATHS, terms, never, tell);
    assert.deepEqual([idle?.closed, idle?.exit], [null, null]);
    assert.deepEqual(events, [
      'open 0',
      'watching idle connections for 2s',
      'open 1',
      ...SHUTDOWN,
      ...['prepare 1', 'terminate 1', SIGTERM, 'waiting for the idle connections', 'destroy 0', 'destroy 1'],
    ]);
  });

  test('watches none where it is not asked to, and opens one', async () => {
    const { source, events, tell } = createSource(false, [200]);
    const { idle } = await observeContract(source, PATHS, { ...TERMS, idleMs: 0 }, never, tell);
    assert.equal(idle, null);
    assert.deepEqual(events, ['open 0', ...SHUTDOWN, 'prepare 0', 'terminate 0', SIGTERM, 'destroy 0']);
  });

  for (const [what, statuses, message] of [
    ['the first', [503, 200], /^server 0 never was ready within 300ms: \/ready gives status 503$/],
    ['the second alone', [200, 503], /^server 1 never was ready .*\n {2}another process .* --idle 0ms$/],
  ] as const) {
    test(`is a fault of the user where ${what} does not get ready, and leaves none behind`, async () => {
      const { source, events, sockets, tell } = createSource(false, statuses);
      const terms = { ...TERMS, idleMs: 3_600_000 };
      await assert.rejects(observeContract(source, PATHS, terms, never, tell), (error: Error) => {
        assert.match(error.message, message);
        return error instanceof Fault;
      });
      // Those that were left idle included.
      await Promise.all([...sockets].map((socket) => once(socket, 'close')));
      const count = (what: string) => events.filter((event) => event.startsWith(what)).length;
      assert.equal(count('destroy'), count('open'));
    });
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { toPathRequests } from './client.ts';
import { startIdleWatch } from './idle-watch.ts';
import type { Subject } from './observation.ts';

const PATHS = { ready: '/ready', requests: toPathRequests('/', null) };
const never = new AbortController().signal;

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** Answers `/ready` and closes; hands over the socket of any other request, and how many came before it. */
async function listen(onRequest: (socket: Socket, index: number) => void): Promise<Subject['address']> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (String(chunk).startsWith('GET /ready ')) socket.end(toResponse('Connection: close'));
      else {
        onRequest(socket, count);
        count += 1;
      }
    });
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls: null };
}

const toResponse = (...fields: string[]) =>
  ['HTTP/1.1 200 OK', 'Content-Length: 0', ...fields, '', ''].join('\r\n');

const toSubject = (
  address: Subject['address'],
  exited: Subject['exited'] = new Promise(() => {}),
): Subject => ({
  name: 'it',
  address,
  sigtermWithinMs: 0,
  prepare: async () => {},
  terminate: async () => {},
  exited,
  lastLines: async () => [],
  destroy: async () => {},
});

const watch = async (subject: Subject, idleMs: number) =>
  (await startIdleWatch(subject, PATHS, { idleMs }, never)).done();

describe('startIdleWatch()', () => {
  test('tells that connections are open at the end', async () => {
    const address = await listen((socket) => socket.write(toResponse()));
    const { exchanges, ...seen } = await watch(toSubject(address), 50);
    assert.deepEqual(
      exchanges.map(({ status, isClosing }) => [status, isClosing]),
      Array.from({ length: 3 }, () => [200, false]),
    );
    assert.deepEqual(seen, { watchedMs: 50, announcedMs: null, closed: null, exit: null });
  });

  for (const [by, close] of [
    ['FIN', (socket: Socket) => socket.end()],
    ['RST', (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    test(`ends with the first that is closed, here by ${by}, and its time since the response`, async () => {
      const address = await listen((socket, index) => {
        socket.write(toResponse('Keep-Alive: max=9, timeout=5'));
        if (index === 1) setTimeout(() => close(socket), 100);
      });
      const beganMs = performance.now();
      const { closed, announcedMs, exit } = await watch(toSubject(address), 3_600_000);
      assert.equal(closed?.by, by);
      assert.ok(closed.idleMs > 50 && closed.idleMs < performance.now() - beganMs, String(closed.idleMs));
      assert.deepEqual([announcedMs, exit], [5_000, null]);
    });
  }

  for (const [what, onRequest, failure] of [
    ['announced as closing', (socket: Socket) => socket.end(toResponse('Connection: close')), null],
    ['cut', (socket: Socket) => socket.destroy(), 'cut'],
  ] as const) {
    test(`watches none whose response is ${what}`, async () => {
      const address = await listen((socket) => void onRequest(socket));
      const { exchanges, closed } = await watch(toSubject(address), 3_600_000);
      assert.deepEqual(
        exchanges.map((exchange) => exchange.failure),
        [failure, failure, failure],
      );
      assert.equal(closed, null);
    });
  }

  test('tells the end of the process with that of its connections', async () => {
    let exit: (how: Awaited<Subject['exited']>) => void = () => {};
    const exited: Subject['exited'] = new Promise((resolve) => {
      exit = resolve;
    });
    const address = await listen((socket) => {
      socket.end(toResponse());
      socket.once('close', () => exit({ code: 1, signal: null }));
    });
    const seen = await watch(toSubject(address, exited), 3_600_000);
    assert.deepEqual(seen.exit, { code: 1, signal: null });
  });

  test('is a fault of the user where the subject ends before it is ready', async () => {
    const address = await listen(() => {});
    await assert.rejects(
      watch(toSubject(address, Promise.resolve({ code: 7, signal: null })), 50),
      (error: Error) =>
        error instanceof Fault && error.message === 'it exited with code 7 before it accepted a connection',
    );
  });

  test('heeds at once a user who gives up', async () => {
    const interruption = new AbortController();
    const sockets: Socket[] = [];
    const address = await listen((socket) => {
      socket.write(toResponse());
      sockets.push(socket);
      if (sockets.length === 3) interruption.abort(new Error('given up'));
    });
    const idle = await startIdleWatch(toSubject(address), PATHS, { idleMs: 3_600_000 }, interruption.signal);
    await assert.rejects(idle.done(), /^Error: given up$/);
    assert.ok(idle.isOver);
    await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
  });
});

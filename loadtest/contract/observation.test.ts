import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { toPathRequests } from './client.ts';
import { observeShutdown, type Subject } from './observation.ts';

const PATHS = { ready: '/ready', health: '/health', requests: toPathRequests('/', '/slow') };
const TERMS = { acceptMs: 500, graceMs: 30_000, idleMs: 0 };

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

async function listen(onRequest: RequestListener): Promise<{ server: Server; address: Subject['address'] }> {
  const server = createServer(onRequest);
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls: null } };
}

/** Notes what is done to it, and does nothing. */
function createSubject(address: Subject['address'], change: Partial<Subject> = {}) {
  const done: string[] = [];
  const subject: Subject = {
    name: 'it',
    address,
    sigtermWithinMs: 0,
    prepare: async () => void done.push('prepare'),
    terminate: async () => void done.push('terminate'),
    exited: new Promise(() => {}),
    lastLines: async () => ['its', 'lines'],
    destroy: async () => void done.push('destroy'),
    ...change,
  };
  return { subject, done };
}

const never = new AbortController().signal;

describe('observeShutdown()', () => {
  test('ends nothing where its user gives up while it still serves', async () => {
    const { server, address } = await listen((_, response) => void response.end('ok'));
    const interruption = new AbortController();
    server.once('request', () => interruption.abort(new Error('given up')));
    const { subject, done } = createSubject(address);
    await assert.rejects(
      observeShutdown(subject, PATHS, TERMS, interruption.signal, () => {}),
      /^Error: given up$/,
    );
    assert.deepEqual(done, []);
  });

  for (const [what, until] of [
    ['answers no request', 1],
    // The first tells that it is ready.
    ['answers none after its readiness', 2],
  ] as const) {
    test(`heeds at once a user who gives up on a server that ${what}`, async () => {
      const interruption = new AbortController();
      const open = new Set<unknown>();
      let count = 0;
      const { server, address } = await listen((request, response) => {
        count += 1;
        open.add(request);
        request.once('close', () => open.delete(request));
        if (count < until) response.end('ok');
        else interruption.abort(new Error('given up'));
      });
      const { subject } = createSubject(address);
      await assert.rejects(
        observeShutdown(subject, PATHS, TERMS, interruption.signal, () => {}),
        /^Error: given up$/,
      );
      // No connection is left: this ends only when all have.
      await new Promise((resolve) => server.close(resolve));
    });
  }

  test('heeds at once a user who gives up after SIGTERM', async () => {
    const { server, address } = await listen((_, response) => void response.end('ok'));
    const interruption = new AbortController();
    const { subject } = createSubject(address, {
      terminate: async () => void server.once('request', () => interruption.abort(new Error('given up'))),
    });
    const terms = { ...TERMS, graceMs: 600_000 };
    await assert.rejects(
      observeShutdown(subject, PATHS, terms, interruption.signal, () => {}),
      /^Error: given up$/,
    );
    await new Promise((resolve) => server.close(resolve));
  });

  for (const [what, status, fault] of [
    ['is never ready', 404, 'it never was ready within 300ms: /ready gives status 404'],
    ['is cut', 0, 'it never was ready within 300ms: /ready gives cut'],
  ] as const) {
    test(`is a fault of the user where the subject ${what}`, async () => {
      const { address } = await listen((request, response) => {
        if (status === 0) request.socket.destroy();
        else response.writeHead(status).end();
      });
      const { subject, done } = createSubject(address);
      await assert.rejects(
        observeShutdown(subject, PATHS, { ...TERMS, startTimeoutMs: 300 }, never, () => {}),
        (error: Error) => error instanceof Fault && error.message === `${fault}\n  its\n  lines`,
      );
      assert.deepEqual(done, []);
    });
  }

  test('is a fault of the user where nothing listens', async () => {
    const { server, address } = await listen(() => {});
    await new Promise((resolve) => server.close(resolve));
    const { subject } = createSubject(address);
    await assert.rejects(
      observeShutdown(subject, PATHS, { ...TERMS, startTimeoutMs: 300 }, never, () => {}),
      /^Fault: it never accepted a connection within 300ms: nothing listens on 127\.0\.0\.1:\d+\n/,
    );
  });

  test('is a fault of the user where the subject ends before it is ready', async () => {
    const { server, address } = await listen((_, response) => void response.writeHead(503).end());
    const exited = once(server, 'request').then(() => ({ code: 7, signal: null }));
    const { subject } = createSubject(address, { exited });
    await assert.rejects(
      observeShutdown(subject, PATHS, TERMS, never, () => {}),
      /^Fault: it exited with code 7 before it was ready\n/,
    );
  });

  test('tells an end that nobody asked for, and asks for none', async () => {
    let end: (exit: Awaited<Subject['exited']>) => void = () => {};
    let count = 0;
    const { address } = await listen((_, response) => {
      count += 1;
      response.end('ok');
      if (count === 20) end({ code: 1, signal: null });
    });
    const exited = new Promise<Awaited<Subject['exited']>>((resolve) => {
      end = resolve;
    });
    const { subject, done } = createSubject(address, { exited });
    const { exit } = await observeShutdown(subject, PATHS, TERMS, never, () => {});
    assert.equal(exit?.code, 1);
    assert.ok((exit?.atMs ?? 0) < 0);
    assert.deepEqual(done, []);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { TEST_CERTIFICATE, TEST_KEY } from '../../test/fixtures/certificate.ts';
import { PROCESS_CLOCK } from '../cli/clock.ts';
import type { Target } from '../engine/target.ts';
import type { PodEvent } from '../proof/timeline.ts';
import { createDirectProbes, type DirectProbeOptions } from './direct-probes.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const UNAVAILABLE = 'HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n';
const TEXT = 'GET / HTTP/1.1\r\nHost: web\r\n\r\n';
const PLAIN: DirectProbeOptions = {
  target: { host: 'web', tls: null },
  request: { method: 'GET', toText: () => TEXT, refresh: () => {}, expectedStatus: undefined },
};

interface Pod {
  readonly server: Server;
  readonly port: number;
  /** All that was received. */
  readonly texts: string[];
  readonly sockets: Set<Socket>;
}

type Test = { after(close: () => void): void };

/** A server that responds with this; null: it never responds. */
async function startPod(t: Test, respond: () => string | null, tls?: TlsOptions): Promise<Pod> {
  const texts: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      texts.push(chunk.toString());
      const response = respond();
      if (response !== null) socket.write(response);
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => stopListening({ server, sockets }));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { server, port: address.port, texts, sockets };
}

function stopListening({ server, sockets }: Pick<Pod, 'server' | 'sockets'>): void {
  server.close();
  for (const socket of sockets) socket.destroy();
}

const TRUST = { ca: TEST_CERTIFICATE, isVerified: true };
const PAIR = { cert: TEST_CERTIFICATE, key: TEST_KEY };

/** Of a target whose certificate is the test's, for the names `localhost` and 127.0.0.1. */
function toSecure(target: Partial<Target>): DirectProbeOptions {
  return { ...PLAIN, target: { host: 'localhost', tls: TRUST, ...target } };
}

/** Probes these pods, which are endpoints. */
async function probe(t: Test, pods: Readonly<Record<string, number>>, options = PLAIN) {
  const events: PodEvent[] = [];
  const waiting = new Map<string, () => void>();
  const keyOf = (pod: string, kind: PodEvent['kind']) => `${pod} ${kind}`;
  const probes = createDirectProbes(
    options,
    (event) => {
      events.push(event);
      waiting.get(keyOf(event.pod, event.kind))?.();
    },
    PROCESS_CLOCK,
  );
  t.after(() => probes.stop());
  for (const [pod, port] of Object.entries(pods)) {
    probes.track(pod, { host: '127.0.0.1', port });
    probes.setServing(pod, true);
  }
  const find = (pod: string, kind: PodEvent['kind']) =>
    events.find((event) => event.pod === pod && event.kind === kind);
  return {
    probes,
    events,
    reached: await probes.start(),
    async seen(pod: string, kind: PodEvent['kind']): Promise<PodEvent> {
      if (find(pod, kind) === undefined) {
        await new Promise<void>((resolve) => waiting.set(keyOf(pod, kind), resolve));
      }
      const event = find(pod, kind);
      assert.ok(event);
      return event;
    },
  };
}

describe('createDirectProbes()', () => {
  test('tells when a pod accepts, when it answers, and when it stops accepting', async (t) => {
    const pod = await startPod(t, () => OK);
    const { seen, events, reached } = await probe(t, { a: pod.port });
    assert.deepEqual(reached, { host: '127.0.0.1', port: pod.port });
    await seen('a', 'direct-answered');
    const stoppedMs = PROCESS_CLOCK.nowMs();
    stopListening(pod);
    const refused = await seen('a', 'direct-refused');
    assert.ok(refused.kind === 'direct-refused');
    assert.ok(refused.atMs >= stoppedMs && refused.atMs - refused.uncertainMs <= stoppedMs);
    assert.deepEqual(
      events.filter(({ kind }) => kind !== 'direct-closed').map(({ kind }) => kind),
      ['direct-accepted', 'direct-answered', 'direct-refused'],
    );
  });

  test('asks once, and holds the connection until the pod closes it in silence', async (t) => {
    const pod = await startPod(t, () => OK);
    const { seen } = await probe(t, { a: pod.port });
    await seen('a', 'direct-answered');
    assert.deepEqual(pod.texts, [TEXT]);
    for (const socket of pod.sockets) socket.end();
    const closed = await seen('a', 'direct-closed');
    assert.ok(closed.kind === 'direct-closed' && closed.idleMs >= 0);
  });

  test('is told nothing by a close that was announced', async (t) => {
    const pod = await startPod(t, () => OK.replace('\r\n', '\r\nconnection: close\r\n'));
    const { seen, events } = await probe(t, { a: pod.port });
    await seen('a', 'direct-answered');
    stopListening(pod);
    await seen('a', 'direct-refused');
    assert.ok(events.every(({ kind }) => kind !== 'direct-closed'));
  });

  test('takes neither silence nor 503 for an answer, and asks again', async (t) => {
    let isLoaded = false;
    const silent = await startPod(t, () => null);
    const early = await startPod(t, () => (isLoaded ? OK : UNAVAILABLE));
    const { seen, events } = await probe(t, { silent: silent.port, early: early.port });
    await seen('silent', 'direct-accepted');
    while (early.texts.length < 1 || silent.texts.length < 1) {
      await Promise.race([...[early, silent].map(({ server }) => once(server, 'connection'))]);
    }
    assert.ok(events.every(({ kind }) => kind === 'direct-accepted'));
    isLoaded = true;
    await seen('early', 'direct-answered');
    assert.equal(events.filter(({ pod }) => pod === 'silent').length, 1);
  });

  test('asks a pod nothing that is no endpoint', async (t) => {
    const [old, other] = [await startPod(t, () => OK), await startPod(t, () => OK)];
    const { seen, probes } = await probe(t, { old: old.port, other: other.port });
    probes.setServing('old', false);
    await seen('other', 'direct-answered');
    await seen('old', 'direct-accepted');
    assert.deepEqual(old.texts, []);
  });

  test('leaves pods alone whose addresses do not answer', async (t) => {
    const pod = await startPod(t, () => OK);
    stopListening(pod);
    await once(pod.server, 'close');
    const { reached, events } = await probe(t, { a: pod.port });
    assert.equal(reached, null);
    assert.deepEqual(events, []);
  });

  test('tells of a pod that came later from when it does not accept yet', async (t) => {
    const [first, later] = [await startPod(t, () => OK), await startPod(t, () => OK)];
    const { seen, probes } = await probe(t, { first: first.port });
    stopListening(later);
    probes.track('later', { host: '127.0.0.1', port: later.port });
    await seen('later', 'direct-refused');
    const again = createServer().listen(later.port, '127.0.0.1');
    t.after(() => void again.close());
    const accepted = await seen('later', 'direct-accepted');
    assert.ok(accepted.kind === 'direct-accepted' && accepted.uncertainMs > 0);
  });

  test('forgets a pod that is gone', async (t) => {
    const [gone, other] = [await startPod(t, () => OK), await startPod(t, () => OK)];
    const { seen, probes, events } = await probe(t, { gone: gone.port, other: other.port });
    await seen('gone', 'direct-answered');
    probes.forget('gone');
    const ended = await seen('gone', 'direct-ended');
    assert.ok(ended.kind === 'direct-ended' && ended.uncertainMs >= 0);
    stopListening(gone);
    stopListening(other);
    await seen('other', 'direct-refused');
    assert.ok(events.every(({ pod, kind }) => pod === 'other' || kind !== 'direct-refused'));
  });

  for (const [what, options] of [
    ['the name of the target', toSecure({})],
    ['--servername', toSecure({ host: 'web', tls: { ...TRUST, serverName: 'localhost' } })],
    ['no trust at all', toSecure({ host: 'web', tls: { ca: null, isVerified: false } })],
  ] as const) {
    test(`sees a pod with TLS accept, answer and stop: ${what}`, async (t) => {
      const pod = await startPod(t, () => OK, PAIR);
      const { seen, events } = await probe(t, { a: pod.port }, options);
      await seen('a', 'direct-answered');
      stopListening(pod);
      await seen('a', 'direct-refused');
      assert.deepEqual(
        events.filter(({ kind }) => kind !== 'direct-closed').map(({ kind }) => kind),
        ['direct-accepted', 'direct-answered', 'direct-refused'],
      );
    });
  }

  test('shows a pod the client certificate that the load shows', async (t) => {
    const strict = { ...PAIR, ca: TEST_CERTIFICATE, requestCert: true, rejectUnauthorized: true };
    const pod = await startPod(t, () => OK, strict);
    const tls = { ...TRUST, clientCertificate: PAIR };
    const { seen } = await probe(t, { a: pod.port }, toSecure({ tls }));
    await seen('a', 'direct-answered');
    assert.deepEqual(pod.texts, [TEXT]);
  });

  test('asks a pod nothing whose certificate is not the target’s', async (t) => {
    const [strange, good] = [await startPod(t, () => OK, PAIR), await startPod(t, () => OK, PAIR)];
    const { events } = await probe(t, { strange: strange.port }, toSecure({ host: '127.0.0.2' }));
    // It is asked later than the other.
    const { seen } = await probe(t, { good: good.port }, toSecure({ host: '127.0.0.1' }));
    await seen('good', 'direct-answered');
    assert.deepEqual(strange.texts, []);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['direct-accepted'],
    );
  });
});

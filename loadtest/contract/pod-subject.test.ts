import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { type Api, toApiFault } from '../kube/api.ts';
import { at, type Json, textAt } from '../kube/json.ts';
import { createPodSubject } from './pod-subject.ts';

const terminated = (exitCode: number) => ({ terminated: { exitCode } });
const running = { running: {} };

/** A pod with a proxy before its server, in the order of their names, and the other way round in its spec. */
const toPod = (resourceVersion: string, server: Json, proxy: Json, lifecycle: Json = {}): Json => ({
  metadata: {
    name: 'web-1',
    namespace: 'shop',
    uid: '1',
    resourceVersion,
    annotations: { 'kubectl.kubernetes.io/default-container': 'web' },
  },
  spec: {
    containers: [
      { name: 'proxy', lifecycle: { preStop: { sleep: { seconds: 60 } } } },
      { name: 'web', lifecycle },
    ],
  },
  status: {
    containerStatuses: [
      { name: 'proxy', state: proxy },
      { name: 'web', state: server },
    ],
  },
});

interface Refusals {
  /** What the API server says of this verb when asked. */
  readonly denied?: string;
  readonly isListRefused?: boolean;
  /** Of the container that serves. */
  readonly lifecycle?: Json;
  readonly signal?: AbortSignal;
}

function startFake({
  denied,
  isListRefused = false,
  lifecycle = {},
  signal = new AbortController().signal,
}: Refusals = {}) {
  const removed: string[] = [];
  let tell: (line: string) => void = () => {};
  const first = toPod('1', running, running, lifecycle);
  const api: Api = {
    get: async (path) => {
      if (path.endsWith('/web-1')) return first;
      if (isListRefused) throw toApiFault(403, 'no lists');
      return { metadata: { resourceVersion: '1' }, items: [first] };
    },
    post: async (_, body) => ({
      status: { allowed: textAt(at(body, 'spec'), 'resourceAttributes', 'verb') !== denied },
    }),
    patch: async () => ({}),
    remove: async (path) => {
      removed.push(path);
      return {};
    },
    stream: (_, { onOpen, onLine }, signal) => {
      onOpen();
      tell = onLine;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  };
  const open = () =>
    createPodSubject(
      api,
      'shop',
      {
        url: new URL('http://[::1]'),
        access: { ca: null, isVerified: true },
        pod: 'web-1',
        container: undefined,
      },
      signal,
    );
  return {
    open,
    removed,
    see: (pod: Json) => tell(JSON.stringify({ type: 'MODIFIED', object: pod })),
  };
}

describe('createPodSubject()', () => {
  test('waits for the preStop of the server, and tells its end, not that of another container', async () => {
    const fake = startFake();
    const subject = await fake.open();
    assert.deepEqual(subject.address, { host: '::1', port: 80, tls: null });
    await subject.prepare();
    assert.deepEqual(fake.removed, ['/api/v1/namespaces/shop/pods/web-1']);
    fake.see(toPod('2', running, terminated(0)));
    fake.see(toPod('3', terminated(3), terminated(0)));
    assert.deepEqual(await subject.exited, { code: 3, signal: null });
    await subject.destroy();
  });

  test('does not begin where it cannot be known when SIGTERM comes', async () => {
    const fake = startFake({ lifecycle: { preStop: { exec: { command: ['/wait-shutdown'] } } } });
    await assert.rejects(fake.open(), (error: Error) => {
      assert.match(error.message, /^the length of preStop of container web is not known \(\/wait-shutdown\)/);
      return error instanceof Fault;
    });
    assert.deepEqual(fake.removed, []);
  });

  test('names the rights that are missing', async () => {
    await assert.rejects(
      startFake({ denied: 'delete' }).open(),
      (error: Error) =>
        error instanceof Fault && error.message === 'not allowed in namespace shop: delete pods',
    );
  });

  test('does not begin where the pod cannot be watched', async () => {
    await assert.rejects(startFake({ isListRefused: true }).open(), /no lists/);
  });
});

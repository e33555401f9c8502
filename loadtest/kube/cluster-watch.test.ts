import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Api, toApiFault } from './api.ts';
import { createClusterWatch } from './cluster-watch.ts';
import type { Json } from './json.ts';

const object = (name: string, more: Json = {}, kind = 'x'): Json => ({
  metadata: { name, uid: `uid-${kind}-${name}`, resourceVersion: '1' },
  ...more,
});

let eventNumber = 0;
const warning = (about: string, uid: string): Json => {
  eventNumber += 1;
  return object(`event-${eventNumber}`, {
    reason: 'Failed',
    message: `it is number ${eventNumber}`,
    involvedObject: { name: about, uid },
  });
};

const slice: Json = {
  metadata: {
    name: 'web-svc-1',
    uid: 'uid-x-web-svc-1',
    resourceVersion: '1',
    ownerReferences: [{ kind: 'Service', name: 'web-svc', uid: 'uid-x-web-svc' }],
  },
};

/** Watches the Deployment `web`, of which there is a ReplicaSet and a pod, behind the Service `web-svc`. */
async function start(t: { after(close: () => void): void }) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const streams = new Map<string, (line: string) => void>();
  const resourceOf = (path: string) =>
    path.includes('Killing') ? 'kills' : (path.replace(/\?.*/, '').split('/').at(-1) ?? '');
  const items: Readonly<Record<string, readonly Json[]>> = {
    deployments: [object('web', { spec: { replicas: 1 } })],
    replicasets: [object('web-1', { spec: { replicas: 1 } })],
    pods: [object('web-1-a')],
    endpointslices: [slice],
    events: [warning('web', 'uid-x-web')],
  };
  let opened: () => void = () => {};
  const areOpen = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const api: Pick<Api, 'get' | 'post' | 'stream'> = {
    get: async (path) => ({ metadata: { resourceVersion: '1' }, items: items[resourceOf(path)] ?? [] }),
    post: async () => ({ status: { allowed: false } }),
    stream: (path, hooks, signal) => {
      hooks.onOpen();
      streams.set(resourceOf(path), hooks.onLine);
      if (['pods', 'events', 'kills', 'replicasets'].every((resource) => streams.has(resource))) opened();
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(toApiFault(null, 'aborted'))),
      );
    },
  };
  const unused = () => assert.fail('nothing is to be written');
  let clockMs = 0;
  const watch = createClusterWatch(
    { ...api, patch: unused, remove: unused },
    {
      namespace: 'shop',
      workload: { kind: 'Deployment', name: 'web' },
      container: 'web',
      uid: 'uid-x-web',
      selector: 'app%3Dweb',
      podSelector: 'app%3Dweb',
      service: 'web-svc',
      port: null,
      direct: null,
      hpa: null,
      // A stream that stands has no need of it.
      clock: { nowMs: () => clockMs, pause: () => new Promise(() => {}) },
    },
    stop.signal,
  );
  await watch.start();
  await areOpen;
  return {
    kinds: () => watch.events.map(({ pod, kind }) => `${pod} ${kind}`),
    told: () => watch.marks.filter(({ text }) => text.startsWith('Failed')),
    see: (resource: string, seen: Json) =>
      streams.get(resource)?.(JSON.stringify({ type: 'ADDED', object: seen })),
    forward: () => {
      clockMs += 1;
    },
  };
}

describe('the warnings of a cluster watch', () => {
  test('are those of what is watched, and not of its namesakes', async (t) => {
    const { told, see } = await start(t);
    for (const [name, uid] of [
      ['web', 'uid-x-web'],
      ['web-1', 'uid-x-web-1'],
      ['web-1-a', 'uid-x-web-1-a'],
      ['web-svc', 'uid-x-web-svc'],
      ['web-svc-1', 'uid-x-web-svc-1'],
      ['web-api', 'uid-x-web-api'],
      ['web-api-1-a', 'uid-x-web-api-1-a'],
      ['web', 'uid-ingress-web'],
    ] as const) {
      see('events', warning(name, uid));
    }
    assert.deepEqual(
      told().map(({ text }) => text.split(':')[0]),
      ['Failed web', 'Failed web-1', 'Failed web-1-a', 'Failed web-svc', 'Failed web-svc-1'],
    );
  });

  test('are told once what they are about is seen, with their own time', async (t) => {
    const { told, see, forward } = await start(t);
    see('events', warning('web-2-b', 'uid-x-web-2-b'));
    see('events', warning('web-2-b', 'uid-x-web-2-b'));
    forward();
    assert.deepEqual(told(), []);
    see('pods', object('web-2-b'));
    see('pods', object('web-2-b'));
    assert.deepEqual(
      told().map(({ atMs }) => atMs),
      [0, 0],
    );
  });
});

test('a cluster watch tells that the kubelet kills a container for its probe, which is no warning', async (t) => {
  const { kinds, told, see } = await start(t);
  const kill = object('event-kill', {
    type: 'Normal',
    reason: 'Killing',
    message: 'Container web failed liveness probe, will be restarted',
    involvedObject: { name: 'web-1-a', uid: 'uid-x-web-1-a', fieldPath: 'spec.containers{web}' },
  });
  see('kills', kill);
  assert.deepEqual([kinds(), told()], [['web-1-a probe-failed'], []]);
});

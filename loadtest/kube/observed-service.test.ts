import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { PROCESS_CLOCK } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import { toApiFault } from './api.ts';
import { at, type Json, textAt } from './json.ts';
import { type ObservedServiceOptions, openObservedService } from './observed-service.ts';

const HTTP = { name: 'http', port: 80, targetPort: 8080 };
const ADDRESS = { clusterIP: '10.0.0.1', ports: [HTTP] };
const service = (name: string, spec: Json): Json => ({
  metadata: { name, uid: `uid-${name}` },
  spec: { ...ADDRESS, selector: { app: name }, ...spec },
});
const owned = (name: string, app: string, kind: string, owner: string): Json => ({
  metadata: {
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    labels: { app },
    ownerReferences: [{ kind, name: owner, uid: `uid-${owner}`, controller: true }],
  },
});
const metadataOf = (object: Json) => at(object, 'metadata') as Record<string, Json>;
const PLAIN = { host: '10.0.0.1', tls: null };
const deployment = (name: string, containers: readonly string[]): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '7' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { spec: { containers: containers.map((container) => ({ name: container })) } },
  },
});
const hpa = (name: string): Json => ({
  metadata: { name: `${name}-hpa`, uid: `uid-${name}-hpa`, resourceVersion: '1' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 3 },
});

/** In namespace `shop`: the Deployment `web`, which an HPA scales, and others behind Services that lack something. */
const OBJECTS: Readonly<Record<string, readonly Json[]>> = {
  services: [
    service('web', {}),
    service('selectorless', { selector: {} }),
    service('outside', { type: 'ExternalName' }),
    service('headless', { clusterIP: 'None', selector: { app: 'web' } }),
    service('twofold', {
      selector: { app: 'web' },
      ports: [HTTP, { name: 'http-admin', port: 81 }].map((port) => ({ ...port, appProtocol: 'http' })),
    }),
    service('empty', {}),
    service('batch', {}),
    service('meshed', {}),
  ],
  pods: [
    owned('web-1-a', 'web', 'ReplicaSet', 'web-1'),
    owned('batch-a', 'batch', 'Job', 'batch'),
    owned('meshed-1-a', 'meshed', 'ReplicaSet', 'meshed-1'),
  ],
  replicasets: [
    owned('web-1', 'web', 'Deployment', 'web'),
    owned('meshed-1', 'meshed', 'Deployment', 'meshed'),
  ],
  deployments: [deployment('web', ['web']), deployment('meshed', ['meshed', 'proxy'])],
  horizontalpodautoscalers: [hpa('web')],
};

/** An API server that has these objects, and refuses what is denied. */
function createShop({
  denied = [],
  more = {},
}: {
  readonly denied?: readonly string[];
  readonly more?: Readonly<Record<string, readonly Json[]>>;
} = {}) {
  const all = { ...OBJECTS, ...more };
  const posted: { path: string; body: Json }[] = [];
  const streams = new Map<string, (line: string) => void>();
  const unused = () => assert.fail('an observation changes nothing');
  return {
    posted,
    streams,
    api: {
      get: async (path: string): Promise<Json> => {
        const [, resource = '', name] = /\/namespaces\/shop\/(\w+)(?:\/([\w-]+))?/.exec(path) ?? [];
        const objects = all[resource] ?? [];
        if (name !== undefined) {
          return (
            objects.find((object) => textAt(object, 'metadata', 'name') === name) ??
            assert.fail(`no ${resource}/${name}`)
          );
        }
        const [, app] = /labelSelector=app%3D(\w+)/.exec(path) ?? [];
        const items = objects.filter(
          (object) => app === undefined || textAt(object, 'metadata', 'labels', 'app') === app,
        );
        return { metadata: { resourceVersion: '1' }, items: [...items] };
      },
      post: async (path: string, body: Json): Promise<Json> => {
        if (!path.endsWith('/selfsubjectaccessreviews')) {
          posted.push({ path, body });
          return {};
        }
        const [verb, resource] = ['verb', 'resource'].map((field) =>
          textAt(body, 'spec', 'resourceAttributes', field),
        );
        return { status: { allowed: !denied.includes(`${verb} ${resource}`) } };
      },
      patch: unused,
      remove: unused,
      stream: (
        path: string,
        hooks: { onOpen(): void; onLine(line: string): void },
        signal: AbortSignal,
      ): Promise<void> => {
        streams.set(path, hooks.onLine);
        hooks.onOpen();
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            streams.delete(path);
            reject(toApiFault(null, 'aborted'));
          }),
        );
      },
    },
  };
}

async function open(shop: ReturnType<typeof createShop>, options: Partial<ObservedServiceOptions>) {
  const told: string[] = [];
  const target = await openObservedService(
    shop.api,
    {
      namespace: 'shop',
      service: 'web',
      container: null,
      url: null,
      tellsEvents: false,
      checkReachable: async () => {},
      toProbes: null,
      ...options,
    },
    new AbortController().signal,
    (step) => void told.push(step),
    { nowMs: PROCESS_CLOCK.nowMs, pause: () => new Promise(() => {}) },
  );
  return { target, told };
}

const UNPROBED = 'pods are not probed directly: what they accept is inferred';

describe('openObservedService()', () => {
  const unreachable = new Fault('cannot reach 10.0.0.1 on port 80: connection refused');
  for (const [what, options, denied, message] of [
    [
      'a Service that is not there',
      { service: 'gone' },
      [],
      'there is no Service gone in namespace shop: there is web, selectorless, outside, headless, twofold, empty, batch, meshed',
    ],
    [
      'one without a selector',
      { service: 'selectorless' },
      [],
      'Service selectorless has no selector: it leads to no pods that could be observed',
    ],
    [
      'a name for something outside',
      { service: 'outside' },
      [],
      'Service outside has no selector: it leads to no pods that could be observed',
    ],
    [
      'a headless one',
      { service: 'headless' },
      [],
      'Service headless is headless: it has no address; name one that leads to its pods with --url',
    ],
    [
      'one with several ports for HTTP',
      { service: 'twofold' },
      [],
      'several addresses lead to Service twofold: choose one with --url: http://10.0.0.1, http://10.0.0.1:81',
    ],
    [
      'one that leads to no pods',
      { service: 'empty' },
      [],
      'Service empty leads to no pods: none has the labels app=empty',
    ],
    [
      'one whose pods are of no workload',
      { service: 'batch' },
      [],
      'the pods of Service batch are of Job batch, and not of one of these: Deployment, StatefulSet, DaemonSet, Rollout',
    ],
    [
      'pods of which several containers may serve',
      { service: 'meshed' },
      [],
      'which container serves? Name it with --container: meshed, proxy',
    ],
    [
      'an address where nobody listens',
      { checkReachable: () => Promise.reject(unreachable) },
      [],
      unreachable.message,
    ],
    [
      'what finds the workload, not allowed',
      {},
      ['list services', 'list replicasets'],
      'not allowed in namespace shop: list services, list replicasets.apps',
    ],
    ['a watch, not allowed', {}, ['watch pods'], 'not allowed in namespace shop: watch pods'],
    [
      'the watch of its HPA, not allowed',
      {},
      ['watch horizontalpodautoscalers'],
      'not allowed in namespace shop: watch horizontalpodautoscalers.autoscaling',
    ],
    [
      'Events, not allowed',
      { tellsEvents: true },
      ['create events'],
      'not allowed in namespace shop: create events',
    ],
  ] as const) {
    test(`refuses ${what}, and watches nothing`, async () => {
      const shop = createShop({ denied });
      await assert.rejects(open(shop, options), { name: 'Fault', message });
      assert.deepEqual([...shop.streams.keys()], []);
      assert.deepEqual(shop.posted, []);
    });
  }

  test('needs leave for Events and HPAs only where it has to do with them', async () => {
    const shop = createShop({ denied: ['create events', 'watch horizontalpodautoscalers'] });
    const { target, told } = await open(shop, { service: 'meshed', container: 'meshed' });
    assert.deepEqual(told, ['Service meshed in shop leads to Deployment meshed, container meshed', UNPROBED]);
    target.close();
  });

  for (const name of ['headless', 'twofold']) {
    test(`takes the address that is given for the Service ${name}`, async () => {
      const url = new URL('http://10.0.0.1:81');
      const reached: URL[] = [];
      const { target } = await open(createShop(), {
        service: name,
        url,
        checkReachable: async (tried) => void reached.push(tried),
      });
      assert.deepEqual([target.url, reached], [url, [url]]);
      target.close();
    });
  }

  test('watches until it is closed', async () => {
    const shop = createShop();
    const { target, told } = await open(shop, {});
    assert.deepEqual(told, [
      'Service web in shop leads to Deployment web, container web, which HPA web-hpa scales',
      UNPROBED,
    ]);
    assert.deepEqual(
      [target.name, target.url.href, target.wanted],
      ['Service web in shop', 'http://10.0.0.1/', 2],
    );
    assert.ok([...shop.streams.keys()].some((path) => path.includes('/pods?')));
    target.close();
    assert.deepEqual([...shop.streams.keys()], []);
  });

  test('probes pods directly as they come, and none that is gone', async (t) => {
    const server = createServer((socket) => void socket.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const pod = (name: string, version: string, status: Json = {}): Json => ({
      metadata: { ...metadataOf(owned(name, 'web', 'ReplicaSet', 'web-1')), resourceVersion: version },
      spec: { nodeName: 'n1', containers: [{ name: 'web' }] },
      status: { podIP: '127.0.0.1', ...status },
    });
    const slice = {
      metadata: { name: 'web-1', uid: 'uid-slice', resourceVersion: '1' },
      endpoints: [{ targetRef: { kind: 'Pod', name: 'web-1-a', uid: 'uid-web-1-a' } }],
    };
    const ports = [{ ...HTTP, targetPort: port }];
    const shop = createShop({
      more: { services: [service('web', { ports })], pods: [pod('web-1-a', '1')], endpointslices: [slice] },
    });
    const { target, told } = await open(shop, { toProbes: () => ({ target: PLAIN, request: null }) });
    t.after(() => target.close());
    assert.equal(told.at(-1), `pods are probed directly, for example at 127.0.0.1:${port}`);

    const see = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Json) => {
      const [, onLine] = [...shop.streams].find(([path]) => path.includes('/pods?')) ?? [];
      onLine?.(JSON.stringify({ type, object }));
    };
    const kindsOf = (name: string) =>
      target.events.flatMap((event) => (event.pod === name ? [event.kind] : []));
    const untilAccepted = async (name: string) => {
      while (!kindsOf(name).includes('direct-accepted')) await once(server, 'connection');
    };
    await untilAccepted('web-1-a');
    see('ADDED', pod('web-1-b', '2'));
    await untilAccepted('web-1-b');
    // Evicted: it stays as an object, with its last address.
    see('MODIFIED', pod('web-1-a', '3', { phase: 'Failed' }));
    see('MODIFIED', pod('web-1-a', '4', { phase: 'Failed', reason: 'Evicted' }));
    see('DELETED', pod('web-1-b', '5'));
    for (const name of ['web-1-a', 'web-1-b']) {
      assert.deepEqual(kindsOf(name).slice(-3), ['direct-accepted', 'direct-ended', 'gone'], name);
    }
    target.forget(PROCESS_CLOCK.nowMs() + 1);
    assert.deepEqual(kindsOf('web-1-b'), []);
  });

  test('leaves word at the workload, no longer than the API server takes', async () => {
    const shop = createShop();
    const { target } = await open(shop, { tellsEvents: true });
    await target.tell(`lost 3${'.'.repeat(2_000)}`);
    target.close();
    const [first, ...others] = shop.posted;
    assert.deepEqual([first?.path, others], ['/api/v1/namespaces/shop/events', []]);
    const texts = ['type', 'reason', 'message'].map((field) => textAt(first?.body, field));
    assert.deepEqual(texts, ['Warning', 'RequestsLost', `lost 3${'.'.repeat(1_018)}`]);
    assert.deepEqual(at(first?.body, 'involvedObject'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      namespace: 'shop',
      uid: 'uid-web',
      resourceVersion: '7',
    });
  });
});

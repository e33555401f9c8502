import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestClock } from '../../test/fixtures/clock.ts';
import { Fault } from '../cli/fault.ts';
import { parseRemoval } from '../proof/safeguard.ts';
import type { Scene } from '../proof/scene.ts';
import { type Api, toApiFault } from './api.ts';
import { type ClusterOptions, createClusterScene } from './cluster-scene.ts';
import { at, type Json } from './json.ts';

const never = new AbortController().signal;
const OWNER = { kind: 'ReplicaSet', name: 'web-1', uid: 'rs-1' };

const pod = (
  name: string,
  change: { node?: string; phase?: string; isReady?: boolean; owner?: Json } = {},
) => ({
  metadata: { name, labels: { app: 'web' }, ownerReferences: [change.owner ?? OWNER] },
  spec: { nodeName: change.node ?? 'n1', containers: [{ name: 'web' }] },
  status: {
    phase: change.phase ?? 'Running',
    podIP: `10.1.0.${name.charCodeAt(0) - 96}`,
    conditions: [{ type: 'Ready', status: change.isReady === false ? 'False' : 'True' }],
  },
});

const container = { name: 'web', image: 'web:1', lifecycle: { preStop: { sleep: { seconds: 5 } } } };

/** A cluster at rest, of which each write is written down, and refused where the test says so. */
function createFake({
  pods = [pod('a'), pod('b', { node: 'n2' })],
  isCordoned = false,
  refuse = () => null,
}: {
  pods?: readonly Json[];
  isCordoned?: boolean;
  refuse?: (write: string) => number | null;
}) {
  const writes: string[] = [];
  let image = container.image;
  const list = (items: readonly Json[]): Json => ({ metadata: { resourceVersion: '1' }, items });
  const toDeployment = (): Json => ({
    metadata: { name: 'web', uid: 'd-1', generation: 1 },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ ...container, image }] } },
    },
    status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
  });
  const service = {
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, clusterIP: '10.0.0.1', ports: [{ port: 80 }] },
  };
  const replicaSet = { metadata: { name: 'web-1', uid: 'rs-1', ownerReferences: [{ uid: 'd-1' }] } };
  const toAnswers = (): readonly (readonly [RegExp, Json])[] => [
    [/\/deployments\/web$/, toDeployment()],
    [/\/deployments\?/, list([toDeployment()])],
    [/\/services$/, list([service])],
    [/\/replicasets/, list([replicaSet])],
    [/\/nodes\/n/, { spec: isCordoned ? { unschedulable: true } : {} }],
    [/\/nodes$/, list([])],
    [/./, list([])],
  ];
  const write = async (method: string, path: string, body: unknown): Promise<Json> => {
    if (path.endsWith('selfsubjectaccessreviews')) return { status: { allowed: true } };
    const told = `${method} ${path.split('/').slice(-2).join('/')} ${JSON.stringify(body)}`;
    const status = refuse(told);
    if (status !== null) throw toApiFault(status, 'refused');
    writes.push(told);
    image = /"image":"([^"]+)"/.exec(told)?.[1] ?? image;
    return {};
  };
  const api: Api = {
    get: async (path) =>
      /\/pods\?/.test(path)
        ? list(pods)
        : (toAnswers().find(([pattern]) => pattern.test(path)) ?? [null, {}])[1],
    post: (path, body) => write('POST', path, body),
    patch: (path, _type, body) => write('PATCH', path, body),
    remove: (path, body) => write('DELETE', path, body),
    stream: (_path, _onLine, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(toApiFault(null, 'aborted')));
      }),
  };
  return { api, writes };
}

const given: ClusterOptions = {
  namespace: 'shop',
  workload: { kind: 'Deployment', name: 'web' },
  service: null,
  container: null,
  url: null,
  checkReachable: async () => {},
  toProbes: null,
  disruption: 'kill',
  undertaking: { disruptions: ['kill'], hasControl: false, isRestored: false },
  without: [],
  isForced: false,
  image: null,
  isImageKept: false,
  scaleBy: 2,
  node: null,
  run: async () => {},
};

async function openScene(...given: Parameters<typeof createClusterScene>): Promise<Scene> {
  const opening = await createClusterScene(...given);
  assert.ok(opening.kind === 'open');
  return opening.scene;
}

/** Opens the scene, disrupts it and closes it. Gives all writes, and what was left behind. */
async function play(fake: ReturnType<typeof createFake>, options: Partial<ClusterOptions>) {
  const scene = await openScene(fake.api, { ...given, ...options }, never, () => {}, createTestClock());
  const fault = await scene.disrupt(never).then(
    () => null,
    (error: Error) => error.message,
  );
  const disrupted = fake.writes.splice(0);
  return { fault, disrupted, leftBehind: await scene.close(), undone: fake.writes };
}

describe('createClusterScene()', () => {
  test('kills a pod of the Deployment that serves, whatever else carries its labels', async () => {
    const stranger = pod('0-canary', { owner: { uid: 'job' } });
    const pods = [
      stranger,
      pod('1-evicted', { phase: 'Failed' }),
      pod('2-starting', { isReady: false }),
      pod('3'),
    ];
    const { disrupted, undone } = await play(createFake({ pods }), {});
    assert.deepEqual([disrupted, undone], [['DELETE pods/3 {}'], []]);
  });

  test('drains the node with most pods, and takes it back into use', async () => {
    const pods = [pod('a', { node: 'n2' }), pod('b', { node: 'n2' })];
    const { disrupted, undone, leftBehind } = await play(createFake({ pods }), { disruption: 'drain' });
    assert.equal(disrupted[0], 'PATCH nodes/n2 {"spec":{"unschedulable":true}}');
    assert.deepEqual(
      disrupted.slice(1).map((told) => told.split(' ').slice(0, 2).join(' ')),
      ['POST a/eviction', 'POST b/eviction'],
    );
    assert.deepEqual([undone, leftBehind], [['PATCH nodes/n2 {"spec":{"unschedulable":false}}'], []]);
  });

  test('leaves a node cordoned that was so before', async () => {
    const { disrupted, undone } = await play(createFake({ isCordoned: true }), { disruption: 'drain' });
    assert.ok(disrupted.every((told) => told.startsWith('POST')));
    assert.deepEqual(undone, []);
  });

  test('does not drain a node without a pod of the Deployment', async () => {
    const { fault, disrupted } = await play(createFake({}), { disruption: 'drain', node: 'n3' });
    assert.equal(fault, 'node n3 has no pod of Deployment web');
    assert.deepEqual(disrupted, []);
  });

  test('takes an image back, unless it is to be kept or another has come', async () => {
    const to = { disruption: 'rollout', image: 'web:2' } as const;
    const back = await play(createFake({}), to);
    assert.match(back.disrupted.join(), /"image":"web:2"/);
    assert.match(back.undone.join(), /"image":"web:1"/);
    assert.deepEqual((await play(createFake({}), { ...to, isImageKept: true })).undone, []);
    const fake = createFake({});
    const scene = await openScene(fake.api, { ...given, ...to }, never, () => {}, createTestClock());
    await scene.disrupt(never);
    await fake.api.patch('/deployments/web', 'merge', { image: 'web:3' });
    fake.writes.splice(0);
    assert.deepEqual([await scene.close(), fake.writes], [[], []]);
  });

  test('says what it could not take back', async () => {
    const refuse = (told: string) => (told.includes('"unschedulable":false') ? 403 : null);
    const { leftBehind } = await play(createFake({ refuse }), { disruption: 'drain' });
    assert.deepEqual(leftBehind, ['node n1 cordoned (refused)']);
  });

  test('gives a safeguard back where the scene cannot be opened, or says that it could not', async () => {
    const aborted = AbortSignal.abort();
    const open = (fake: ReturnType<typeof createFake>) =>
      createClusterScene(
        fake.api,
        { ...given, without: [parseRemoval('preStop')] },
        aborted,
        () => {},
        createTestClock(),
      );
    const fake = createFake({});
    await assert.rejects(open(fake), { name: 'AbortError' });
    assert.deepEqual(
      fake.writes.map((told) => told.includes('"preStop":{')),
      [false, true],
    );
    const refuse = (told: string) => (told.includes('"preStop":{') ? 403 : null);
    await assert.rejects(open(createFake({ refuse })), (error) => {
      assert.ok(error instanceof Fault);
      assert.deepEqual(error.leftBehind, ['the pod template without preStop (refused)']);
      assert.match(error.message, /not undone: the pod template without preStop \(refused\)/);
      return true;
    });
  });

  test('gives a safeguard back to the Deployment as it is by then, and reads it anew after a conflict', async () => {
    const fake = createFake({});
    let version = 1;
    const get: Api['get'] = async (path) => {
      const found = await fake.api.get(path);
      if (!path.endsWith('/deployments/web')) return found;
      return { ...found, metadata: { name: 'web', uid: 'd-1', resourceVersion: String(version) } };
    };
    const taken: unknown[] = [];
    const patch: Api['patch'] = async (path, type, body) => {
      if (type === 'json') {
        taken.push(at(body, 0));
        version += 1;
        if (taken.length === 2) throw toApiFault(409, 'the object has been modified');
      }
      return fake.api.patch(path, type, body);
    };
    const options = { ...given, without: [parseRemoval('preStop')] } as const;
    const scene = await openScene({ ...fake.api, get, patch }, options, never, () => {}, createTestClock());
    assert.deepEqual(await scene.close(), []);
    const path = '/metadata/resourceVersion';
    assert.deepEqual(taken, [
      { op: 'replace', path, value: '1' },
      { op: 'replace', path, value: '2' },
      { op: 'replace', path, value: '3' },
    ]);
  });

  test('heeds its user while the watches begin, and gives the safeguard back', async () => {
    const fake = createFake({});
    const interruption = new AbortController();
    const get: Api['get'] = (path, signal) => {
      if (!path.includes('endpointslices')) return fake.api.get(path);
      interruption.abort();
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const options = { ...given, without: [parseRemoval('preStop')] } as const;
    await assert.rejects(
      createClusterScene({ ...fake.api, get }, options, interruption.signal, () => {}, createTestClock()),
      { name: 'AbortError' },
    );
    assert.equal(fake.writes.length, 2);
  });

  test('knows the pod of a connection by its address, from when it was opened', async () => {
    const scene = await openScene(createFake({}).api, given, never, () => {}, createTestClock());
    const trace = { localPort: 1, remoteAddress: '10.1.0.1', openedMs: 0, atMs: 1_000 };
    for (const [what, connection, pod] of [
      ['a new connection', trace, 'a'],
      ['one older than the pod', { ...trace, openedMs: -3_600_000 }, null],
      ['a Service', { ...trace, remoteAddress: '10.0.0.1' }, null],
      ['an address not known', { ...trace, remoteAddress: null }, null],
    ] as const) {
      assert.equal(scene.podOf(connection), pod, what);
    }
    for (const [text, pod] of [
      ['a', 'a'],
      ['10.1.0.1', 'a'],
      ['10.1.0.1:8080', 'a'],
      ['10.0.0.1:8080', null],
      ['edge-1', null],
    ] as const) {
      assert.equal(scene.podNamed(text, 1_000), pod, text);
    }
    assert.deepEqual(scene.identitiesOf('a').slice(0, 1), ['a']);
    assert.ok(scene.identitiesOf('a').includes('10.1.0.1'));
    await scene.close();
  });

  test('touches nothing where there is no such safeguard, which is no fault', async () => {
    const fake = createFake({});
    const options = { ...given, without: [parseRemoval('lame-duck')] } as const;
    assert.deepEqual(await createClusterScene(fake.api, options, never, () => {}), {
      kind: 'not-applicable',
      reason: 'Deployment web has no lame-duck to take away',
    });
    assert.deepEqual(fake.writes, []);
  });

  test('aims at its own pods, and not at those of another workload behind the same Service', async () => {
    const pods = [pod('a'), pod('b', { owner: { kind: 'StatefulSet', uid: 'other' } })];
    const scene = await openScene(createFake({ pods }).api, given, never, () => {}, createTestClock());
    assert.deepEqual(['a', 'b', 'unseen'].filter(scene.isTarget), ['a']);
    await scene.close();
  });

  describe('of another kind', () => {
    /** The fake's Deployment as the workload at that path, and these Services. */
    const toApi = (path: string, spec: Json, status: Json, services: readonly Json[]) => {
      const fake = createFake({});
      const get: Api['get'] = async (asked) => {
        if (asked.endsWith('/services')) return { items: services };
        if (!asked.endsWith(path)) return fake.api.get(asked);
        const found = await fake.api.get('/deployments/web');
        return { ...found, spec: { ...(at(found, 'spec') as Json), ...spec }, status };
      };
      return { api: { ...fake.api, get }, writes: fake.writes };
    };
    const service = (name: string, spec: Json = {}) => ({
      metadata: { name },
      spec: { selector: { app: 'web' }, clusterIP: '10.0.0.1', ports: [{ port: 80 }], ...spec },
    });

    test('refuses what cannot be done to it, before anything is done', async () => {
      const counts = { desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 2 };
      const status = { observedGeneration: 1, ...counts, numberAvailable: 2 };
      const { api, writes } = toApi('/daemonsets/web', {}, status, [service('web')]);
      const disruptions = ['kill', 'scale'] as const;
      const options = {
        ...given,
        workload: { kind: 'DaemonSet', name: 'web' },
        undertaking: { disruptions, hasControl: false, isRestored: false },
      } as const;
      await assert.rejects(
        createClusterScene(api, options, never, () => {}, createTestClock()),
        {
          name: 'Fault',
          message:
            'no scale of DaemonSet web: it has one pod for each node, and no number of replicas to change',
        },
      );
      assert.deepEqual(writes, []);
    });

    test('says which pod cannot start, and deletes it where its StatefulSet waits for it', async () => {
      const status = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
      const owner = { kind: 'StatefulSet', name: 'web', uid: 'd-1' };
      const ready = [pod('web-0', { owner }), pod('web-1', { owner })];
      const broken = pod('web-1', { owner, isReady: false });
      const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "web:9"' };
      const stuck = [
        pod('web-0', { owner }),
        {
          ...broken,
          metadata: { ...broken.metadata, uid: 'p-9' },
          status: { ...broken.status, containerStatuses: [{ state: { waiting } }] },
        },
      ];
      const fake = toApi('/statefulsets/web', {}, { ...status, updateRevision: 'new' }, [service('web')]);
      const hasDeleted = () => fake.writes.some((told) => told.startsWith('DELETE'));
      const get: Api['get'] = async (path) =>
        /\/pods\?/.test(path)
          ? { metadata: { resourceVersion: '1' }, items: hasDeleted() ? ready : stuck }
          : fake.api.get(path);
      const api = { ...fake.api, get };
      const to = { disruption: 'rollout', image: 'web:9' } as const;
      const options = { ...given, ...to, workload: { kind: 'StatefulSet', name: 'web' } } as const;
      const scene = await openScene(api, options, never, () => {}, createTestClock());
      await assert.rejects(scene.disrupt(never), {
        message: 'web-1 cannot start, ImagePullBackOff: Back-off pulling image "web:9"',
      });
      assert.deepEqual(await scene.close(), []);
      assert.deepEqual(
        fake.writes.filter((told) => told.startsWith('DELETE')),
        ['DELETE pods/web-1 {"preconditions":{"uid":"p-9"}}'],
      );
    });

    test('leads to the active Service of a Rollout, or to the one that is named', async () => {
      const strategy = { blueGreen: { activeService: 'web', previewService: 'next' } };
      const status = { observedGeneration: '1', phase: 'Healthy', replicas: 2, availableReplicas: 2 };
      const selector = { app: 'web', 'rollouts-pod-template-hash': 'h1' };
      const services = [service('web', { selector }), service('next', { clusterIP: '10.0.0.2' })];
      const { api } = toApi('/rollouts/web', { strategy }, status, services);
      for (const [named, url] of [
        [null, 'http://10.0.0.1/'],
        ['next', 'http://10.0.0.2/'],
      ] as const) {
        const options = { ...given, workload: { kind: 'Rollout', name: 'web' }, service: named } as const;
        const scene = await openScene(api, options, never, () => {}, createTestClock());
        assert.equal(scene.url.href, url);
        await scene.close();
      }
    });
  });

  test('touches nothing where nobody listens', async () => {
    const fake = createFake({});
    const checkReachable = async () => {
      throw new Fault('cannot reach it');
    };
    await assert.rejects(
      createClusterScene(
        fake.api,
        { ...given, without: [parseRemoval('preStop')], checkReachable },
        never,
        () => {},
        createTestClock(),
      ),
      Fault,
    );
    assert.deepEqual(fake.writes, []);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodEvent } from '../proof/timeline.ts';
import type { Json } from './json.ts';
import { createPodObserver } from './pod-observer.ts';

function observe(port: number | string | null = null) {
  const events: PodEvent[] = [];
  return { events, observer: createPodObserver((event) => void events.push(event), 'web', port) };
}

const ready = (status: string) => [{ type: 'Ready', status }];
const web = (state: object, more: object = {}) => [
  { name: 'sidecar', state: {} },
  { name: 'web', state, ...more },
];

function pod(spec: object, status: object, metadata: object = {}): Json {
  return {
    metadata: { name: 'a', labels: { 'pod-template-hash': 'h1' }, ...metadata },
    spec: { containers: [{ name: 'web', lifecycle: { preStop: { sleep: { seconds: 10 } } } }], ...spec },
    status,
  };
}

const slice = (name: string, endpoints: readonly (readonly [pod: string, ready?: boolean])[]): Json => ({
  metadata: { name },
  endpoints: endpoints.map(([target, isReady]) => ({
    targetRef: { kind: 'Pod', name: target },
    conditions: isReady === undefined ? {} : { ready: isReady },
  })),
});

describe('createPodObserver()', () => {
  test('tells the timeline of a pod, each step once', () => {
    const { events, observer } = observe();
    const onNode = { nodeName: 'n1' };
    const deletion = { deletionTimestamp: '2030-01-01T00:00:45Z', deletionGracePeriodSeconds: 45 };
    const running = { containerStatuses: web({ running: {} }), conditions: ready('True') };
    const steps: readonly Json[] = [
      pod({}, {}),
      pod(onNode, { conditions: ready('False') }),
      pod(onNode, { containerStatuses: web({ running: {} }), conditions: ready('False') }),
      pod(onNode, running),
      pod(onNode, running),
      pod(onNode, running, deletion),
      pod(
        onNode,
        { containerStatuses: web({ terminated: { exitCode: 0 } }), conditions: ready('False') },
        deletion,
      ),
    ];
    for (const [index, step] of steps.entries()) observer.onPod('seen', step, index);
    observer.onPod('deleted', steps.at(-1) ?? {}, 7);
    assert.deepEqual(events, [
      { atMs: 1, pod: 'a', kind: 'scheduled', version: 'h1', node: 'n1', isProbed: false },
      { atMs: 2, pod: 'a', kind: 'started' },
      { atMs: 3, pod: 'a', kind: 'ready' },
      { atMs: 5, pod: 'a', kind: 'terminating', graceMs: 45_000, preStopMs: 10_000 },
      { atMs: 6, pod: 'a', kind: 'unready' },
      { atMs: 6, pod: 'a', kind: 'exited', code: 0, signal: null },
      { atMs: 7, pod: 'a', kind: 'gone' },
    ]);
  });

  for (const [what, port, readinessProbe, isProbed] of [
    ['by its number', 80, { httpGet: { port: 80 } }, true],
    ['by its name', 'web', { tcpSocket: { port: 80 } }, true],
    ['that has a name', 80, { grpc: { port: 'web' } }, true],
    ['that is another', 80, { httpGet: { port: 81 } }, false],
    ['without a connection', 80, { exec: { command: ['true'] } }, false],
    ['by a name that no port has', 'web2', { httpGet: { port: 'web2' } }, false],
    ['of traffic that is not known', null, { httpGet: { port: 80 } }, false],
    ['that no probe asks', 80, undefined, false],
  ] as const) {
    test(`a probe of the port ${what}: ${isProbed}`, () => {
      const { events, observer } = observe(port);
      const containers = [{ name: 'web', ports: [{ name: 'web', containerPort: 80 }], readinessProbe }];
      observer.onPod('seen', pod({ nodeName: 'n1', containers }, {}), 1);
      const [scheduled] = events;
      assert.ok(scheduled?.kind === 'scheduled');
      assert.equal(scheduled.isProbed, isProbed);
    });
  }

  test('takes a pod that comes back under its name for another one, in slices and names as well', () => {
    const { events, observer } = observe();
    const at = (uid: string, podIP: string) => pod({ nodeName: 'n1' }, { podIP }, { uid });
    const sliceOf = (uid: string) => ({
      metadata: { name: 's' },
      endpoints: [{ targetRef: { kind: 'Pod', name: 'a', uid } }],
    });
    observer.onPod('seen', at('u1', '10.0.0.1'), 0);
    observer.onEndpointSlice('seen', sliceOf('u1'), 1);
    observer.onPod('deleted', at('u1', '10.0.0.1'), 2);
    // The slice may be heard of before the pod.
    observer.onEndpointSlice('seen', sliceOf('u2'), 3);
    observer.onPod('seen', at('u2', '10.0.0.2'), 4);
    assert.deepEqual(
      events.map(({ atMs, pod: id, kind }) => [atMs, id, kind]),
      [
        [0, 'a', 'scheduled'],
        [1, 'a', 'endpoint-added'],
        [2, 'a', 'gone'],
        [3, 'a (2)', 'endpoint-added'],
        [3, 'a', 'endpoint-removed'],
        [4, 'a (2)', 'scheduled'],
      ],
    );
    assert.deepEqual(
      [1, 3, 5].map((atMs) => observer.podAt('a', atMs)),
      ['a', 'a', 'a (2)'],
    );
    assert.deepEqual([observer.podAt('10.0.0.1', 5), observer.podAt('u2', 5)], ['a', 'a (2)']);
    assert.equal(observer.idOf(at('u1', '')), 'a');
  });

  test('does not tell the length of a preStop that cannot be read', () => {
    const { events, observer } = observe();
    const lifecycle = { preStop: { exec: { command: ['/wait-shutdown'] } } };
    const spec = { containers: [{ name: 'web', lifecycle }] };
    observer.onPod('seen', pod(spec, {}, { deletionTimestamp: 'now', deletionGracePeriodSeconds: 30 }), 1);
    assert.deepEqual(events, [{ atMs: 1, pod: 'a', kind: 'terminating', graceMs: 30_000, preStopMs: null }]);
  });

  test('a deletion by force has no grace, and no preStop', () => {
    const { events, observer } = observe();
    observer.onPod('seen', pod({}, {}, { deletionTimestamp: 'now', deletionGracePeriodSeconds: 0 }), 1);
    assert.deepEqual(events, [{ atMs: 1, pod: 'a', kind: 'terminating', graceMs: 0, preStopMs: 0 }]);
  });

  test('tells each end of a container that is started again', () => {
    const { events, observer } = observe();
    const restarted = pod(
      {},
      { containerStatuses: web({ running: {} }, { lastState: { terminated: { exitCode: 137 } } }) },
    );
    observer.onPod('seen', pod({}, { containerStatuses: web({ running: {} }) }), 1);
    observer.onPod('seen', restarted, 2);
    observer.onPod('seen', restarted, 3);
    assert.deepEqual(
      events.map(({ atMs, kind }) => [atMs, kind]),
      [
        [1, 'started'],
        [2, 'exited'],
      ],
    );
  });

  test('tells each end once, and none that was over before the first look', () => {
    const { events, observer } = observe();
    const end = (containerID: string, exitCode: number) => ({ terminated: { containerID, exitCode } });
    const running = (last: object) =>
      pod({}, { containerStatuses: web({ running: {} }, { lastState: last }) });
    const steps = [
      running(end('one', 255)),
      running(end('one', 255)),
      pod({}, { containerStatuses: web(end('two', 1)) }),
      running(end('two', 1)),
      running(end('three', 2)),
    ];
    for (const [index, step] of steps.entries()) observer.onPod('seen', step, index);
    const exits = events.filter(({ kind }) => kind === 'exited');
    assert.deepEqual(
      exits.map((event) => [event.atMs, event.kind === 'exited' && event.code]),
      [
        [2, 1],
        [4, 2],
      ],
    );
  });

  test('takes the union of all slices, and an absent condition for ready', () => {
    const { events, observer } = observe();
    observer.onEndpointSlice('seen', slice('s1', [['a', true], ['b', false], ['c']]), 1);
    observer.onEndpointSlice('seen', slice('s2', [['a', true]]), 2);
    observer.onEndpointSlice(
      'seen',
      slice('s1', [
        ['a', false],
        ['b', true],
      ]),
      3,
    );
    observer.onEndpointSlice('deleted', slice('s2', []), 4);
    assert.deepEqual(
      events.map(({ atMs, pod: name, kind }) => [atMs, name, kind]),
      [
        [1, 'a', 'endpoint-added'],
        [1, 'c', 'endpoint-added'],
        [3, 'b', 'endpoint-added'],
        [3, 'c', 'endpoint-removed'],
        [4, 'a', 'endpoint-removed'],
      ],
    );
  });

  test('takes a condition that is null for ready, and what is no pod for none', () => {
    const { events, observer } = observe();
    const endpoints = [
      { targetRef: { kind: 'Pod', name: 'a' }, conditions: { ready: null } },
      { targetRef: { kind: 'Node', name: 'n1' }, conditions: { ready: true } },
      { addresses: ['10.9.9.9'], conditions: { ready: true } },
    ];
    observer.onEndpointSlice('seen', { metadata: { name: 's1' }, endpoints }, 1);
    assert.deepEqual(events, [{ atMs: 1, pod: 'a', kind: 'endpoint-added' }]);
  });

  test('a node that is not ready is lost to its pods, once each time', () => {
    const { events, observer } = observe();
    const node = (status: string): Json => ({
      metadata: { name: 'n1' },
      status: { conditions: ready(status) },
    });
    observer.onPod('seen', pod({ nodeName: 'n1' }, {}), 0);
    observer.onPod('seen', { ...pod({ nodeName: 'n2' }, {}), metadata: { name: 'b' } }, 0);
    const gone = { ...pod({ nodeName: 'n1' }, {}), metadata: { name: 'c' } };
    observer.onPod('seen', gone, 0);
    observer.onPod('deleted', gone, 0);
    for (const [index, status] of ['True', 'Unknown', 'Unknown', 'True', 'False'].entries()) {
      observer.onNode('seen', node(status), index);
    }
    const lost = events.filter(({ kind }) => kind === 'node-lost');
    assert.deepEqual(
      lost.map(({ atMs, pod: name }) => [atMs, name]),
      [
        [1, 'a'],
        [4, 'a'],
      ],
    );
  });
});

describe('podAt()', () => {
  const at = (name: string, status: object, spec: object = {}) => pod(spec, status, { name });

  test('finds who had an address at a time, or had it last', () => {
    const { observer } = observe();
    observer.onPod('seen', at('a', {}), 0);
    observer.onPod(
      'seen',
      at('a', { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] }),
      10,
    );
    observer.onPod('deleted', at('a', { podIP: '10.0.0.1' }), 20);
    observer.onPod('seen', at('b', { podIP: '10.0.0.1' }), 30);
    observer.onPod('seen', at('b', { podIP: '10.0.0.1' }), 40);
    const times = [9, 10, 29, 30, 50] as const;
    assert.deepEqual(
      times.map((atMs) => observer.podAt('10.0.0.1', atMs)),
      [null, 'a', 'a', 'b', 'b'],
    );
    assert.deepEqual([observer.podAt('fd00::1', 50), observer.podAt('10.0.0.2', 50)], ['a', null]);
  });

  test('takes the address of a node for that of no pod', () => {
    const { observer } = observe();
    observer.onPod('seen', at('a', { podIP: '10.0.0.1', hostIP: '10.0.0.1' }, { hostNetwork: true }), 0);
    observer.onPod('seen', at('b', { hostIP: '10.0.0.1' }), 0);
    assert.equal(observer.podAt('10.0.0.1', 1), null);
  });
});

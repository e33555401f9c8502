/**
 * Objects as Kubernetes 1.35 makes them, through to the name of the replacement. Sources: pkg/kubelet/kubelet_pods.go
 * (container statuses), pkg/controller/nodelifecycle (nodes), pkg/controller/tainteviction and pkg/controller/podgc.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toReplaced } from '../observe/replacement.ts';
import { findUnrest } from '../observe/unrest.ts';
import { type PodEvent, toPodTimelines } from '../proof/timeline.ts';
import type { Json } from './json.ts';
import { createPodObserver, type PodObserver } from './pod-observer.ts';
import { toProbeFailure } from './probe-failure.ts';

const AT = '2030-01-01T00:00:00Z';
const running = { running: { startedAt: AT } };
const backOff = {
  waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' },
};
const ended = (id: string, exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error') => ({
  terminated: { containerID: `containerd://${id}`, exitCode, reason, startedAt: AT, finishedAt: AT },
});

interface Look {
  readonly name?: string;
  readonly state?: object;
  readonly lastState?: object;
  readonly restartCount?: number;
  readonly isReady?: boolean;
  readonly disruption?: string;
  readonly deleted?: boolean;
}

function pod(look: Look = {}): Json {
  const { name = 'web-a', state = running, lastState = {}, restartCount = 0, isReady = true } = look;
  const status = isReady ? 'True' : 'False';
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      labels: { 'pod-template-hash': 'v1' },
      ...(look.deleted ? { deletionTimestamp: AT, deletionGracePeriodSeconds: 30 } : {}),
    },
    spec: { nodeName: 'n2', containers: [{ name: 'web' }] },
    status: {
      phase: 'Running',
      podIP: '10.244.1.7',
      conditions: [
        { type: 'Ready', status },
        { type: 'ContainersReady', status },
        ...(look.disruption === undefined
          ? []
          : [{ type: 'DisruptionTarget', status: 'True', reason: look.disruption }]),
      ],
      containerStatuses: [{ name: 'web', ready: isReady, restartCount, state, lastState }],
    },
  };
}

const node = (status: 'True' | 'False' | 'Unknown', reason: string): Json => ({
  metadata: { name: 'n2' },
  status: { conditions: [{ type: 'Ready', status, reason }] },
});
const lost = node('Unknown', 'NodeStatusUnknown');
const found = node('True', 'KubeletReady');

const kubeletEvent = (type: string, reason: string, message: string, container = 'web'): Json => ({
  type,
  reason,
  message,
  involvedObject: {
    kind: 'Pod',
    name: 'web-a',
    uid: 'uid-web-a',
    fieldPath: `spec.containers{${container}}`,
  },
});
const unhealthy = kubeletEvent(
  'Warning',
  'Unhealthy',
  'Liveness probe failed: HTTP probe failed with statuscode: 500',
);
const killing = (probe: string, name = 'web') =>
  kubeletEvent('Normal', 'Killing', `Container ${name} failed ${probe} probe, will be restarted`, name);

/** In seconds. */
type Step = readonly [
  atSeconds: number,
  what: 'pod' | 'gone' | 'node' | 'removed node' | 'event',
  object: Json,
];

const tell = {
  pod: (observer: PodObserver, object: Json, atMs: number) => observer.onPod('seen', object, atMs),
  gone: (observer: PodObserver, object: Json, atMs: number) => observer.onPod('deleted', object, atMs),
  node: (observer: PodObserver, object: Json, atMs: number) => observer.onNode('seen', object, atMs),
  'removed node': (observer: PodObserver, object: Json, atMs: number) =>
    observer.onNode('deleted', object, atMs),
  event: (observer: PodObserver, object: Json, atMs: number) => {
    const failure = toProbeFailure(object);
    if (failure !== null) observer.onProbeFailure(failure, atMs);
  },
} as const satisfies Record<Step[1], (observer: PodObserver, object: Json, atMs: number) => void>;

const restarted = (lastState: object, restartCount = 1) => [
  [90, 'pod', pod({ lastState, restartCount, isReady: false })] as const,
  [95, 'pod', pod({ lastState, restartCount })] as const,
];

const CASES: readonly {
  readonly what: string;
  readonly steps: readonly Step[];
  readonly names: readonly string[];
  /** Null: it comes to rest. */
  readonly unrest?: string;
}[] = [
  {
    what: 'a liveness probe that fails three times, and a server that ignores SIGTERM for 70 s',
    steps: [
      [1, 'event', unhealthy],
      [11, 'event', unhealthy],
      [21, 'event', unhealthy],
      [21, 'event', killing('liveness')],
      [89, 'pod', pod({ state: ended('a', 137), isReady: false })],
      ...restarted(ended('a', 137)),
    ],
    names: ['liveness probe failed'],
  },
  {
    what: 'a liveness probe whose kill the kubelet does not tell',
    steps: [
      [21, 'event', unhealthy],
      [52, 'pod', pod({ state: ended('a', 137), isReady: false })],
      ...restarted(ended('a', 137)),
    ],
    names: ['liveness probe failed'],
  },
  {
    what: 'a server that exits 0 for its liveness probe, told in one step',
    steps: [
      [21, 'event', unhealthy],
      [21, 'event', killing('liveness')],
      [22, 'pod', pod({ lastState: ended('a', 0), restartCount: 1 })],
    ],
    names: ['liveness probe failed'],
  },
  {
    what: 'a startup probe',
    steps: [
      [1, 'pod', pod({ state: ended('a', 1), isReady: false })],
      [31, 'event', killing('startup')],
      [61, 'pod', pod({ state: backOff, lastState: ended('b', 137), restartCount: 1, isReady: false })],
      ...restarted(ended('b', 137), 2),
    ],
    names: ['crash with exit code 1', 'startup probe failed'],
  },
  {
    what: 'a crash after the liveness probe of a sidecar has failed',
    steps: [
      [1, 'event', killing('liveness', 'proxy')],
      [2, 'pod', pod({ state: ended('a', 3), isReady: false })],
      ...restarted(ended('a', 3)),
    ],
    names: ['crash with exit code 3'],
  },
  {
    what: 'out of memory',
    steps: [
      [1, 'pod', pod({ state: ended('a', 137, 'OOMKilled'), isReady: false })],
      ...restarted(ended('a', 137, 'OOMKilled')),
    ],
    names: ['out of memory'],
  },
  {
    what: 'two crashes 300 ms apart, of one container',
    steps: [
      [1, 'pod', pod({ state: ended('a', 3), isReady: false })],
      [1.3, 'pod', pod({ state: backOff, lastState: ended('b', 4), restartCount: 1, isReady: false })],
      ...restarted(ended('b', 4), 2),
    ],
    names: ['crash with exit code 3', 'crash with exit code 4'],
  },
  {
    what: 'the same, of which the second alone is told, and that when it runs again and is ready',
    steps: [[1.3, 'pod', pod({ lastState: ended('b', 4), restartCount: 2 })]],
    names: ['crash with exit code 4'],
  },
  {
    what: 'two crashes 300 ms apart, of two pods',
    steps: [
      [1, 'pod', pod({ state: ended('a', 3), isReady: false })],
      [1.3, 'pod', pod({ name: 'web-b', state: ended('b', 3), isReady: false })],
    ],
    names: ['crash with exit code 3'],
    unrest: 'not ready: web-a, web-b',
  },
  {
    what: 'a lost node, whose pods are evicted five minutes later',
    steps: [
      [50, 'node', lost],
      [50, 'pod', pod({ isReady: false })],
      [350, 'pod', pod({ isReady: false, disruption: 'DeletionByTaintManager' })],
      [350, 'pod', pod({ isReady: false, disruption: 'DeletionByTaintManager', deleted: true })],
    ],
    names: ['node n2 lost'],
  },
  {
    what: 'a lost node that is removed, with what was on it',
    steps: [
      [50, 'node', lost],
      [50, 'pod', pod({ isReady: false })],
      [200, 'removed node', lost],
      [240, 'pod', pod({ isReady: false, disruption: 'DeletionByPodGC' })],
      [240, 'gone', pod({ isReady: false, disruption: 'DeletionByPodGC' })],
    ],
    names: ['node n2 lost'],
  },
  {
    what: 'a node that comes back after a reboot',
    steps: [
      [50, 'node', lost],
      [50, 'pod', pod({ isReady: false })],
      [80, 'node', found],
      [81, 'pod', pod({ state: ended('a', 255, 'Unknown'), isReady: false })],
      ...restarted(ended('a', 255, 'Unknown')),
    ],
    names: ['node n2 lost'],
  },
  {
    what: 'a kubelet that is not ready for a while, and a crash of a pod that has stayed ready',
    steps: [
      [1, 'node', node('False', 'KubeletNotReady')],
      [9, 'node', found],
      [60, 'pod', pod({ state: ended('a', 3), isReady: false })],
      ...restarted(ended('a', 3)),
    ],
    names: ['node n2 lost', 'crash with exit code 3'],
  },
];

describe('a replacement is named by', () => {
  for (const { what, steps, names, unrest = null } of CASES) {
    test(what, () => {
      const events: PodEvent[] = [];
      const observer = createPodObserver((event) => void events.push(event), 'web', 80);
      observer.onNode('seen', found, -60_000);
      for (const name of ['web-a', 'web-b']) observer.onPod('seen', pod({ name }), -60_000);
      for (const [seconds, kind, object] of steps) tell[kind](observer, object, seconds * 1_000);
      const replaced = toReplaced({ events, fromMs: 0, changes: [], revisionOf: () => null });
      assert.deepEqual(
        replaced.map(({ text }) => text),
        names,
      );
      const timelines = [...toPodTimelines(events).values()];
      const evidence = { timelines, wanted: null, hasAnswered: () => true, isNamed: true, nowMs: 400_000 };
      assert.equal(findUnrest(evidence), unrest);
    });
  }
});

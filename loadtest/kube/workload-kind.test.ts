import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import { findObstacles, isReplacedByRollout, WORKLOADS, type WorkloadKind } from './workload-kind.ts';

const meta = { metadata: { generation: 4 } };
const apps = { observedGeneration: 4, replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
const daemons = {
  observedGeneration: 4,
  desiredNumberScheduled: 3,
  currentNumberScheduled: 3,
  updatedNumberScheduled: 3,
  numberAvailable: 3,
};
const rollout = { observedGeneration: '4', phase: 'Healthy', replicas: 3, availableReplicas: 3 };
const stuck = (reason: string) => ({
  conditions: [{ type: 'Progressing', status: 'False', reason, message: 'has timed out progressing' }],
});
const partition = (number: number, start = 0) => ({
  ordinals: { start },
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: number } },
});
const onDelete = { updateStrategy: { type: 'OnDelete' } };
const UNOBSERVED = 'its controller has not seen the last change';

describe('toState()', () => {
  for (const [kind, spec, status, unrest, isStuck] of [
    ['Deployment', {}, apps, null, false],
    ['Deployment', { paused: true }, apps, 'it is paused', true],
    ['Deployment', {}, { ...apps, observedGeneration: 3 }, UNOBSERVED, false],
    ['Deployment', {}, { ...apps, updatedReplicas: 2 }, '2 updatedReplicas of 3 wanted', false],
    ['Deployment', {}, { ...apps, availableReplicas: 2 }, '2 availableReplicas of 3 wanted', false],
    ['Deployment', {}, { ...apps, replicas: 4 }, '4 replicas of 3 wanted', false],
    ['Deployment', {}, { ...apps, ...stuck('ProgressDeadlineExceeded') }, 'has timed out progressing', true],
    ['Deployment', {}, { ...apps, ...stuck('ReplicaSetCreateError') }, 'has timed out progressing', false],
    // A rollout that is stuck is that of an older template.
    [
      'Deployment',
      {},
      { ...apps, observedGeneration: 3, ...stuck('ProgressDeadlineExceeded') },
      UNOBSERVED,
      false,
    ],
    ['StatefulSet', {}, apps, null, false],
    ['StatefulSet', {}, { ...apps, observedGeneration: 3 }, UNOBSERVED, false],
    ['StatefulSet', {}, { ...apps, availableReplicas: 2 }, '2 availableReplicas of 3 wanted', false],
    ['StatefulSet', {}, { ...apps, replicas: 4 }, '4 replicas of 3 wanted', false],
    ['StatefulSet', {}, { ...apps, updatedReplicas: 2 }, '2 updatedReplicas of 3 wanted', false],
    ['StatefulSet', partition(1), { ...apps, updatedReplicas: 2 }, null, false],
    ['StatefulSet', partition(1), { ...apps, updatedReplicas: 1 }, '1 updatedReplicas of 2 wanted', false],
    ['StatefulSet', partition(6, 5), { ...apps, updatedReplicas: 2 }, null, false],
    ['StatefulSet', onDelete, { ...apps, updatedReplicas: 0 }, null, false],
    ['DaemonSet', {}, daemons, null, false],
    ['DaemonSet', {}, { ...daemons, observedGeneration: 3 }, UNOBSERVED, false],
    ['DaemonSet', {}, { ...daemons, numberAvailable: 2 }, '2 numberAvailable of 3 wanted', false],
    [
      'DaemonSet',
      {},
      { ...daemons, updatedNumberScheduled: 2 },
      '2 updatedNumberScheduled of 3 wanted',
      false,
    ],
    ['DaemonSet', onDelete, { ...daemons, updatedNumberScheduled: 2 }, null, false],
    ['Rollout', {}, rollout, null, false],
    ['Rollout', {}, { ...rollout, observedGeneration: '3' }, UNOBSERVED, false],
    ['Rollout', {}, { ...rollout, replicas: 6 }, '6 replicas of 3 wanted', false],
    [
      'Rollout',
      {},
      { ...rollout, phase: 'Paused', message: 'CanaryPauseStep' },
      'it is Paused (CanaryPauseStep)',
      false,
    ],
    ['Rollout', { paused: true }, { ...rollout, phase: 'Paused' }, 'it is paused', true],
    [
      'Rollout',
      {},
      { ...rollout, phase: 'Paused', message: 'InconclusiveAnalysisRun' },
      'it is Paused (InconclusiveAnalysisRun)',
      true,
    ],
    [
      'Rollout',
      {},
      { ...rollout, phase: 'Degraded', message: 'RolloutAborted' },
      'it is Degraded (RolloutAborted)',
      true,
    ],
  ] as const satisfies readonly (readonly [WorkloadKind, Json, Json, string | null, boolean])[]) {
    test(`a ${kind} with ${JSON.stringify(spec)}, ${JSON.stringify(status)}: ${unrest}`, () => {
      const workload = new Field({ ...meta, spec: { replicas: 3, ...spec }, status });
      assert.deepEqual(WORKLOADS[kind].toState(workload), { replicas: 3, unrest, isStuck });
    });
  }

  test('takes one replica where none is written, and none where nothing is there yet', () => {
    assert.deepEqual(WORKLOADS.Deployment.toState(new Field({ spec: {}, status: {} })), {
      replicas: 1,
      unrest: '0 updatedReplicas of 1 wanted, 0 availableReplicas of 1 wanted, 0 replicas of 1 wanted',
      isStuck: false,
    });
  });
});

describe('toRefusal()', () => {
  const canary = (...steps: readonly Json[]) => ({ strategy: { canary: { steps } } });
  const blueGreen = (settings: Json) => ({ strategy: { blueGreen: settings } });
  for (const [kind, spec, change, refusal] of [
    ['Deployment', {}, 'scale', null],
    ['StatefulSet', {}, 'rollout', null],
    ['StatefulSet', onDelete, 'rollout', /OnDelete/],
    ['StatefulSet', onDelete, 'template', /OnDelete/],
    ['StatefulSet', onDelete, 'kill', null],
    ['StatefulSet', partition(2), 'rollout', null],
    ['StatefulSet', partition(3), 'rollout', /partition 3 lets no pod be updated/],
    ['StatefulSet', partition(3, 1), 'rollout', null],
    ['StatefulSet', partition(3), 'drain', null],
    ['DaemonSet', {}, 'rollout', null],
    ['DaemonSet', {}, 'kill', null],
    ['DaemonSet', {}, 'scale', /one pod for each node/],
    ['DaemonSet', {}, 'drain', /ignore-daemonsets/],
    ['DaemonSet', onDelete, 'rollout', /OnDelete/],
    ['Rollout', canary({ setWeight: 50 }, { pause: { duration: '5s' } }), 'rollout', null],
    ['Rollout', canary({ setWeight: 50 }, { pause: {} }), 'rollout', /pauses at step 2/],
    ['Rollout', canary({ pause: {} }), 'template', /pauses at step 1/],
    ['Rollout', canary({ pause: {} }), 'scale', null],
    ['Rollout', blueGreen({}), 'rollout', null],
    ['Rollout', blueGreen({ autoPromotionEnabled: false }), 'rollout', /until somebody promotes it/],
    ['Rollout', blueGreen({ autoPromotionEnabled: false, autoPromotionSeconds: 5 }), 'rollout', null],
    ['Rollout', { workloadRef: { kind: 'Deployment', name: 'web' } }, 'kill', /that of Deployment web/],
  ] as const) {
    test(`${change} of a ${kind} with ${JSON.stringify(spec)}: ${refusal ?? 'none'}`, () => {
      const found = WORKLOADS[kind].toRefusal(change, new Field({ spec: { replicas: 3, ...spec } }));
      if (refusal === null) assert.equal(found, null);
      else assert.match(found ?? '', refusal);
    });
  }
});

describe('toSurge()', () => {
  const rolling = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const full = { type: 'RollingUpdate', ...rolling };
  const hostPort = { template: { spec: { containers: [{ ports: [{ hostPort: 80 }] }] } } };
  for (const [kind, spec, fields, advice] of [
    ['Deployment', {}, { strategy: full }, /maxSurge/],
    ['Deployment', { strategy: rolling }, null, /already: add replicas/],
    ['StatefulSet', {}, null, /ends each pod before .*: add replicas/],
    ['DaemonSet', {}, { updateStrategy: full }, /maxSurge/],
    ['DaemonSet', { updateStrategy: rolling }, null, /already: add replicas/],
    ['DaemonSet', hostPort, null, /hostPort: serve without one/],
    ['Rollout', {}, { strategy: { canary: rolling.rollingUpdate } }, /maxSurge/],
    ['Rollout', { strategy: { canary: { maxUnavailable: '0%' } } }, null, /already: add replicas/],
    ['Rollout', { strategy: { blueGreen: {} } }, null, /before it switches to them: add replicas/],
  ] as const) {
    test(`of a ${kind} with ${JSON.stringify(spec)}: ${advice.source}`, () => {
      const surge = WORKLOADS[kind].toSurge(new Field({ spec }));
      assert.deepEqual(surge.spec, fields);
      assert.match(surge.advice, advice);
    });
  }
});

describe('findObstacles()', () => {
  const toPod = (name: string, change: { version?: string; ready?: string; leaving?: string } = {}) =>
    new Field({
      metadata: {
        name,
        labels: { 'controller-revision-hash': change.version ?? 'old' },
        deletionTimestamp: change.leaving,
      },
      status: { conditions: [{ type: 'Ready', status: change.ready ?? 'False' }] },
    });
  const status = { observedGeneration: 4, updateRevision: 'new' };
  for (const [what, spec, pod, isObstacle] of [
    ['of an older template, not ready', {}, toPod('web-1'), true],
    ['of the newest', {}, toPod('web-1', { version: 'new' }), false],
    ['that serves', {}, toPod('web-1', { ready: 'True' }), false],
    ['that is leaving', {}, toPod('web-1', { leaving: 'now' }), false],
    ['below the partition', partition(2), toPod('web-1'), false],
    ['that is replaced by hand', onDelete, toPod('web-1'), false],
  ] as const) {
    test(`a pod ${what}: ${isObstacle}`, () => {
      const workload = new Field({ ...meta, spec, status });
      const name = { kind: 'StatefulSet', name: 'web' } as const;
      assert.deepEqual(findObstacles(name, workload, [pod]), isObstacle ? [pod] : []);
    });
  }

  test('none before the change was seen, and none of other kinds', () => {
    const workload = { ...meta, spec: {}, status };
    const unseen = new Field({ ...workload, metadata: { generation: 5 } });
    assert.deepEqual(findObstacles({ kind: 'StatefulSet', name: 'web' }, unseen, [toPod('web-1')]), []);
    const seen = new Field(workload);
    assert.deepEqual(findObstacles({ kind: 'Deployment', name: 'web' }, seen, [toPod('web-1')]), []);
  });
});

describe('isReplacedByRollout()', () => {
  for (const [kind, spec, pod, isReplaced] of [
    ['StatefulSet', {}, 'web-0', true],
    ['StatefulSet', partition(2), 'web-1', false],
    ['StatefulSet', partition(2), 'web-2', true],
    ['StatefulSet', partition(2), 'web-10', true],
    ['Deployment', partition(2), 'web-1', true],
  ] as const) {
    test(`${pod} of a ${kind} with ${JSON.stringify(spec)}: ${isReplaced}`, () =>
      assert.equal(isReplacedByRollout({ kind, name: 'web' }, new Field({ spec }), pod), isReplaced));
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Disruption } from '../proof/scene.ts';
import { at, type Json, textAt } from './json.ts';
import { canWatchNodes, findDenied, toPermissions } from './permission.ts';
import type { WorkloadKind } from './workload-kind.ts';

/** Allows what the function says, and keeps what was asked. */
function createReviewer(isAllowed: (verb: string, resource: string) => boolean) {
  const asked: unknown[] = [];
  const post = async (_: string, body: Json): Promise<Json> => {
    const attributes = at(body, 'spec', 'resourceAttributes');
    asked.push(attributes);
    const allowed = isAllowed(textAt(attributes, 'verb') ?? '', textAt(attributes, 'resource') ?? '');
    return { status: { allowed } };
  };
  return { post, asked };
}

const READS = [
  'get deployments.apps',
  'list deployments.apps',
  'watch deployments.apps',
  'list replicasets.apps',
  'watch replicasets.apps',
  'list pods',
  'watch pods',
  'list events',
  'watch events',
  'list endpointslices.discovery.k8s.io',
  'watch endpointslices.discovery.k8s.io',
  'list services',
  'list horizontalpodautoscalers.autoscaling',
];

describe('toPermissions()', () => {
  for (const [disruption, hasControl, hasHpa, writes] of [
    ['rollout', false, false, ['patch deployments.apps']],
    ['rollout', true, true, ['patch deployments.apps']],
    ['scale', false, false, ['patch deployments/scale.apps']],
    ['scale', false, true, ['patch horizontalpodautoscalers.autoscaling']],
    ['scale', true, false, ['patch deployments/scale.apps', 'patch deployments.apps']],
    ['drain', false, true, ['get nodes', 'patch nodes', 'create pods/eviction']],
    ['kill', false, false, ['delete pods']],
    ['rollout and kill and rollout', true, false, ['patch deployments.apps', 'delete pods']],
    ['run', false, false, []],
    ['run', true, false, ['patch deployments.apps']],
  ] as const) {
    test(`${disruption}, ${hasControl ? 'a' : 'no'} control, ${hasHpa ? 'an' : 'no'} HPA: ${writes.join(', ') || 'nothing'} besides reading`, async () => {
      const needed = toPermissions({
        kind: 'Deployment',
        disruptions: disruption.split(' and ') as Disruption[],
        hasControl,
        isRestored: hasControl,
        hasHpa,
      });
      const denied = await findDenied(
        createReviewer(() => false),
        'shop',
        needed,
      );
      const watched = hasHpa ? ['watch horizontalpodautoscalers.autoscaling'] : [];
      assert.deepEqual(denied, [...READS, ...watched, ...writes]);
    });
  }
});

describe('toPermissions() of each kind', () => {
  const told = async (kind: WorkloadKind) => {
    const disruptions = ['rollout', 'scale'] as const;
    const needed = toPermissions({ kind, disruptions, hasControl: false, isRestored: false, hasHpa: false });
    return findDenied(
      createReviewer(() => false),
      'shop',
      needed,
    );
  };
  for (const [kind, resource, group, hasReplicaSets] of [
    ['Deployment', 'deployments', 'apps', true],
    ['StatefulSet', 'statefulsets', 'apps', false],
    ['DaemonSet', 'daemonsets', 'apps', false],
    ['Rollout', 'rollouts', 'argoproj.io', true],
  ] as const) {
    test(`${kind}: its own resource, and ReplicaSets where it has any`, async () => {
      const needed = await told(kind);
      const own = needed.filter((each) => each.includes(resource));
      assert.deepEqual(own, [
        ...['get', 'list', 'watch'].map((verb) => `${verb} ${resource}.${group}`),
        ...[`patch ${resource}.${group}`, `patch ${resource}/scale.${group}`],
      ]);
      assert.equal(needed.includes('watch replicasets.apps'), hasReplicaSets);
      assert.equal(needed.length, own.length + 8 + (hasReplicaSets ? 2 : 0));
    });
  }
});

test('toPermissions() lets what holds a StatefulSet back be deleted, where its template is given back', () => {
  for (const [kind, isRestored, disruptions, deletions] of [
    ['StatefulSet', true, ['rollout'], 1],
    ['StatefulSet', true, ['rollout', 'kill'], 1],
    ['StatefulSet', false, ['rollout'], 0],
    ['Deployment', true, ['rollout'], 0],
  ] as const) {
    const needed = toPermissions({ kind, disruptions, hasControl: false, isRestored, hasHpa: false });
    assert.equal(needed.filter(({ verb }) => verb === 'delete').length, deletions);
  }
});

describe('findDenied()', () => {
  test('asks for the namespace, but of nodes for the cluster', async () => {
    const reviewer = createReviewer((verb) => verb !== 'patch');
    const needed = toPermissions({
      kind: 'Deployment',
      disruptions: ['drain'],
      hasControl: false,
      isRestored: false,
      hasHpa: false,
    });
    assert.deepEqual(await findDenied(reviewer, 'shop', needed), ['patch nodes']);
    assert.deepEqual(reviewer.asked.slice(-2), [
      { verb: 'patch', group: '', resource: 'nodes' },
      { verb: 'create', group: '', resource: 'pods', subresource: 'eviction', namespace: 'shop' },
    ]);
  });
});

describe('canWatchNodes()', () => {
  for (const [allowed, can] of [
    [['list', 'watch'], true],
    [['list'], false],
    [['watch'], false],
    [[], false],
  ] as const) {
    test(`${allowed.join(' and ') || 'nothing'} allowed: ${can}`, async () => {
      const reviewer = createReviewer((verb) => allowed.some((each) => each === verb));
      assert.equal(await canWatchNodes(reviewer), can);
    });
  }
});

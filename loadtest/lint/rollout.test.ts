import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseManifests } from '../kube/object.ts';
import { toRollingUpdate } from '../kube/rollout.ts';
import { patchExemplar } from './exemplar.ts';
import { runRules } from './rule.ts';
import { LINT_RULES } from './rules.ts';
import { createInventory } from './workload.ts';

describe('toRollingUpdate()', () => {
  const table: readonly (readonly [
    string,
    number,
    { maxUnavailable: number; maxSurge: number } | undefined,
  ])[] = [
    ['null', 1, { maxUnavailable: 0, maxSurge: 1 }],
    ['null', 3, { maxUnavailable: 0, maxSurge: 1 }],
    ['null', 4, { maxUnavailable: 1, maxSurge: 1 }],
    ['null', 5, { maxUnavailable: 1, maxSurge: 2 }],
    ['{ rollingUpdate: { maxUnavailable: 0, maxSurge: 3 } }', 4, { maxUnavailable: 0, maxSurge: 3 }],
    ['{ rollingUpdate: { maxUnavailable: 25%, maxSurge: 0 } }', 3, { maxUnavailable: 1, maxSurge: 0 }],
    ['{ rollingUpdate: { maxUnavailable: 25%, maxSurge: 0 } }', 8, { maxUnavailable: 2, maxSurge: 0 }],
    ['{ rollingUpdate: { maxUnavailable: 100%, maxSurge: 100% } }', 2, { maxUnavailable: 2, maxSurge: 2 }],
    ['{ type: Recreate, rollingUpdate: null }', 2, undefined],
  ];
  for (const [strategy, replicas, expected] of table) {
    test(`reads ${strategy} with ${replicas} pods`, () => {
      const patch = `{ kind: Deployment, spec: { strategy: ${strategy} } }`;
      const [workload] = createInventory(parseManifests(patchExemplar(patch), 'test')).workloads;
      assert.ok(workload !== undefined);
      assert.deepEqual(toRollingUpdate(workload.object, replicas), expected);
    });
  }
});

describe('surge-needs-free-node', () => {
  const term = (more: string) =>
    `{ kind: Deployment, spec: { template: { spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ${more} }] } } } } } }`;
  const own = 'labelSelector: { matchExpressions: [{ key: app, operator: In, values: [web] }] }';
  const table: readonly (readonly [string, string | undefined])[] = [
    [`topologyKey: kubernetes.io/hostname, ${own}`, 'one pod per node, and a rollout starts 1 beside 4'],
    [`topologyKey: topology.kubernetes.io/zone, ${own}`, 'one pod per zone, and a rollout starts 1 beside 4'],
    [`topologyKey: example.com/rack, ${own}`, undefined],
    [`topologyKey: kubernetes.io/hostname, matchLabelKeys: [pod-template-hash], ${own}`, undefined],
    [
      'topologyKey: kubernetes.io/hostname, labelSelector: { matchExpressions: [{ key: app, operator: In, values: [noisy] }] }',
      undefined,
    ],
  ];
  for (const [text, expected] of table) {
    test(`${expected === undefined ? 'allows' : 'finds'} ${text}`, () => {
      const found = runRules(LINT_RULES, createInventory(parseManifests(patchExemplar(term(text)), 'test')));
      assert.deepEqual(
        found.map(({ rule, message }) => `${rule.id}: ${message}`),
        expected === undefined ? [] : [`surge-needs-free-node: required anti-affinity allows ${expected}`],
      );
    });
  }
});

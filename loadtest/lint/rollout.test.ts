import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { patchExemplar } from './exemplar.ts';
import { parseManifests } from './manifest.ts';
import { toRollingUpdate } from './rollout.ts';
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
      assert.deepEqual(toRollingUpdate(workload, replicas), expected);
    });
  }
});

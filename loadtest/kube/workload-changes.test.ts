import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from './json.ts';
import { toWorkloadChanges } from './workload-changes.ts';

interface Written {
  readonly manager: string;
  readonly fields: object;
  readonly time?: string;
  readonly subresource?: string;
}

const workload = (spec: object, written: readonly Written[] = []): Json => ({
  metadata: {
    name: 'web',
    managedFields: written.map(({ manager, fields, time = '2026-01-01T00:00:00Z', subresource }) => ({
      manager,
      time,
      ...(subresource === undefined ? {} : { subresource }),
      fieldsV1: { 'f:spec': fields },
    })),
  },
  spec,
});
const replicas = (count: number, ...written: readonly Written[]) => workload({ replicas: count }, written);
const template = (containers: Readonly<Record<string, string>>, annotations = {}) => ({
  template: {
    metadata: { annotations },
    spec: { containers: Object.entries(containers).map(([name, image]) => ({ name, image })) },
  },
});

const REPLICAS = { 'f:replicas': {} };
const TEMPLATE = { 'f:template': {} };
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';
const CONTROLLER = { manager: 'kube-controller-manager', fields: REPLICAS, subresource: 'scale' };

describe('toWorkloadChanges()', () => {
  for (const [what, before, after, hpa, changes] of [
    ['nothing', replicas(2), replicas(2), null, []],
    ['a scale that nobody is known to have asked for', replicas(2), replicas(3), null, ['2 to 3 by null']],
    [
      'a scale by hand',
      replicas(2),
      replicas(3, { manager: 'kubectl', fields: REPLICAS, subresource: 'scale' }),
      'web',
      ['2 to 3 by kubectl'],
    ],
    ['a scale by the HPA', replicas(2), replicas(5, CONTROLLER), 'web', ['2 to 5 by HPA web']],
    [
      'the controller manager, where no HPA scales it',
      replicas(2),
      replicas(5, CONTROLLER),
      null,
      ['2 to 5 by kube-controller-manager'],
    ],
    [
      'the last of several writers',
      replicas(2),
      replicas(
        3,
        { manager: 'late', fields: REPLICAS, time: '2026-01-01T00:00:02Z' },
        { manager: 'early', fields: REPLICAS, time: '2026-01-01T00:00:01Z' },
        { manager: 'other', fields: TEMPLATE, time: '2026-01-01T00:00:03Z' },
      ),
      null,
      ['2 to 3 by late'],
    ],
    ['a DaemonSet, which has no replicas', workload({}), workload({}), null, []],
    [
      'an image',
      workload(template({ web: 'web:1', proxy: 'p:1' })),
      workload(template({ proxy: 'p:1', web: 'web:2' }), [{ manager: 'kubectl-set', fields: TEMPLATE }]),
      null,
      ['image web:1 to web:2 by kubectl-set'],
    ],
    [
      'two images',
      workload(template({ a: 'a:1', b: 'b:1' })),
      workload(template({ a: 'a:2', b: 'b:2' })),
      null,
      ['image a:1 to a:2, image b:1 to b:2 by null'],
    ],
    [
      'a restart',
      workload(template({ web: 'web:1' })),
      workload(template({ web: 'web:1' }, { [RESTARTED]: 'now' })),
      null,
      ['restart by null'],
    ],
    [
      'something else of the template',
      workload(template({ web: 'web:1' })),
      workload(template({ web: 'web:1' }, { team: 'shop' })),
      null,
      ['pod template by null'],
    ],
  ] as const) {
    test(what, () => {
      const found = toWorkloadChanges(before, after, hpa, 7);
      assert.deepEqual(
        found.map((change) =>
          change.kind === 'replicas'
            ? `${change.from} to ${change.to} by ${change.by}`
            : `${change.what} by ${change.by}`,
        ),
        changes,
      );
      assert.ok(found.every(({ atMs }) => atMs === 7));
    });
  }
});

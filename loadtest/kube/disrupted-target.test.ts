import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseOwner, findTarget, toOwners, toTargetName } from './disrupted-target.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';

const owned = (name: string, kind: string, owner: string, status: Json = {}) => ({
  metadata: { name, ownerReferences: [{ kind, name: owner, controller: true }] },
  status,
});
const REPLICA_SETS = [
  owned('web-1', 'Deployment', 'web'),
  owned('web-2', 'Deployment', 'web'),
  owned('canary-1', 'Rollout', 'canary'),
  { metadata: { name: 'loose' } },
];

describe('toOwners()', () => {
  for (const [what, pods, owners] of [
    ['nothing', [], []],
    [
      'one Deployment, by two ReplicaSets',
      [
        ['a', 'ReplicaSet', 'web-1'],
        ['b', 'ReplicaSet', 'web-2'],
      ],
      ['Deployment web'],
    ],
    ['a Rollout', [['a', 'ReplicaSet', 'canary-1']], ['Rollout canary']],
    ['a ReplicaSet by itself', [['a', 'ReplicaSet', 'loose']], ['ReplicaSet loose']],
    ['one that is gone', [['a', 'ReplicaSet', 'gone']], ['ReplicaSet gone']],
    [
      'a StatefulSet',
      [
        ['db-0', 'StatefulSet', 'db'],
        ['db-1', 'StatefulSet', 'db'],
      ],
      ['StatefulSet db'],
    ],
    [
      'two',
      [
        ['a', 'DaemonSet', 'agent'],
        ['b', 'ReplicaSet', 'web-1'],
      ],
      ['DaemonSet agent', 'Deployment web'],
    ],
  ] as const) {
    test(`of ${what}`, () => {
      const found = toOwners(
        pods.map(([name, kind, owner]) => new Field(owned(name, kind, owner))),
        REPLICA_SETS.map((each) => new Field(each)),
      );
      assert.deepEqual(
        found.map(({ kind, name }) => `${kind} ${name}`),
        owners,
      );
    });
  }

  test('of a bare pod, and not of one that has ended or is leaving', () => {
    const pods = [
      { metadata: { name: 'bare' } },
      { metadata: { name: 'leaving', deletionTimestamp: 'now' } },
      owned('done', 'Job', 'load', { phase: 'Succeeded' }),
    ];
    assert.deepEqual(
      toOwners(
        pods.map((pod) => new Field(pod)),
        [],
      ),
      [{ kind: 'Pod', name: 'bare' }],
    );
  });
});

describe('chooseOwner()', () => {
  const web = { kind: 'Deployment', name: 'web' };
  const advise = (first: { readonly name: string } | null) => `take ${first?.name ?? 'none'}`;
  test('takes the one', () => assert.deepEqual(chooseOwner([web], 'svc', advise), web));
  for (const [owners, message] of [
    [
      [web, { kind: 'StatefulSet', name: 'db' }],
      'the pods of Service svc are of Deployment web and StatefulSet db: take web',
    ],
    [
      [
        { kind: 'Pod', name: 'bare' },
        { kind: 'Rollout', name: 'web' },
      ],
      'the pods of Service svc are of Pod bare and Rollout web: take web',
    ],
    [
      [
        { kind: 'Pod', name: 'bare' },
        { kind: 'Job', name: 'load' },
      ],
      'the pods of Service svc are of Pod bare and Job load: take none',
    ],
    [
      [{ kind: 'Job', name: 'load' }],
      'the pods of Service svc are of Job load, and not of one of these: Deployment, StatefulSet, DaemonSet, Rollout',
    ],
  ] as const) {
    test(message, () => assert.throws(() => chooseOwner(owners, 'svc', advise), { name: 'Fault', message }));
  }
});

describe('findTarget()', () => {
  const service = (name: string, spec: Json) => ({ metadata: { name }, spec });
  const api = {
    get: async (path: string): Promise<Json> => {
      if (path.endsWith('/services')) {
        return {
          items: [
            service('web', { selector: { app: 'web' } }),
            service('none', {}),
            ...['empty', 'both'].map((app) => service(app, { selector: { app } })),
          ],
        };
      }
      if (path.includes('/pods?labelSelector=app%3Dempty')) return { items: [] };
      if (path.includes('/pods?labelSelector=app%3Dboth')) {
        return { items: [owned('db-0', 'StatefulSet', 'db'), owned('web-1-a', 'ReplicaSet', 'web-1')] };
      }
      if (path.includes('/pods?')) return { items: [owned('web-1-a', 'ReplicaSet', 'web-1')] };
      return { items: REPLICA_SETS };
    },
  };
  for (const [type, name, target] of [
    ['StatefulSet', 'db', { workload: { kind: 'StatefulSet', name: 'db' }, service: null }],
    ['Service', 'web', { workload: { kind: 'Deployment', name: 'web' }, service: 'web' }],
  ] as const) {
    test(`${type} ${name}`, async () =>
      assert.deepEqual(await findTarget(api, 'shop', { type, name }), target));
  }
  for (const [type, name, message] of [
    ['Service', 'gone', 'there is no Service gone in namespace shop'],
    ['Service', 'empty', 'Service empty leads to no pods: none has the labels app=empty'],
    [
      'Service',
      'both',
      'the pods of Service both are of StatefulSet db and Deployment web: name one of them, for example sts/db',
    ],
    [
      'Service',
      'none',
      'Service none has no selector, and so no pods: name a workload, for example deploy/web',
    ],
  ] as const) {
    test(message, () => assert.rejects(findTarget(api, 'shop', { type, name }), { name: 'Fault', message }));
  }
});

test('toTargetName() takes all but a pod', () => {
  assert.deepEqual(toTargetName({ type: 'Service', name: 'web' }), { type: 'Service', name: 'web' });
  assert.throws(() => toTargetName({ type: 'Pod', name: 'web-1' }), {
    name: 'Fault',
    message:
      'Pod web-1 cannot be disrupted by itself: name its workload, for example deploy/web, or its Service, for example svc/web',
  });
});

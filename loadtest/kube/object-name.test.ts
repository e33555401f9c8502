import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseObjectName, requireType } from './object-name.ts';

describe('parseObjectName()', () => {
  for (const [text, expected] of [
    ['deploy/web', 'Deployment web'],
    ['deployment/web', 'Deployment web'],
    ['deployments/web', 'Deployment web'],
    ['Deployment/web', 'Deployment web'],
    ['deployment.apps/web', 'Deployment web'],
    ['deployments.v1.apps/web.v2', 'Deployment web.v2'],
    ['sts/db', 'StatefulSet db'],
    ['ds/agent', 'DaemonSet agent'],
    ['rollout/web', 'Rollout web'],
    ['rollouts.v1alpha1.argoproj.io/web', 'Rollout web'],
    ['svc/web', 'Service web'],
    ['po/web-1', 'Pod web-1'],
    ['deployment.batch/web', null],
    ['cronjob/web', null],
    ['deploy', null],
    ['deploy/', null],
    ['/web', null],
    ['./deploy/web', null],
    ['deploy/web/base', null],
    ['deploy/Web', null],
    ['deploy/-web', null],
    ['', null],
  ] as const) {
    test(`${JSON.stringify(text)} is ${expected}`, () => {
      const found = parseObjectName(text);
      assert.equal(found === null ? null : `${found.type} ${found.name}`, expected);
    });
  }
});

test('requireType() gives the object, or says what can be named', () => {
  const pod = { type: 'Pod', name: 'web-1' } as const;
  assert.deepEqual(requireType(pod, ['Pod'], 'deleted'), pod);
  for (const [wanted, message] of [
    [['Deployment'], 'Pod web-1 cannot be linted: Deployments can, for example deploy/web'],
    [
      ['StatefulSet', 'DaemonSet', 'Service'],
      'Pod web-1 cannot be linted: StatefulSets, DaemonSets and Services can, for example sts/web',
    ],
  ] as const) {
    assert.throws(() => requireType(pod, [...wanted], 'linted'), { name: 'Fault', message });
  }
});

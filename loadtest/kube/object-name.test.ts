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

test('requireType() gives the name, or says what can be named', () => {
  assert.equal(requireType({ type: 'Pod', name: 'web-1' }, 'Pod', 'deleted'), 'web-1');
  assert.throws(() => requireType({ type: 'StatefulSet', name: 'db' }, 'Deployment', 'disrupted'), {
    name: 'Fault',
    message: 'StatefulSet db cannot be disrupted yet: Deployments can, for example deploy/web',
  });
});

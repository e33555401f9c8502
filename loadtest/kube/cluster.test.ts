import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCluster } from './cluster.ts';

const NONE = { context: undefined, kubeconfig: undefined, namespace: undefined };

test('that no cluster is configured is told without kubectl', async () => {
  await assert.rejects(openCluster(NONE, { PATH: '/nowhere' }), {
    message: 'no cluster is configured: give --kubeconfig FILE, or set KUBECONFIG',
  });
});

for (const [by, choice, env] of [
  ['KUBECONFIG', NONE, { KUBECONFIG: '/some/file' }],
  ['--kubeconfig', { ...NONE, kubeconfig: '/some/file' }, {}],
  ['--context', { ...NONE, context: 'some' }, {}],
] as const) {
  test(`a cluster that ${by} names is read by kubectl, which may be missing`, async () => {
    await assert.rejects(openCluster(choice, { ...env, PATH: '/nowhere' }), {
      message:
        'kubectl is not on the PATH, and reads the kubeconfig: see https://kubernetes.io/docs/tasks/tools/',
    });
  });
}

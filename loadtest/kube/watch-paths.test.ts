import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toWatchPaths } from './watch-paths.ts';

const bare = {
  namespace: 'n',
  workload: { kind: 'Deployment', name: 'web' },
  selector: 'app%3Dweb',
  podSelector: 'tier%3Dfront',
  service: null,
  hpa: null,
} as const;

describe('toWatchPaths()', () => {
  for (const [resource, path] of [
    ['pods', '/api/v1/namespaces/n/pods?labelSelector=tier%3Dfront'],
    [
      'endpointslices',
      '/apis/discovery.k8s.io/v1/namespaces/n/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dsvc',
    ],
    ['workload', '/apis/apps/v1/namespaces/n/deployments?fieldSelector=metadata.name%3Dweb'],
    ['replicasets', '/apis/apps/v1/namespaces/n/replicasets?labelSelector=app%3Dweb'],
    [
      'horizontalpodautoscalers',
      '/apis/autoscaling/v2/namespaces/n/horizontalpodautoscalers?fieldSelector=metadata.name%3Dweb-hpa',
    ],
    ['events', '/api/v1/namespaces/n/events?fieldSelector=type%3DWarning'],
    ['kills', '/api/v1/namespaces/n/events?fieldSelector=reason%3DKilling'],
    ['nodes', '/api/v1/nodes'],
  ] as const) {
    test(resource, () =>
      assert.equal(toWatchPaths({ ...bare, service: 'svc', hpa: 'web-hpa' }, true)[resource], path),
    );
  }

  test('leaves out what is not there, and what may not be seen', () => {
    const paths = Object.entries(toWatchPaths(bare, false));
    const absent = paths.flatMap(([resource, path]) => (path === null ? resource : []));
    assert.deepEqual(absent, ['endpointslices', 'horizontalpodautoscalers', 'nodes']);
  });
});

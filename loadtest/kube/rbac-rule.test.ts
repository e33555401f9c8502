import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toRbacRules } from './rbac-rule.ts';

test('toRbacRules() has one rule for each resource, subresource and object, and each verb once', () => {
  const pods = { group: '', resource: 'pods' };
  assert.deepEqual(
    toRbacRules([
      { ...pods, verb: 'list' },
      { ...pods, verb: 'watch' },
      { ...pods, verb: 'list' },
      { ...pods, subresource: 'eviction', verb: 'create' },
      { ...pods, verb: 'get', name: 'one' },
      { group: 'apps', resource: 'deployments', verb: 'patch' },
    ]),
    [
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
      { apiGroups: [''], resources: ['pods'], resourceNames: ['one'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] },
    ],
  );
});

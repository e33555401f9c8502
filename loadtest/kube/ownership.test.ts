import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOwnership } from './ownership.ts';

const owned = (by: string, uid = 'any') => ({ metadata: { uid, ownerReferences: [{ uid: by }] } });

test('tells the pods of a workload from those of others, in whatever order all is seen', () => {
  const { seePod, seeReplicaSet, isOwn } = createOwnership('web');
  seePod('early', owned('rs-1'));
  seeReplicaSet(owned('web', 'rs-1'));
  seeReplicaSet(owned('other', 'rs-2'));
  for (const [id, by] of [
    ['late', 'rs-1'],
    ['foreign', 'rs-2'],
    ['direct', 'web'],
    ['direct-foreign', 'other'],
  ] as const) {
    seePod(id, owned(by));
  }
  seePod('bare', { metadata: {} });
  const ids = ['early', 'late', 'foreign', 'direct', 'direct-foreign', 'bare', 'unseen'];
  assert.deepEqual(ids.filter(isOwn), ['early', 'late', 'direct']);
});

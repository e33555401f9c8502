import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from './field.ts';
import { findUnrestOfPods, findUnstartable, toOwnPods } from './own-pods.ts';

const owned = (uid: string, by: string, more: object = {}) =>
  new Field({ metadata: { uid, ownerReferences: [{ uid: by }] }, ...more });
const leaving = new Field({ metadata: { deletionTimestamp: 'now' } });
const staying = new Field({});

describe('toOwnPods()', () => {
  const replicaSets = [owned('rs-old', 'd-1'), owned('rs-new', 'd-1'), owned('rs-other', 'd-2')];
  for (const [what, pod, isOwn] of [
    ['of its ReplicaSet', owned('a', 'rs-new'), true],
    ['of an old one', owned('a', 'rs-old', { status: { phase: 'Running' } }), true],
    ['of that of another', owned('a', 'rs-other'), false],
    ['of the workload itself, as a StatefulSet has them', owned('a', 'd-1'), true],
    ['without an owner', new Field({}), false],
    ['that has ended well', owned('a', 'rs-new', { status: { phase: 'Succeeded' } }), false],
    ['that has ended ill', owned('a', 'rs-new', { status: { phase: 'Failed' } }), false],
  ] as const) {
    test(`a pod ${what}: ${isOwn}`, () =>
      assert.deepEqual(toOwnPods('d-1', replicaSets, [pod]), isOwn ? [pod] : []));
  }
});

describe('findUnrestOfPods()', () => {
  for (const [pods, wanted, unrest] of [
    [[staying, staying], 2, null],
    [[staying], 2, '1 pods of 2 wanted'],
    [[staying, staying, leaving], 2, '1 pods are terminating'],
    [[staying, leaving], 2, '1 pods are terminating'],
  ] as const) {
    test(`${pods.length} pods of ${wanted}: ${unrest}`, () =>
      assert.equal(findUnrestOfPods(pods, wanted), unrest));
  }
});

describe('findUnstartable()', () => {
  const waiting = (reason: string, list = 'containerStatuses', more: object = {}) =>
    new Field({
      metadata: { name: 'web-2', ...more },
      status: {
        [list]: [{ state: { running: {} } }, { state: { waiting: { reason, message: 'so it is' } } }],
      },
    });
  for (const [what, pods, why] of [
    ['an image that cannot be pulled', [staying, waiting('ImagePullBackOff')], 'ImagePullBackOff'],
    ['an init container', [waiting('InvalidImageName', 'initContainerStatuses')], 'InvalidImageName'],
    ['a first failure', [waiting('ErrImagePull')], null],
    ['a crash, which may be the last', [waiting('CrashLoopBackOff')], null],
    ['a pod that is leaving', [waiting('ImagePullBackOff', undefined, { deletionTimestamp: 'now' })], null],
  ] as const) {
    test(`${what}: ${why}`, () =>
      assert.equal(findUnstartable(pods), why && `web-2 cannot start, ${why}: so it is`));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIncarnations, toPodName } from './incarnation.ts';

test('a name is dropped with its last pod, and not with an earlier one', () => {
  const { idOf, keepOnly } = createIncarnations();
  for (const [name, uid] of [
    ['web-0', 'u1'],
    ['web-0', 'u2'],
    ['web-1', 'u3'],
    ['web-1', 'u4'],
  ] as const) {
    idOf(name, uid);
  }
  keepOnly(new Set(['web-0 (2)']));
  assert.deepEqual(
    [idOf('web-0', 'u2'), idOf('web-0', 'u5'), idOf('web-1', 'u5')],
    ['web-0 (2)', 'web-0 (3)', 'web-1'],
  );
});

test('a pod that comes back under its name is another one', () => {
  const { idOf } = createIncarnations();
  const told = [
    ['web-0', 'u1'],
    ['web-1', 'u2'],
    ['web-0', 'u3'],
    ['web-0', 'u1'],
    ['web-0', undefined],
    ['web-0', 'u4'],
    ['web-2', undefined],
  ] as const;
  const ids = told.map(([name, uid]) => idOf(name, uid));
  assert.deepEqual(ids, ['web-0', 'web-1', 'web-0 (2)', 'web-0', 'web-0 (2)', 'web-0 (3)', 'web-2']);
  assert.deepEqual(
    ids.map(toPodName),
    told.map(([name]) => name),
  );
});

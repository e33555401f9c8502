import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIncarnations, toPodName } from './incarnation.ts';

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

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from './json.ts';
import { createKnownObjects } from './known-objects.ts';

/** `a@5` is the object `a` in its version 5. */
const toObjects = (text: string): Json[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [name, resourceVersion] = word.split('@');
      return { metadata: { name, uid: name, resourceVersion } };
    });

function know(text: string) {
  const changes: string[] = [];
  const known = createKnownObjects((change, { metadata }) => {
    const { name, resourceVersion } = metadata as Record<string, string>;
    changes.push(`${change} ${name}@${resourceVersion}`);
  });
  known.replace(toObjects(text));
  changes.length = 0;
  return { known, changes };
}

describe('isBehind()', () => {
  for (const [known, listed, version, isBehind] of [
    ['', '', '9', false],
    ['a@5', 'a@5', '9', false],
    ['a@6', 'a@5', '9', false],
    ['a@9', 'a@10', '10', true],
    ['', 'a@5', '9', true],
    ['a@9', '', '9', true],
    ['a@10', '', '9', false],
  ] as const) {
    test(`with ${known || 'nothing'}, of a list of ${listed || 'nothing'} at ${version}: ${isBehind}`, () =>
      assert.equal(know(known).known.isBehind({ items: toObjects(listed), version }), isBehind));
  }
});

describe('createKnownObjects()', () => {
  test('tells a list by what has changed, the gone ones first', () => {
    const { known, changes } = know('a@1 b@2 c@3');
    known.replace(toObjects('b@2 c@4 d@5'));
    assert.deepEqual(changes, ['deleted a@1', 'seen c@4', 'seen d@5']);
  });

  test('tells no version twice, and no end of what is not known', () => {
    const { known, changes } = know('a@1');
    for (const object of toObjects('a@1 a@2 a@2')) known.see(object);
    for (const object of toObjects('b@3 a@3 a@3')) known.forget(object);
    assert.deepEqual(changes, ['seen a@2', 'deleted a@3']);
  });
});

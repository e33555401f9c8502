import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Field } from './field.ts';
import { matchesSelector, toSelectorQuery } from './selector.ts';

test('toSelectorQuery() writes labels and expressions as a query takes them', () => {
  const selector = {
    matchLabels: { app: 'web', tier: 'front' },
    matchExpressions: [
      { key: 'track', operator: 'In', values: ['stable', 'canary'] },
      { key: 'zone', operator: 'NotIn', values: ['a'] },
      { key: 'x', operator: 'Exists' },
      { key: 'y', operator: 'DoesNotExist' },
    ],
  };
  assert.equal(
    toSelectorQuery(new Field(selector)),
    'app=web,tier=front,track in (stable,canary),zone notin (a),x,!y',
  );
});

for (const [what, selector, expected] of [
  ['none', undefined, false],
  ['an empty one', {}, true],
  ['a label', { matchLabels: { app: 'web' } }, true],
  ['another value', { matchLabels: { app: 'shop' } }, false],
  ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'shop'] }] }, true],
  ['In, of an absent label', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }, false],
  ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
  [
    'NotIn, of an absent label',
    { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] },
    true,
  ],
  ['Exists', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
  ['DoesNotExist', { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
  ['an operator that nobody knows', { matchExpressions: [{ key: 'app', operator: 'Gt' }] }, false],
] as const) {
  test(`matchesSelector() of ${what}: ${expected}`, () =>
    assert.equal(matchesSelector(new Field(selector), new Map([['app', 'web']])), expected));
}

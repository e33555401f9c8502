import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseQuantity, toPods } from './quantity.ts';

describe('parseQuantity()', () => {
  const table: readonly (readonly [string | number | undefined, number | undefined])[] = [
    ['0', 0],
    ['500m', 0.5],
    ['1', 1],
    [2, 2],
    ['0.5', 0.5],
    ['.5', 0.5],
    ['1k', 1_000],
    ['1Ki', 1_024],
    ['256Mi', 268_435_456],
    ['1e3', 1_000],
    ['1E', 1e18],
    ['', undefined],
    ['1x', undefined],
    ['Mi', undefined],
    ['1 Gi', undefined],
    [undefined, undefined],
  ];
  for (const [text, amount] of table) {
    test(`reads ${JSON.stringify(text)} as ${amount}`, () => assert.equal(parseQuantity(text), amount));
  }
});

describe('toPods()', () => {
  const table: readonly (readonly [
    string | number | undefined,
    number,
    'up' | 'down',
    number | undefined,
  ])[] = [
    [0, 10, 'up', 0],
    [3, 1, 'down', 3],
    ['25%', 3, 'down', 0],
    ['25%', 3, 'up', 1],
    ['25%', 4, 'down', 1],
    ['25%', 4, 'up', 1],
    ['25%', 5, 'down', 1],
    ['25%', 5, 'up', 2],
    ['0%', 9, 'up', 0],
    ['100%', 3, 'up', 3],
    ['7%', 100, 'up', 7],
    ['many', 3, 'up', undefined],
    [undefined, 3, 'up', undefined],
  ];
  for (const [value, replicas, round, pods] of table) {
    test(`takes ${value} of ${replicas}, rounded ${round}, as ${pods}`, () =>
      assert.equal(toPods(value, replicas, round), pods));
  }
});

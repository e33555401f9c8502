import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTemplate, findColumns } from './template.ts';

const plain = (value: string) => value;

describe('createTemplate()', () => {
  for (const [text, row, filled] of [
    ['/items/{{id}}', ['7', 'x'], '/items/7'],
    ['{{id}}{{n}}-{{id}}', ['7', 'x'], '7x-7'],
    ['{{id}}', ['{{n}}', 'x'], '{{n}}'],
    ['{ {{n}} }', ['7', '$&'], '{ $& }'],
  ] as const) {
    test(text, () => assert.equal(createTemplate(text, ['id', 'n'], plain)?.(row), filled));
  }

  for (const text of ['', '/x', '{id}', '{{}}', '{{ id }}', '{{id}']) {
    test(`${JSON.stringify(text)} names none`, () => assert.equal(createTemplate(text, ['id'], plain), null));
  }

  test('escapes values alone', () => {
    assert.equal(createTemplate('/a b/{{id}}', ['id'], encodeURIComponent)?.(['c d/?']), '/a b/c%20d%2F%3F');
  });

  test('refuses a column that there is not', () => {
    assert.throws(() => createTemplate('{{no}}', ['id'], plain), RangeError);
  });
});

test('findColumns() names each once', () => {
  assert.deepEqual(findColumns('{{b}}{{a}}{{b}}{c}'), ['b', 'a']);
});

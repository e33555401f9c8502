import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTest, type Module, readModules } from './modules.ts';

/** Names that still have two meanings. Take one out once it has one; never put one in. */
const STILL_DOUBLE: readonly string[] = ['Stage'];

test('no exported name of the instrument has two meanings', () => {
  const doubles = findDoubles(readModules('loadtest'));
  assert.deepEqual(
    doubles.filter(({ name }) => !STILL_DOUBLE.includes(name)),
    [],
  );
  assert.deepEqual(
    STILL_DOUBLE.filter((listed) => !doubles.some(({ name }) => name === listed)),
    [],
    'these have one meaning: take them out of the list',
  );
});

test('findDoubles() sees a name of two modules, and leaves tests out', () => {
  const module = (path: string, ...exports: string[]): Module => ({ path, imports: [], exports });
  assert.deepEqual(
    findDoubles([module('a.ts', 'One', 'Two'), module('b.ts', 'Two', 'Three'), module('a.test.ts', 'One')]),
    [{ name: 'Two', paths: ['a.ts', 'b.ts'] }],
  );
});

function findDoubles(modules: readonly Module[]): { name: string; paths: string[] }[] {
  const paths = new Map<string, string[]>();
  for (const { path, exports } of modules.filter((each) => !isTest(each.path))) {
    for (const name of exports) paths.set(name, [...(paths.get(name) ?? []), path]);
  }
  return [...paths].flatMap(([name, of]) => (of.length > 1 ? [{ name, paths: of }] : []));
}

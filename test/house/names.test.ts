import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTest, type Module, readModules } from './modules.ts';

// The published types of the reports are those of the program under the same names: report-types.test.ts. What the
// library exports is named after the commands that it runs.
test('no exported name of the instrument has two meanings', () => {
  const own = readModules('loadtest').filter(({ path }) => !/\.d\.ts$|^loadtest\/library\//.test(path));
  assert.deepEqual(findDoubles(own), []);
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

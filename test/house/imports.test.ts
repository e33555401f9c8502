import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ROOMS } from '../../generate/rooms.ts';
import { isTest, listFiles, type Module, readModules, toModule } from './modules.ts';

const instrument = readModules('loadtest');
const service = readModules('src');

describe('the instrument', () => {
  test('has its files in rooms, and main.ts alone loose', () => {
    assert.deepEqual(findLoose(instrument), []);
    assert.deepEqual(
      ROOMS.map(({ name }) => name).filter((name) => !instrument.some(({ path }) => toRoom(path) === name)),
      [],
    );
  });

  test('imports downwards', () => assert.deepEqual(findUpward(instrument), []));

  test('imports in no circle', () => assert.deepEqual(findCircles(instrument), []));
});

describe('the service', () => {
  test('imports in no circle', () => assert.deepEqual(findCircles(service), []));
});

describe('the two halves', () => {
  test('share nothing, and need nothing of the tests', () => {
    assert.deepEqual([...findForeign(instrument, 'loadtest/'), ...findForeign(service, 'src/')], []);
  });

  test('leave kustomize/ and docs/ without code', () => {
    assert.deepEqual([...listFiles('kustomize', '.ts'), ...listFiles('docs', '.ts')], []);
  });
});

/** What the tests above hold the tree to, held to trees that break it. */
describe('the checks of imports', () => {
  const module = (path: string, ...imports: string[]): Module => ({ path, imports, exports: [] });

  test('see an import that goes up, and none that goes down or stays', () => {
    const modules = [
      module('loadtest/engine/a.ts', 'loadtest/load/b.ts', 'loadtest/engine/c.ts', 'loadtest/cli/d.ts'),
      module('loadtest/cli/d.ts', 'loadtest/main.ts'),
      module('loadtest/main.ts', 'loadtest/commands/e.ts'),
    ];
    assert.deepEqual(findUpward(modules), [
      'loadtest/engine/a.ts imports loadtest/load/b.ts',
      'loadtest/cli/d.ts imports loadtest/main.ts',
    ]);
  });

  test('see a circle once, from whichever of its files', () => {
    const modules = [module('a', 'b'), module('b', 'c'), module('c', 'b'), module('d', 'a', 'd')];
    assert.deepEqual(findCircles(modules), ['b > c > b', 'd > d']);
  });

  test('see a file without a room', () => {
    assert.deepEqual(findLoose([module('loadtest/odd.ts'), module('loadtest/odd/a.ts')]), [
      'loadtest/odd.ts',
      'loadtest/odd/a.ts',
    ]);
  });

  test('see an import of the other half, and of the tests except from a test', () => {
    const modules = [
      module('src/a.ts', 'loadtest/b.ts', 'src/c.ts'),
      module('src/d.ts', 'test/e.ts'),
      module('src/d.test.ts', 'test/e.ts', 'loadtest/b.ts'),
    ];
    assert.deepEqual(findForeign(modules, 'src/'), [
      'src/a.ts imports loadtest/b.ts',
      'src/d.ts imports test/e.ts',
      'src/d.test.ts imports loadtest/b.ts',
    ]);
  });

  test('read every way to name a file', () => {
    const text = `
      import { a } from './a.ts';
      import type { B } from '../b.ts';
      import 'node:fs';
      export { c } from './c.ts';
      export const d = () => import('./d.ts');
      export function e(): URL;
      export function e(): URL { return new URL('./e.js', import.meta.url); }
      export type F = B;
      // import './comment.ts'
    `;
    assert.deepEqual(toModule('x/y/z.ts', text), {
      path: 'x/y/z.ts',
      imports: ['x/y/a.ts', 'x/b.ts', 'x/y/c.ts', 'x/y/d.ts', 'x/y/e.js'],
      exports: ['d', 'e', 'F'],
    });
  });
});

function toRoom(path: string): string {
  const [, room = ''] = path.split('/');
  return room;
}

function findLoose(modules: readonly Module[]): string[] {
  return modules
    .map(({ path }) => path)
    .filter((path) => path !== 'loadtest/main.ts' && !ROOMS.some(({ name }) => name === toRoom(path)));
}

/** main.ts is above all rooms. */
function findUpward(modules: readonly Module[]): string[] {
  const order = ['main.ts', ...ROOMS.map(({ name }) => name)];
  return findImports(
    modules,
    (from, to) => to.startsWith('loadtest/') && order.indexOf(toRoom(to)) < order.indexOf(toRoom(from)),
  );
}

/** Imports that leave the folder. A unit test may use what the tests share and what generates the docs. */
function findForeign(modules: readonly Module[], folder: string): string[] {
  return findImports(
    modules,
    (from, to) => !to.startsWith(folder) && !(isTest(from) && /^(test|generate)\//.test(to)),
  );
}

function findImports(modules: readonly Module[], isWrong: (from: string, to: string) => boolean): string[] {
  return modules.flatMap(({ path, imports }) =>
    imports.filter((to) => isWrong(path, to)).map((to) => `${path} imports ${to}`),
  );
}

/** One line for each import that closes a circle, depth first. */
function findCircles(modules: readonly Module[]): string[] {
  const importsOf = new Map(modules.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(' > ')];
    if (done.has(path)) return [];
    done.add(path);
    trail.push(path);
    const circles = (importsOf.get(path) ?? []).flatMap(visit);
    trail.pop();
    return circles;
  };
  return modules.flatMap(({ path }) => visit(path));
}

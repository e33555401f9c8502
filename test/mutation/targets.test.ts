import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createNodeTest } from './node-test.ts';
import { LEFT_OUT, TARGETS } from './targets.ts';

const root = join(import.meta.dirname, '../..');

describe('the targets of mutation', () => {
  test('exist, and so do their tests', () => {
    const paths = TARGETS.flatMap(({ sources, tests }) => [...sources, ...tests]);
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(root, path))),
      [],
    );
    assert.equal(new Set(paths).size, paths.length);
  });

  test('are all of src/ that is not left out', () => {
    const sources = TARGETS.flatMap((target) => target.sources);
    const missing = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .map((path) => `src/${path}`)
      .filter((path) => /(?<!\.test)\.ts$/.test(path) && !sources.includes(path))
      .filter((path) => !LEFT_OUT.some((start) => path.startsWith(start)));
    assert.deepEqual(missing, []);
  });
});

describe('createNodeTest()', () => {
  test('runs each test in order, and tells the first that fails', async () => {
    const ran: string[] = [];
    const { module, run } = createNodeTest();
    module.describe('some', () => {
      module.test('passes', () => void ran.push('passes'));
      module.test('fails later', async () => {
        await Promise.resolve();
        ran.push('fails later');
        throw new Error('too bad');
      });
      module.test('comes after', () => void ran.push('comes after'));
    });
    assert.deepEqual(ran, []);
    assert.deepEqual(await run(), { name: 'fails later', reason: 'Error: too bad' });
    assert.deepEqual(ran, ['passes', 'fails later']);
  });

  test('tells of no failure where none was', async () => {
    const { module, run } = createNodeTest();
    module.test('passes', () => {});
    assert.equal(await run(), null);
  });
});

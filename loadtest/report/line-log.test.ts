import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWorld } from '../../test/fixtures/world.ts';
import { createLineLog } from './line-log.ts';

describe('createLineLog()', () => {
  test('a file gets each line after the one before, however long that takes', async () => {
    const { world, out } = createWorld();
    const file: string[] = [];
    const writes: (() => void)[] = [];
    const appendText = (path: string, text: string) =>
      new Promise<void>((resolve) => {
        writes.push(() => {
          file.push(`${path}: ${text}`);
          resolve();
        });
      });
    const log = createLineLog('--json', 'night.json', { ...world, appendText });
    log.write('1\n');
    log.write('2\n');
    const closed = log.close();
    for (const line of ['1\n', '2\n']) {
      while (writes.length === 0) await new Promise(setImmediate);
      // The next is not begun before this one is done.
      assert.equal(writes.length, 1);
      writes.shift()?.();
      assert.equal(file.at(-1), `night.json: ${line}`);
    }
    assert.equal(await closed, true);
    assert.deepEqual(out, { stdout: '', stderr: '' });
  });

  test('- is standard output', async () => {
    const { world, out } = createWorld();
    const log = createLineLog('--json', '-', world);
    log.write('1\n');
    assert.deepEqual(out, { stdout: '1\n', stderr: '' });
    assert.equal(await log.close(), true);
  });

  test('without a path nothing is written', async () => {
    const { world, out } = createWorld();
    const log = createLineLog('--json', undefined, world);
    log.write('1\n');
    assert.equal(await log.close(), true);
    assert.deepEqual(out, { stdout: '', stderr: '' });
  });

  test('a line that is not written is told once, the later ones are tried, and not all were kept', async () => {
    const { world, out } = createWorld();
    const file: string[] = [];
    const appendText = async (_: string, text: string) => {
      if (text !== '3\n') throw new Error('no space left');
      file.push(text);
    };
    const log = createLineLog('--json', 'night.json', { ...world, appendText });
    for (const line of ['1\n', '2\n', '3\n']) log.write(line);
    assert.equal(await log.close(), false);
    assert.deepEqual(file, ['3\n']);
    assert.equal(out.stderr, `dropless: --json "night.json" can't be written: no space left\n`);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toApiFault } from './api.ts';
import { createUndo } from './undo.ts';

describe('createUndo()', () => {
  test('takes back the last change first, once, and says what could not be', async () => {
    const told: string[] = [];
    const done: string[] = [];
    const undo = createUndo((step) => void told.push(step));
    undo.add('first', async () => done.push('first'));
    undo.add('second', async () => {
      throw new Error('gone');
    });
    undo.add('third', async () => done.push('third'));
    assert.deepEqual(await undo.all(), ['second (gone)']);
    assert.deepEqual(done, ['third', 'first']);
    assert.deepEqual(told, ['undoing: third', 'undoing: second', 'undoing: first']);
    assert.deepEqual(await undo.all(), []);
  });

  test('takes what is gone for undone: a drained node that its autoscaler has removed', async () => {
    const undo = createUndo(() => {});
    undo.add('it', () => Promise.reject(toApiFault(404, 'no such node')));
    undo.add('another', () => Promise.reject(toApiFault(403, 'forbidden')));
    assert.deepEqual(await undo.all(), ['another (forbidden)']);
  });

  test('insists where the API server cannot be heard', async () => {
    const undo = createUndo(() => {});
    let attempts = 0;
    undo.add('it', async () => {
      attempts += 1;
      if (attempts < 2) throw toApiFault(null, 'socket hang up');
    });
    assert.deepEqual([await undo.all(), attempts], [[], 2]);
  });
});

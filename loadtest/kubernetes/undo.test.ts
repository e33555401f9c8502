import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiError } from './api.ts';
import { createUndo, isPassing } from './undo.ts';

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

  test('insists where the API server cannot be heard', async () => {
    const undo = createUndo(() => {});
    let attempts = 0;
    undo.add('it', async () => {
      attempts += 1;
      if (attempts < 2) throw new ApiError(null, 'socket hang up');
    });
    assert.deepEqual([await undo.all(), attempts], [[], 2]);
  });

  for (const [error, expected] of [
    [new ApiError(null, ''), true],
    [new ApiError(500, ''), true],
    [new ApiError(429, ''), true],
    [new ApiError(409, ''), true],
    [new ApiError(401, ''), true],
    [new ApiError(403, ''), false],
    [new ApiError(404, ''), false],
    [new Error(''), false],
  ] as const) {
    test(`${error.name} ${error instanceof ApiError ? error.status : ''} is ${expected ? '' : 'not '}passing`, () =>
      assert.equal(isPassing(error), expected));
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ErrandFile, toSecretData } from './errand-file.ts';

const MIB = 1_048_576;
const file = (key: string, bytes: Buffer): ErrandFile => ({
  given: `--${key} "${key}.csv"`,
  key,
  path: `/runner/input/${key}`,
  bytes,
});
const own = new Map([['task.json', 'é']]);

describe('toSecretData()', () => {
  test('holds any bytes', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const data = toSecretData([file('data', bytes), file('empty', Buffer.alloc(0))], own);
    assert.deepEqual(Object.keys(data), ['task.json', 'data', 'empty']);
    assert.deepEqual(Buffer.from(data.data ?? '', 'base64'), bytes);
    assert.equal(Buffer.from(data['task.json'] ?? '', 'base64').toString(), 'é');
  });

  for (const length of [0, MIB - 2 - 10 - 1, MIB - 2 - 10]) {
    test(`takes ${length} bytes beside ten and two of its own`, () => {
      toSecretData([file('ca', Buffer.alloc(10)), file('data', Buffer.alloc(length))], own);
    });
  }

  test('refuses one byte more, and names the largest file', () => {
    const files = [file('ca', Buffer.alloc(10)), file('data', Buffer.alloc(MIB - 2 - 10 + 1))];
    assert.throws(() => toSecretData(files, own), {
      exit: 'usage',
      message:
        '--in-cluster takes files along in a Secret, which holds 1,048,576 bytes: these are 1,048,577, of which --data "data.csv" has 1,048,565: make it smaller',
    });
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createFrameReader, createFrameWriter } from './sealed-frames.ts';

const key = randomBytes(32);
const values = [{ a: Number.POSITIVE_INFINITY, b: [null, undefined, 'x'] }, 'second', /regular/giu];

describe('sealed frames', () => {
  for (const size of [1, 7, 100_000]) {
    test(`are read in pieces of ${size} bytes`, () => {
      const write = createFrameWriter(key, 'sender');
      const read = createFrameReader(key, 'sender');
      const bytes = Buffer.concat(values.map((value) => write(value)));
      const found: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) found.push(...read(bytes.subarray(at, at + size)));
      assert.deepEqual(found, values);
    });
  }

  const write = createFrameWriter(key, 'sender');
  const [first, second] = [write(1), write(2)];
  const changed = Buffer.from(first);
  changed[10] = (changed[10] ?? 0) ^ 1;
  for (const [what, bytes, reader] of [
    ['changed on the way', changed, createFrameReader(key, 'sender')],
    ['made with another key', first, createFrameReader(randomBytes(32), 'sender')],
    ['out of turn', second, createFrameReader(key, 'sender')],
    ['sent back to its writer', first, createFrameReader(key, 'coordinator')],
    ['of no length', Buffer.alloc(8), createFrameReader(key, 'sender')],
  ] as const) {
    test(`are refused where one is ${what}`, () => {
      assert.throws(() => reader(bytes));
    });
  }
});

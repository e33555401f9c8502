import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { packParcel, unpackParcel } from './parcel.ts';

describe('a parcel', () => {
  test('gives back the files, whatever their texts and the size of its parts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string(), fc.string({ unit: 'grapheme', maxLength: 2_000 }))),
        fc.integer({ min: 1, max: 500 }),
        (entries, maxPartBytes) => {
          const files = new Map(entries);
          assert.deepEqual(unpackParcel(packParcel(files, maxPartBytes)), files);
        },
      ),
    );
  });

  test('has parts that fit', () => {
    const { parts } = packParcel(new Map([['a', Array.from({ length: 900 }, Math.random).join()]]), 1_000);
    assert.ok(parts.length > 3);
    for (const part of parts) assert.ok(Buffer.from(part, 'base64').length <= 1_000);
  });

  test('is refused where a part is missing', () => {
    const { parts, digest } = packParcel(new Map([['json', 'x'.repeat(50)]]), 20);
    assert.throws(() => unpackParcel({ parts: parts.slice(1), digest }), /did not arrive whole/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import { createRecent, type Recent } from './recent.ts';

function replay(recent: Recent, fromMs: number) {
  const seen: number[] = [];
  const ended: number[] = [];
  recent.replay(fromMs, {
    add: ({ index }) => void seen.push(index),
    addConnection: ({ id }) => void ended.push(id),
  });
  return { seen, ended };
}

const end = (id: number, endMs: number) => ({ id, endMs }) as ConnectionEnd;

describe('createRecent()', () => {
  test('shows again what was due, and what ended, from that time on', () => {
    const recent = createRecent(60_000);
    for (const [index, intendedMs] of [0, 999, 1_000, 1_500, 3_000].entries()) {
      recent.add(createSettlement({ index, intendedMs }));
    }
    recent.addConnection(end(1, 1_499));
    recent.addConnection(end(2, 1_500));
    assert.deepEqual(replay(recent, 1_000), { seen: [2, 3, 4], ended: [1, 2] });
    assert.deepEqual(replay(recent, 1_500), { seen: [3, 4], ended: [2] });
  });

  test('in the order of the times, also of what settled late', () => {
    const recent = createRecent(60_000);
    recent.add(createSettlement({ index: 1, intendedMs: 5_000 }));
    recent.add(createSettlement({ index: 0, intendedMs: 2_000 }));
    assert.deepEqual(replay(recent, 0).seen, [0, 1]);
  });

  test('drops what is older than it is to keep, and does not grow', () => {
    const recent = createRecent(10_000);
    for (let index = 0; index < 1_000; index += 1) {
      recent.add(createSettlement({ index, intendedMs: index * 100 }));
      recent.addConnection(end(index, index * 100));
    }
    const { seen, ended } = replay(recent, 0);
    assert.deepEqual([seen[0], seen.at(-1)], [890, 999]);
    assert.equal(ended.length, seen.length);
  });
});

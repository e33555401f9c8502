import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createDelay } from './delay.ts';

/** A delay whose time passes when it is told to. */
function hold() {
  const due: (() => void)[] = [];
  const delay = createDelay(300, (run, ms) => {
    assert.equal(ms, 300);
    due.push(run);
  });
  const passAll = async () => {
    for (const run of due.splice(0)) run();
    await nextTurn();
  };
  return { delay, due, passAll };
}

describe('createDelay()', () => {
  test('holds back every part for the latency, not for that of all before it', async () => {
    const { delay, due, passAll } = hold();
    const parts = Array.from({ length: 40 }, (_, n) => `part ${n};`);
    let got = '';
    let isOver = false;
    delay.on('data', (chunk: Buffer) => {
      got += chunk.toString();
    });
    delay.on('end', () => {
      isOver = true;
    });
    for (const part of parts) delay.write(part);
    await nextTurn();
    assert.deepEqual([got, due.length], ['', parts.length]);
    await passAll();
    assert.equal(got, parts.join(''));
    delay.end();
    await nextTurn();
    assert.deepEqual([isOver, due.length], [false, 1]);
    await passAll();
    assert.equal(isOver, true);
  });

  test('takes no more than a window of what nobody reads, and loses nothing of it', async () => {
    const { delay, due, passAll } = hold();
    const chunk = Buffer.alloc(65_536, 'x');
    const total = 64 * 1_048_576;
    let sent = 0;
    const isFull = async () => {
      while (sent < total && !delay.writableNeedDrain) {
        sent += chunk.length;
        delay.write(chunk);
        await nextTurn();
      }
      return due.length === 0;
    };
    while (!(await isFull())) await passAll();
    assert.ok(sent < 2 * 1_048_576, `${sent} bytes went through to nobody`);
    let got = 0;
    delay.on('data', (part: Buffer) => {
      got += part.length;
    });
    do await passAll();
    while (!(await isFull()));
    assert.deepEqual([got, sent], [total, total]);
  });
});

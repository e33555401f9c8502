import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { fibonacci, LARGEST_EXACT_N } from '../domain/fibonacci.ts';
import { createFibonacciPool } from './fibonacci-pool.ts';

describe('fibonacci()', () => {
  for (const [n, value] of [
    [0, 0],
    [1, 1],
    [2, 1],
    [20, 6765],
    [30, 832040],
  ] as const) {
    test(`of ${n} is ${value}`, () => assert.equal(fibonacci(n), value));
  }

  test('is exact in a double up to LARGEST_EXACT_N and not beyond', () => {
    let [current, next] = [0n, 1n];
    for (let n = 0; n < LARGEST_EXACT_N; n++) [current, next] = [next, current + next];
    assert.equal(current, 8944394323791464n);
    assert.ok(current <= BigInt(Number.MAX_SAFE_INTEGER) && next > BigInt(Number.MAX_SAFE_INTEGER));
  });
});

describe('fibonacci pool', () => {
  test('a worker that crashes is replaced, and its job is told so', async () => {
    const client = new AbortController().signal;
    const folder = mkdtempSync(join(tmpdir(), 'dropless-worker-'));
    const file = join(folder, 'worker.mjs');
    writeFileSync(file, 'export default (n) => (n === 1 ? process.exit(9) : n * 2);');
    const pool = createFibonacciPool({
      workerUrl: pathToFileURL(file),
      workers: 1,
      queueLength: 1,
      timeoutMs: 60_000,
    });
    const alive = setInterval(() => {}, 1_000); // as the server does: neither pool nor deadline keeps Node running
    assert.deepEqual(await pool.compute(1, client), { kind: 'crashed' });
    assert.deepEqual(await pool.compute(21, client), { kind: 'computed', value: 42 });
    assert.equal(pool.vitals().crashed, 1);
    assert.equal(pool.vitals().busy, 0);
    await pool.close();
    clearInterval(alive);
    rmSync(folder, { recursive: true });
  });
});

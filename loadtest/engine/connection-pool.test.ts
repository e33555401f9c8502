import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionRole } from './connection-ledger.ts';
import { ConnectionPool, type PoolSize } from './connection-pool.ts';

/** A pool of at most two, and a way to fill it. */
function createPool(size: Partial<PoolSize> = {}) {
  const events: string[] = [];
  const pool = new ConnectionPool<ReturnType<typeof open>>({ max: 2, kept: 0, idle: 0, ...size });
  function open(
    name: string,
    expiresMs = Number.POSITIVE_INFINITY,
    idleSinceMs = 0,
    role: ConnectionRole = 'kept',
  ) {
    return {
      name,
      role,
      requests: 1,
      idleSinceMs,
      isExpired: (nowMs: number) => nowMs >= expiresMs,
      linger: () => void events.push(`${name} lingers`),
      destroy: () => void events.push(`${name} is closed`),
    };
  }
  const add = (...args: Parameters<typeof open>) => {
    const connection = open(...args);
    pool.add(connection);
    return connection;
  };
  return { pool, events, add, names: () => [...pool.open].map(({ name }) => name) };
}

describe('ConnectionPool', () => {
  test('gives the connection that has been idle longest', () => {
    const { pool, add } = createPool();
    const [a, b] = [add('a'), add('b')];
    pool.release(b);
    pool.release(a);
    assert.deepEqual([pool.take(0)?.name, pool.take(0)?.name, pool.take(0)], ['b', 'a', undefined]);
  });

  for (const [nowMs, taken, expired] of [
    [99, 'a', 0],
    [100, 'b', 1],
    [200, undefined, 2],
  ] as const) {
    test(`at ${nowMs} ms, of one that expires at 100 ms and one at 200 ms, it gives ${taken}`, () => {
      const { pool, add, names } = createPool();
      for (const connection of [add('a', 100), add('b', 200)]) pool.release(connection);
      assert.equal(pool.take(nowMs)?.name, taken);
      assert.equal(pool.expired, expired);
      assert.deepEqual(names(), ['a', 'b'].slice(expired));
    });
  }

  for (const [idle, isFresh, hasRoom, open] of [
    [[], false, false, ['a', 'b']],
    [[], true, false, ['a', 'b']],
    [['a', 'b'], false, false, ['a', 'b']],
    [['b', 'a'], true, true, ['a']],
  ] as const) {
    test(`full, with ${idle.length} idle, it has ${hasRoom ? '' : 'no '}room for a ${isFresh ? 'fresh' : 'kept'} one`, () => {
      const { pool, add, names } = createPool();
      const connections = { a: add('a'), b: add('b') };
      for (const name of idle) pool.release(connections[name]);
      assert.equal(pool.makeRoom(isFresh), hasRoom);
      assert.deepEqual(names(), open);
    });
  }

  test('has room below its bound, and does not count those that linger', () => {
    const { pool, add, events } = createPool();
    const a = add('a');
    assert.ok(pool.makeRoom(false));
    add('b');
    pool.retire(a);
    assert.ok(pool.makeRoom(false));
    assert.deepEqual(events, ['a lingers']);
  });

  test('closes what has lingered for a second, and all in the end', () => {
    const { pool, add, events } = createPool();
    for (const connection of [add('a', 0, 0), add('b', 0, 1)]) pool.retire(connection);
    add('c');
    events.length = 0;
    pool.dropLingering(999);
    assert.deepEqual(events, []);
    pool.dropLingering(1_000);
    assert.deepEqual(events, ['a is closed']);
    pool.dropAll();
    assert.deepEqual(events.slice(1).sort(), ['b is closed', 'c is closed']);
  });

  test('opens as many kept ones as it shall, before it gives one again', () => {
    const { pool, add } = createPool({ max: 4, kept: 3 });
    const [a, b] = [add('a'), add('b')];
    pool.release(a);
    pool.release(b);
    assert.equal(pool.take(0), undefined);
    add('c', Number.POSITIVE_INFINITY, 0, 'fresh');
    assert.equal(pool.take(0), undefined, 'a fresh one is none of them');
    pool.release(add('d'));
    assert.equal(pool.take(0)?.name, 'a');
    pool.drop(a);
    assert.equal(pool.take(0), undefined, 'another takes the place of one that is gone');
  });

  test('gives one again where there is no room for another', () => {
    const { pool, add } = createPool({ max: 1, kept: 3 });
    pool.release(add('a'));
    assert.equal(pool.take(0)?.name, 'a');
  });

  test('leaves some idle after their first request, and replaces those that are closed', () => {
    const { pool, add, names } = createPool({ max: 9, idle: 1 });
    const a = add('a');
    pool.release(a);
    assert.deepEqual([a.role, pool.take(0)], ['idle', undefined]);
    const b = add('b');
    pool.release(b);
    assert.equal(pool.take(0), b);
    pool.drop(a);
    pool.release({ ...b, requests: 2 });
    assert.equal(b.role, 'kept', 'only one that is new tells how long it is kept');
    const c = add('c');
    pool.release(c);
    assert.deepEqual([c.role, names()], ['idle', ['b', 'c']]);
  });

  test('does not give what was dropped while it was idle', () => {
    const { pool, add } = createPool();
    const a = add('a');
    pool.release(a);
    pool.drop(a);
    assert.equal(pool.take(0), undefined);
  });
});

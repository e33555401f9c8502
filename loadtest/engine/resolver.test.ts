import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createResolver, type Lookup } from './resolver.ts';

const TTL_MS = 100;

function open(host: string, answers: readonly (string[] | Error)[]) {
  const world = { nowMs: 0, lookups: 0 };
  const lookup: Lookup = async () => {
    const answer = answers[world.lookups];
    world.lookups += 1;
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('one lookup too many');
    return answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const resolver = createResolver(host, TTL_MS, lookup, () => world.nowMs);
  const resolve = () =>
    new Promise<string>((done, fail) => resolver.resolve(done, (code) => fail(new Error(code))));
  return { world, resolver, resolve };
}

describe('createResolver()', () => {
  for (const address of ['127.0.0.1', '::1']) {
    test(`gives the address ${address} at once, without a lookup`, () => {
      let given = '';
      open(address, []).resolver.resolve(
        (found) => {
          given = found;
        },
        (code) => assert.fail(code),
      );
      assert.equal(given, address);
    });
  }

  test('asks once for all connections opened together, and again only after the time to live', async () => {
    const { world, resolve } = open('service', [['10.0.0.1'], ['10.0.0.2']]);
    assert.deepEqual(await Promise.all([resolve(), resolve(), resolve()]), [
      '10.0.0.1',
      '10.0.0.1',
      '10.0.0.1',
    ]);
    world.nowMs = TTL_MS - 1;
    assert.equal(await resolve(), '10.0.0.1');
    assert.equal(world.lookups, 1);
    world.nowMs = TTL_MS;
    assert.equal(await resolve(), '10.0.0.2');
    assert.equal(world.lookups, 2);
  });

  test('takes the addresses in turn, IPv4 where there is any', async () => {
    const { resolve } = open('service', [['::1', '10.0.0.1', '10.0.0.2']]);
    assert.deepEqual(new Set([await resolve(), await resolve()]), new Set(['10.0.0.1', '10.0.0.2']));
  });

  test('takes IPv6 where there is nothing else', async () => {
    assert.equal(await open('service', [['::1']]).resolve(), '::1');
  });

  test('tells the error code, and asks again for the next connection', async () => {
    const { resolve } = open('service', [
      Object.assign(new Error('no'), { code: 'ENOTFOUND' }),
      ['10.0.0.1'],
    ]);
    await assert.rejects(resolve, { message: 'ENOTFOUND' });
    assert.equal(await resolve(), '10.0.0.1');
  });
});

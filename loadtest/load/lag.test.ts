import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import { createLateSecondCollector, toLagMs } from './lag.ts';

const FACTS = { id: 1, setupMs: 30, ageMs: 0, idleMs: 0, requests: 1, localPort: 1, remoteAddress: null };

describe('toLagMs()', () => {
  for (const [what, changes, expected] of [
    ['was never sent', { sentMs: null }, null],
    ['was sent in time', { intendedMs: 10, sentMs: 10 }, 0],
    ['was sent late', { intendedMs: 10, sentMs: 17 }, 7],
    [
      'waited for its connection to open',
      { intendedMs: 10, sentMs: 42, connection: { ...FACTS, reused: false } },
      2,
    ],
    ['found its connection open', { intendedMs: 10, sentMs: 42, connection: { ...FACTS, reused: true } }, 32],
    ['was sent early', { intendedMs: 10, sentMs: 9 }, 0],
  ] as const) {
    test(`is ${expected} of a request that ${what}`, () => {
      assert.equal(toLagMs({ ...createSettlement(), ...changes }), expected);
    });
  }
});

describe('createLateSecondCollector()', () => {
  test('names the seconds in which half of the requests went out late, and no others', () => {
    const collector = createLateSecondCollector();
    const sent = (intendedMs: number, lagMs = 0) =>
      collector.add(createSettlement({ intendedMs, sentMs: intendedMs + lagMs }));
    for (let ms = 0; ms < 1_000; ms += 1) sent(ms);
    sent(1_000, 251);
    sent(1_999);
    sent(2_000, 250);
    sent(3_000, 900);
    sent(3_001);
    sent(3_002);
    assert.deepEqual(collector.list(), [1]);
  });

  test('names them in their order, in whichever order the requests ended', () => {
    const collector = createLateSecondCollector();
    for (const intendedMs of [9_000, 2_000, 10_000]) {
      collector.add(createSettlement({ intendedMs, sentMs: intendedMs + 900 }));
    }
    assert.deepEqual(collector.list(), [2, 9, 10]);
  });

  test('does not count what was never sent', () => {
    const collector = createLateSecondCollector();
    collector.add({ ...createSettlement(), sentMs: null });
    assert.deepEqual(collector.list(), []);
  });
});

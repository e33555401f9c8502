import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Findings, toVerdict } from './verdict.ts';

const clean: Findings = {
  planned: 3_000,
  ok: 3_000,
  lost: 0,
  lostBefore: 0,
  outcomes: {},
  isLedgerClosed: true,
  lagP99Ms: 250,
  watchGaps: [],
  isInterrupted: false,
  incomplete: null,
  unseen: [],
  leftBehind: [],
};

describe('toVerdict()', () => {
  test('is green with nothing lost and nothing in doubt, and says what that bounds', () => {
    assert.deepEqual(toVerdict(clean), {
      kind: 'proven',
      exit: 'proven',
      sentence: 'PROVEN: 0 lost of 3,000 requests. At 95 % confidence fewer than 1 in 1,001 are lost.',
      doubts: [],
      upperBound: 1 - 0.05 ** (1 / 3_000),
    });
  });

  for (const [what, change, doubt] of [
    ['no request at all', { planned: 0, ok: 0 }, 'nothing was requested'],
    ['an open ledger', { isLedgerClosed: false }, 'the ledger does not balance'],
    ['an answer neither ok nor lost', { ok: 2_999 }, '1 answers were neither ok nor lost (4xx or 3xx)'],
    [
      'a late generator',
      { lagP99Ms: 250.6 },
      'the load generator could not keep its schedule (p99 251 ms late)',
    ],
    ['a gap in the watch', { watchGaps: ['pods, 3.0 s'] }, 'the watch was interrupted (pods, 3.0 s)'],
    ['a disturbance not complete', { incomplete: 'the rollout did not end' }, 'the rollout did not end'],
    ['an interruption', { isInterrupted: true }, 'it was interrupted'],
    ['a change that stays', { leftBehind: ['node n cordoned'] }, 'not undone: node n cordoned'],
    ['a version not seen', { unseen: ['no answer came from v2'] }, 'no answer came from v2'],
  ] as const) {
    test(`is inconclusive with ${what}`, () => {
      const verdict = toVerdict({ ...clean, ...change });
      assert.equal(verdict.kind, 'inconclusive');
      assert.equal(verdict.exit, 'inconclusive');
      assert.deepEqual(verdict.doubts, [doubt]);
      assert.match(verdict.sentence, /^INCONCLUSIVE: none lost of [\d,]+ requests, but /);
      assert.equal(verdict.upperBound, null);
    });
  }

  test('is red from the first loss on, and keeps the doubts', () => {
    const verdict = toVerdict({ ...clean, ok: 2_999, lost: 1, watchGaps: ['pods'] });
    assert.equal(verdict.exit, 'failed');
    assert.equal(verdict.sentence, 'LOST 1 of 3,000 requests.');
    assert.deepEqual(verdict.doubts, ['the watch was interrupted (pods)']);
  });

  test('blames no disturbance for what was lost before it, and keeps that in mind', () => {
    const before = toVerdict({ ...clean, ok: 2_998, lost: 2, lostBefore: 2 });
    assert.equal(
      before.sentence,
      'INCONCLUSIVE: 2 lost of 3,000 requests, but 2 were lost before the disturbance.',
    );
    const more = toVerdict({ ...clean, ok: 2_997, lost: 3, lostBefore: 2 });
    assert.deepEqual([more.kind, more.doubts], ['losses', ['2 were lost before the disturbance']]);
    const interrupted = {
      ...clean,
      outcomes: { reset: 2, unfinished: 3 },
      lostBefore: 2,
      isInterrupted: true,
    };
    assert.equal(toVerdict({ ...interrupted, ok: 2_995, lost: 5 }).kind, 'inconclusive');
    assert.equal(toVerdict({ ...interrupted, ok: 2_994, lost: 6 }).kind, 'losses');
  });

  test('does not blame the target for what a limited generator can have lost', () => {
    const limited = { ...clean, ok: 2_990, lost: 10, lagP99Ms: 251 };
    const outcomes = { timeout: 4, connect_timeout: 3, not_sent: 3 };
    assert.equal(toVerdict({ ...limited, outcomes }).kind, 'inconclusive');
    assert.equal(toVerdict({ ...limited, outcomes: { ...outcomes, timeout: 3, reset: 1 } }).kind, 'losses');
    assert.equal(toVerdict({ ...limited, outcomes, lagP99Ms: 250 }).kind, 'losses');
  });

  test('does not blame the target for what was open when it was interrupted', () => {
    const stopped = { ...clean, ok: 2_990, lost: 10, isInterrupted: true };
    assert.equal(
      toVerdict({ ...stopped, outcomes: { not_sent: 3, unfinished: 7 } }).sentence,
      'INCONCLUSIVE: none lost and 10 given up by the load itself of 3,000 requests, but it was interrupted.',
    );
    assert.equal(toVerdict({ ...stopped, outcomes: { unfinished: 9, reset: 1 } }).kind, 'losses');
  });

  test('counts nothing on an open ledger', () => {
    assert.equal(toVerdict({ ...clean, ok: 2_999, lost: 1, isLedgerClosed: false }).kind, 'inconclusive');
  });
});

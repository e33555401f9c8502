import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Hazard, HazardId } from './hazard.ts';
import { formatProven, formatVerdict, type ProofEvidence, toVerdict } from './verdict.ts';

const clean: ProofEvidence = {
  planned: 3_000,
  ok: 3_000,
  lost: 0,
  givenUp: 0,
  lostBefore: 0,
  isLedgerClosed: true,
  lagP99Ms: 250,
  lateSeconds: [],
  watchGaps: [],
  isInterrupted: false,
  incomplete: null,
  unseen: [],
  leftBehind: [],
  hazards: [],
  allowed: [],
  requirements: [],
  isLatencyDoubtful: false,
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

  const hazard = (id: HazardId): Hazard => ({
    hazard: id,
    pod: 'a',
    atMs: 5_000,
    why: 'a did',
    fix: 'do not',
    change: null,
    exposure: null,
  });
  const hazards = [hazard('tight-grace'), hazard('short-idle-timeout'), hazard('tight-grace')];

  test('is at risk with nothing lost and hazards, which it names', () => {
    const { kind, exit, sentence, upperBound } = toVerdict({ ...clean, hazards });
    assert.deepEqual([kind, exit], ['at-risk', 'at-risk']);
    assert.equal(
      sentence,
      'AT RISK: none lost of 3,000 requests, but one on its way would have been: short-idle-timeout (1), tight-grace (2).',
    );
    assert.equal(upperBound, toVerdict(clean).upperBound);
  });

  test('is at risk unless all hazards are allowed, and says which were', () => {
    assert.equal(toVerdict({ ...clean, hazards, allowed: ['tight-grace'] }).kind, 'at-risk');
    const { kind, sentence } = toVerdict({
      ...clean,
      hazards,
      allowed: ['tight-grace', 'short-idle-timeout', 'cold-start'],
    });
    assert.equal(kind, 'proven');
    assert.match(sentence, /are lost\. Allowed: short-idle-timeout \(1\), tight-grace \(2\)\.$/);
  });

  test('puts losses and doubts before hazards', () => {
    assert.equal(toVerdict({ ...clean, hazards, ok: 2_999, lost: 1 }).kind, 'losses');
    assert.equal(toVerdict({ ...clean, hazards, isInterrupted: true }).kind, 'inconclusive');
  });

  for (const [what, change, doubt] of [
    ['no request at all', { planned: 0, ok: 0 }, 'no request was planned'],
    ['an open ledger', { isLedgerClosed: false }, 'the ledger does not balance'],
    ['a response neither ok nor lost', { ok: 2_999 }, '1 responses were neither ok nor lost (4xx or 3xx)'],
    [
      'a late generator',
      { lagP99Ms: 250.6 },
      'the load generator could not keep its schedule (p99 251 ms late)',
    ],
    [
      'a load that stood still',
      { lateSeconds: [7] },
      'the load generator could not keep its schedule at 7 s (most requests of each such second went out more than 250 ms late)',
    ],
    [
      'a load that stood still five times',
      { lateSeconds: [7, 8, 9, 10, 11] },
      'the load generator could not keep its schedule at 7, 8, 9, 10, 11 s (most requests of each such second went out more than 250 ms late)',
    ],
    [
      'a load that stood still more than once',
      { lateSeconds: [7, 8, 9, 10, 11, 12] },
      'the load generator could not keep its schedule at 7, 8, 9, 10, 11 s and later (most requests of each such second went out more than 250 ms late)',
    ],
    [
      'requests that the load gave up itself',
      { ok: 2_990, givenUp: 10 },
      '10 requests were abandoned by the load itself',
    ],
    ['a gap in the watch', { watchGaps: ['pods, 3.0 s'] }, 'the watch was interrupted (pods, 3.0 s)'],
    ['a disruption not complete', { incomplete: 'the rollout did not end' }, 'the rollout did not end'],
    ['an interruption', { isInterrupted: true }, 'it was interrupted'],
    ['a change that stays', { leftBehind: ['node n cordoned'] }, 'not undone: node n cordoned'],
    ['a version not seen', { unseen: ['no response came from v2'] }, 'no response came from v2'],
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

  test('blames no disruption for what was lost before it, and keeps that in mind', () => {
    const before = toVerdict({ ...clean, ok: 2_998, lost: 2, lostBefore: 2 });
    assert.equal(
      before.sentence,
      'INCONCLUSIVE: 2 lost of 3,000 requests, but 2 were lost before the disruption.',
    );
    const more = toVerdict({ ...clean, ok: 2_997, lost: 3, lostBefore: 2 });
    assert.deepEqual([more.kind, more.doubts], ['losses', ['2 were lost before the disruption']]);
  });

  test('counts what the load gave up itself as no loss, and keeps it in mind beside losses', () => {
    const verdict = toVerdict({ ...clean, ok: 2_989, lost: 1, givenUp: 10 });
    assert.equal(verdict.sentence, 'LOST 1 of 3,000 requests.');
    assert.deepEqual(verdict.doubts, ['10 requests were abandoned by the load itself']);
  });

  test('counts nothing on an open ledger', () => {
    assert.equal(toVerdict({ ...clean, ok: 2_999, lost: 1, isLedgerClosed: false }).kind, 'inconclusive');
  });

  const missed = { text: 'p99 < 50ms', unit: 'time', actual: 61.2, state: 'missed' } as const;

  test('is red where nothing is lost and a requirement is missed', () => {
    const verdict = toVerdict({ ...clean, requirements: [missed], watchGaps: ['pods'] });
    assert.deepEqual(
      [verdict.kind, verdict.exit, verdict.sentence],
      [
        'missed',
        'failed',
        'MISSED: none lost of 3,000 requests, but requirements were missed: p99 < 50ms (61.2 ms).',
      ],
    );
    assert.match(formatVerdict(verdict), / Also, the watch was interrupted \(pods\)\.$/);
  });

  test('names what was missed beside losses', () => {
    const verdict = toVerdict({ ...clean, ok: 2_999, lost: 1, requirements: [missed] });
    assert.deepEqual(
      [verdict.kind, verdict.doubts],
      ['losses', ['requirements were missed: p99 < 50ms (61.2 ms)']],
    );
  });

  test('does not hold a target to latencies that are the load’s own', () => {
    const late = { ...clean, lagP99Ms: 12, isLatencyDoubtful: true };
    assert.equal(toVerdict(late).kind, 'proven');
    assert.equal(
      toVerdict({ ...late, requirements: [missed] }).sentence,
      'INCONCLUSIVE: none lost of 3,000 requests, but requirements were missed: p99 < 50ms (61.2 ms), in part because the load itself was 12 ms late at p99.',
    );
  });

  test('is inconclusive where there was nothing to measure, and proven where all is met', () => {
    const met = { ...missed, actual: 49, state: 'met' } as const;
    assert.equal(toVerdict({ ...clean, requirements: [met] }).kind, 'proven');
    const unknown = { ...missed, actual: null, state: 'unknown' } as const;
    assert.deepEqual(toVerdict({ ...clean, requirements: [met, unknown] }).doubts, [
      'there was nothing to measure for p99 < 50ms',
    ]);
  });

  test('judges nothing on an open ledger, latencies neither', () => {
    assert.equal(toVerdict({ ...clean, isLedgerClosed: false, requirements: [missed] }).kind, 'inconclusive');
  });
});

describe('formatVerdict()', () => {
  for (const [what, change, text] of [
    ['losses alone', { ok: 2_999, lost: 1 }, 'LOST 1 of 3,000 requests.'],
    [
      'losses and doubts',
      { ok: 2_999, lost: 1, isInterrupted: true, unseen: ['no response came from v2'] },
      'LOST 1 of 3,000 requests. Also, it was interrupted; no response came from v2.',
    ],
    [
      'doubts alone once, in the sentence',
      { isInterrupted: true, unseen: ['no response came from v2'] },
      'INCONCLUSIVE: none lost of 3,000 requests, but it was interrupted; no response came from v2.',
    ],
    ['a proof', {}, 'PROVEN: 0 lost of 3,000 requests. At 95 % confidence fewer than 1 in 1,001 are lost.'],
  ] as const) {
    test(`says ${what}`, () => {
      assert.equal(formatVerdict(toVerdict({ ...clean, ...change })), text);
    });
  }
});

describe('formatProven()', () => {
  test('says where the requests were made', () => {
    assert.equal(
      formatProven(1_000_000, ' in 3 runs'),
      'PROVEN: 0 lost of 1,000,000 requests in 3 runs. At 95 % confidence fewer than 1 in 333,808 are lost.',
    );
  });
});

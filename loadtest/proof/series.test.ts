import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import type { Hazard } from './hazard.ts';
import type { Proof } from './judgement.ts';
import { parseRemoval } from './safeguard.ts';
import { toSeriesTable, toSeriesVerdict } from './series.ts';
import { toVerdict } from './verdict.ts';

const lossy = createSampleProof();

function toProof(requests: number, doubt: string | null, hazards: readonly Hazard[] = []): Proof {
  const counts = { planned: requests, ok: requests, lost: 0, givenUp: 0 };
  const verdict = toVerdict({
    ...counts,
    lostBefore: 0,
    isLedgerClosed: true,
    lagP99Ms: 1,
    lateSeconds: [],
    isInterrupted: false,
    watchGaps: [],
    incomplete: doubt,
    unseen: [],
    leftBehind: [],
    hazards,
    allowed: [],
    requirements: [],
    isLatencyDoubtful: false,
  });
  return { ...lossy, ...counts, disruption: 'drain', losses: [], causes: {}, hazards, verdict };
}

const clean = toProof(1_000, null);
/** Nothing lost, and a requirement missed. */
const slow: Proof = {
  ...clean,
  verdict: {
    kind: 'missed',
    exit: 'failed',
    sentence: 'MISSED: p99 < 50ms (61.2 ms).',
    doubts: [],
    upperBound: null,
  },
};
const risky = toProof(1_000, null, [
  {
    hazard: 'tight-grace',
    pod: 'a',
    atMs: 5,
    why: 'a was killed',
    fix: 'wait',
    change: null,
    exposure: null,
  },
]);
const doubtful = toProof(500, 'the drain did not end');

describe('toSeriesVerdict()', () => {
  test('of one proof is its own', () => {
    assert.equal(toSeriesVerdict({ proofs: [lossy], cutShort: null }), lossy.verdict);
  });

  for (const [what, proofs, cutShort, exit, sentence] of [
    [
      'all are proven, over all requests together',
      [clean, toProof(2_000, null)],
      null,
      'proven',
      'PROVEN: 0 lost of 3,000 requests in 2 disruptions. At 95 % confidence fewer than 1 in 1,001 are lost.',
    ],
    [
      'one of them has losses',
      [clean, lossy, lossy, doubtful],
      null,
      'failed',
      'LOST 6 of 3,100 requests, in 2 of 4 disruptions.',
    ],
    [
      'one of them is in doubt',
      [clean, doubtful],
      null,
      'inconclusive',
      'INCONCLUSIVE: none lost of 1,500 requests, but 2 drain: the drain did not end.',
    ],
    [
      'one of them was slower than required, and another one in doubt',
      [clean, slow, doubtful, slow],
      null,
      'failed',
      `MISSED: none lost of 3,500 requests, but requirements were missed in 2 of 4 disruptions: ${slow.verdict.sentence} ${slow.verdict.sentence}`,
    ],
    [
      'one of them is at risk',
      [clean, risky],
      null,
      'at-risk',
      'AT RISK: none lost of 2,000 requests, but in 1 of 2 disruptions one on its way would have been: tight-grace (1).',
    ],
    [
      'one of them is at risk, and another one in doubt',
      [risky, doubtful],
      null,
      'inconclusive',
      'INCONCLUSIVE: none lost of 1,500 requests, but 2 drain: the drain did not end.',
    ],
    [
      'all are without a safeguard',
      [clean, clean].map((proof) => ({ ...proof, without: [parseRemoval('preStop')] })),
      null,
      'proven',
      'PROVEN: 0 lost of 2,000 requests in 2 disruptions without preStop. At 95 % confidence fewer than 1 in 668 are lost.',
    ],
    [
      'there is none',
      [],
      null,
      'inconclusive',
      'INCONCLUSIVE: none lost of 0 requests, but nothing was disrupted.',
    ],
    [
      'one of them could not begin',
      [clean],
      'kill could not begin: no cluster',
      'inconclusive',
      'INCONCLUSIVE: none lost of 1,000 requests, but kill could not begin: no cluster.',
    ],
  ] as const) {
    test(`where ${what}`, () => {
      const verdict = toSeriesVerdict({ proofs, cutShort });
      assert.deepEqual([verdict.exit, verdict.sentence], [exit, sentence]);
      assert.equal(
        verdict.kind,
        sentence.startsWith('MISSED') ? 'missed' : exit === 'failed' ? 'losses' : exit,
      );
      assert.equal(verdict.upperBound === null, exit !== 'proven' && exit !== 'at-risk');
    });
  }

  test('keeps the doubts beside losses', () => {
    const { doubts } = toSeriesVerdict({ proofs: [lossy, doubtful], cutShort: 'it was interrupted' });
    assert.deepEqual(doubts, ['2 drain: the drain did not end', 'it was interrupted']);
  });
});

test('toSeriesTable() has a row for each, in their order', () => {
  assert.deepEqual(toSeriesTable([lossy, clean]).rows, [
    ['1 rollout', '800', '3', '8', '1', 'losses'],
    ['2 drain', '1,000', '0', '8', '1', 'proven'],
  ]);
});

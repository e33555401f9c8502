import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Proof } from '../loadtest/proof/judgement.ts';
import { type ProofEvidence, toVerdict } from '../loadtest/proof/verdict.ts';
import { createSampleProof } from '../test/fixtures/sample-proof.ts';
import { formatLongProof, toLongProof } from './long-proof.ts';

const lossy = createSampleProof();
const findings: ProofEvidence = {
  planned: 800,
  ok: 800,
  lost: 0,
  lostBefore: 0,
  givenUp: 0,
  isLedgerClosed: true,
  lagP99Ms: 1,
  lateSeconds: [],
  isInterrupted: false,
  watchGaps: [],
  incomplete: null,
  unseen: [],
  leftBehind: [],
  hazards: [],
  allowed: [],
  requirements: [],
  isLatencyDoubtful: false,
};
const verdict = toVerdict(findings);
const interrupted = toVerdict({ ...findings, isInterrupted: true });
const clean = { ...lossy, ok: 800, lost: 0, losses: [], causes: {}, verdict };
/** The old pod's node is lost at 5.5 s, and its endpoint gone at 4.1 s: before one loss, after two. */
const powerless: Proof = {
  ...lossy,
  disruption: 'run',
  marks: [{ atMs: 1_000, text: 'run begins' }],
  timelines: lossy.timelines.map((timeline) =>
    timeline.pod === 'web-old' ? { ...timeline, nodeLostMs: 5_500 } : timeline,
  ),
  losses: lossy.losses.map((loss, index) => ({
    ...loss,
    cause: 'node-lost',
    settlement: { ...loss.settlement, intendedMs: [4_000, 4_200, 6_000][index] ?? 0 },
  })),
  causes: { 'node-lost': 3 },
};

/** As many disruptions as a long proof has at least. */
const enough = Array.from({ length: 20 }, () => clean);

describe('the summary of a long proof', () => {
  test('is proven by what must lose nothing alone', () => {
    const kept = toLongProof(
      { proofs: enough, must: [clean, powerless], cutShort: null },
      { rate: 100, requests: 16_000 },
    );
    assert.deepEqual(
      [kept.verdict.exit, kept.requests, kept.lost, kept.disruptions.length],
      ['proven', 16_000, 0, 20],
    );
    assert.deepEqual(kept.nodeLoss, {
      knownAfterMs: 4_500,
      endpointsGoneAfterMs: 3_100,
      lostBefore: 1,
      lostAfter: 2,
      lastLostAfterMs: 5_000,
    });
    const page = formatLongProof(kept);
    assert.match(page, /^\*\*PROVEN: 0 lost of 16,000 requests in 20 disruptions\./);
    assert.match(page, /^\| rollout +\| 20 +\| 20 +\| 16,000 +\| 0 +\|$/m);
    assert.match(page, /loses power, and gets it back \| 800 +\| 3 +\| Node lost: 3 +\|$/m);
    assert.match(page, /^\| lost of those that were due later +\| 2 +\|$/m);
  });

  for (const [what, deeds, exit, sentence] of [
    ['too few requests', {}, 'inconclusive', /but only 16000 of 16001 requests were made\.$/],
    [
      'too few disruptions',
      { proofs: enough.slice(1) },
      'inconclusive',
      /there were only 19 of 20 disruptions/,
    ],
    ['no node without power', { must: [clean] }, 'inconclusive', /no node was seen to lose its power/],
    [
      'a node of which not all was seen',
      { must: [{ ...powerless, verdict: interrupted }] },
      'inconclusive',
      /of the run that was to lose some: it was interrupted/,
    ],
    ['a fault', { cutShort: 'no cluster' }, 'inconclusive', /no cluster/],
    [
      'a loss that was to be expected, and has no cause',
      { must: [{ ...powerless, causes: { 'node-lost': 2, unknown: 1 } }] },
      'inconclusive',
      /1 of the losses that were to be expected have no cause/,
    ],
    ['a loss', { proofs: [...enough, lossy] }, 'failed', /LOST 3 of 16,800/],
  ] as const) {
    test(`is not, with ${what}`, () => {
      const given = { proofs: enough, must: [powerless], cutShort: null, ...deeds };
      const { verdict } = toLongProof(given, { rate: 100, requests: 16_001 });
      assert.equal(verdict.exit, exit);
      assert.match(verdict.sentence, sentence);
    });
  }

  test('tells of no node where none was lost', () => {
    const kept = toLongProof({ proofs: [clean], must: [clean], cutShort: null }, { rate: 1, requests: 1 });
    assert.equal(kept.nodeLoss, null);
  });
});

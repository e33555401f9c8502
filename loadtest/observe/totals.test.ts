import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { addStretch, type JudgedStretch, NO_TOTALS, toObservationVerdict } from './totals.ts';

const { disruption: _, without: __, target: ___, marks: ____, ...sample } = createSampleProof();
const VERDICT = { sentence: '', doubts: [], upperBound: null };
const stretch = (change: Partial<JudgedStretch>): JudgedStretch => ({
  ...sample,
  lost: 0,
  causes: {},
  losses: [],
  hazards: [],
  reasons: [{ reason: 'eviction', text: 'eviction', pods: ['a'] }],
  verdict: { kind: 'proven', exit: 'proven', ...VERDICT },
  ...change,
});
const [hazard] = sample.hazards;
assert.ok(hazard !== undefined);
const lossy = stretch({
  lost: 3,
  causes: { crashes: 3 },
  verdict: { kind: 'losses', exit: 'failed', ...VERDICT },
});
const risky = stretch({ hazards: [hazard], verdict: { kind: 'at-risk', exit: 'at-risk', ...VERDICT } });
const doubtful = stretch({
  verdict: { kind: 'inconclusive', exit: 'inconclusive', ...VERDICT, doubts: ['it did not come to rest'] },
});

describe('toObservationVerdict()', () => {
  for (const [what, stretches, outcomes, doubts, exit, sentence] of [
    [
      'nothing but ok',
      [],
      { ok: 2_995 },
      [],
      'proven',
      /^PROVEN: 0 lost of 2,995 requests in 0 replacements\./,
    ],
    ['a proven replacement', [stretch({})], { ok: 9 }, [], 'proven', /in 1 replacement\./],
    [
      'losses in one of two',
      [stretch({}), lossy],
      { ok: 97, reset: 3 },
      [],
      'failed',
      /^LOST 3 of 100 requests: 3 in 2 replacements\.$/,
    ],
    [
      'losses outside of any',
      [{ ...lossy, reasons: [] }, risky],
      { ok: 97, reset: 3 },
      [],
      'failed',
      /^LOST 3 of 100 requests: 0 in 1 replacement, 3 outside of any\.$/,
    ],
    ['a hazard', [risky], { ok: 100 }, [], 'at-risk', /^AT RISK: none lost of 100 requests in 1 replacement/],
    [
      'a hazard that is allowed',
      [{ ...risky, allowed: [hazard.hazard] }],
      { ok: 100 },
      [],
      'proven',
      /^PROVEN/,
    ],
    ['a doubt', [risky, doubtful], { ok: 100 }, [], 'inconclusive', /but it did not come to rest\.$/],
    ['a doubt about the whole', [], { ok: 100 }, ['no luck'], 'inconclusive', /but no luck\.$/],
    ['losses beside a doubt', [lossy, doubtful], { ok: 1, reset: 3 }, [], 'failed', /^LOST/],
    ['no request', [], {}, [], 'inconclusive', /no request was made/],
    [
      'failures that no stretch has',
      [],
      { ok: 1, reset: 2 },
      [],
      'inconclusive',
      /2 failed requests are in no stretch that was judged/,
    ],
    [
      'what the load gave up itself',
      [stretch({ givenUp: 2 })],
      { ok: 1, not_sent: 2 },
      [],
      'inconclusive',
      /but 2 requests were abandoned by the load itself\.$/,
    ],
  ] as const) {
    test(what, () => {
      const totals = stretches.reduce(addStretch, NO_TOTALS);
      const verdict = toObservationVerdict(totals, outcomes, doubts);
      assert.equal(verdict.exit, exit);
      assert.match(verdict.sentence, sentence);
    });
  }
});

test('addStretch() counts, and keeps nothing that grows', () => {
  const all = Array.from({ length: 1_000 }, () => [lossy, risky, doubtful]).flat();
  const totals = all.reduce(addStretch, NO_TOTALS);
  assert.deepEqual(totals.replacements, {
    losses: { eviction: 1_000 },
    'at-risk': { eviction: 1_000 },
    inconclusive: { eviction: 1_000 },
  });
  assert.deepEqual([totals.lostInReplacements, totals.causes], [3_000, { crashes: 3_000 }]);
  assert.deepEqual(totals.hazards, { [hazard.hazard]: 1_000 });
  assert.ok(JSON.stringify(totals).length < 1_000);
});

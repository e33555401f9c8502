import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import type { Proof } from './judgement.ts';
import { compareSeries } from './proof-comparison.ts';
import { parseRemoval } from './safeguard.ts';
import type { Series } from './series.ts';

const NAMES = { old: 'old.json', new: 'new.json' };
const proof = createSampleProof();
const series = (...proofs: Proof[]): Series => ({ proofs, controls: [], cutShort: null });

describe('compareSeries()', () => {
  test('adds up all proofs of a series: causes, outcomes, hazards, latencies by phase', () => {
    const found = compareSeries(series(proof), series(proof, proof), NAMES);
    assert.deepEqual(found.requests, { old: 800, new: 1_600 });
    assert.deepEqual(found.causes, [{ name: 'exits-on-sigterm', old: 3, new: 6, isMoreThanNoise: false }]);
    assert.deepEqual(found.hazards, [{ name: 'silent-close-while-draining', old: 1, new: 2 }]);
    assert.deepEqual([...new Set(found.latencies.map(({ group }) => group))], ['before', 'during', 'after']);
    assert.equal(found.verdict.new.sentence, 'LOST 6 of 1,600 requests, in 2 of 2 disruptions.');
  });

  test('shows the least of each margin', () => {
    const wider = { ...proof, margins: proof.margins.map((each) => ({ ...each, graceLeftMs: 9_000 })) };
    const { margins } = compareSeries(series(proof), series(proof, wider), NAMES);
    assert.deepEqual(
      margins.map(({ old, new: now }) => [old, now]),
      [
        [200, 200],
        [800, 800],
        [28_000, 9_000],
        [1_600, 1_600],
      ],
    );
  });

  const slower = {
    ...proof,
    record: {
      ...proof.record,
      series: proof.record.series.filter(({ slot }) => slot % 2 === 0),
      slotMs: 500,
    },
  };
  for (const [what, now, message] of [
    [
      'another disruption',
      series({ ...proof, disruption: 'drain' }),
      'they differ in disruptions: ["rollout"] and ["drain"]',
    ],
    [
      'other endpoints',
      series({ ...proof, endpoints: ['/a'] }),
      'they differ in endpoints: ["/"] and ["/a"]',
    ],
    [
      'a safeguard removed',
      series({ ...proof, without: [parseRemoval('preStop')] }),
      'they differ in safeguards that are removed: [] and ["preStop"]',
    ],
    ['another rate', series(slower), 'they differ in load: 100/s and 50/s'],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => compareSeries(series(proof), now, NAMES), {
        name: 'Fault',
        message: `old.json and new.json cannot be compared: ${message}`,
      });
    });
  }

  test('refuses a series without a proof', () => {
    assert.throws(() => compareSeries(series(), series(proof), NAMES), {
      message: 'old.json has no proof that could be compared',
    });
  });
});

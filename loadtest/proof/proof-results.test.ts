import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { HAZARDS } from './hazard.ts';
import type { Proof } from './judgement.ts';
import { formatProofMarkdown, toProofSuites } from './proof-results.ts';
import { parseRemoval } from './safeguard.ts';
import { type Series, toSeriesVerdict } from './series.ts';

const lossy = createSampleProof();
const clean: Proof = {
  ...lossy,
  ok: 800,
  lost: 0,
  outcomes: { ok: 800 },
  causes: {},
  fixes: [],
  losses: [],
  hazards: [],
  verdict: { kind: 'proven', exit: 'proven', sentence: 'PROVEN', doubts: [], upperBound: 0.004 },
};
const atRisk: Proof = {
  ...clean,
  hazards: lossy.hazards,
  verdict: { ...clean.verdict, kind: 'at-risk', exit: 'at-risk' },
};
const allowing: Proof = { ...clean, hazards: lossy.hazards, allowed: ['silent-close-while-draining'] };
const missed: Proof = {
  ...clean,
  requirements: [{ text: 'p99 < 5ms', unit: 'time', actual: 10, state: 'missed' }],
  verdict: { ...clean.verdict, kind: 'missed', exit: 'failed' },
};
const doubtful: Proof = {
  ...clean,
  verdict: { ...clean.verdict, kind: 'inconclusive', exit: 'inconclusive', doubts: ['it was interrupted'] },
};

const series = (...proofs: Proof[]): Series => ({ proofs, controls: [], cutShort: null });

/** The cases that did not pass, each as `kind: name`. */
function notPassed(given: Series): string[] {
  return toProofSuites(given, 0).flatMap(({ name: suite, cases }) =>
    cases.flatMap(({ name, result }) =>
      result.kind === 'passed' ? [] : [`${result.kind}: ${suite}: ${name}`],
    ),
  );
}

describe('toProofSuites()', () => {
  for (const [what, given, cases] of [
    ['a clean proof', series(clean), []],
    [
      'losses',
      series(lossy),
      [
        'failure: 1 rollout: no request is lost',
        'failure: 1 rollout: no hazard: silent-close-while-draining',
      ],
    ],
    ['a hazard', series(atRisk), ['failure: 1 rollout: no hazard: silent-close-while-draining']],
    ['an allowed hazard', series(allowing), ['skipped: 1 rollout: no hazard: silent-close-while-draining']],
    ['a missed requirement', series(missed), ['failure: 1 rollout: requires p99 < 5ms']],
    ['a doubt', series(doubtful), ['error: 1 rollout: no request is lost']],
    ['a second round that is in doubt', series(clean, doubtful), ['error: 2 rollout: no request is lost']],
    [
      'a series that was cut short',
      { ...series(clean), cutShort: 'it was interrupted' },
      ['error: series: every disruption is carried out'],
    ],
    ['no proof at all', series(), ['error: series: every disruption is carried out']],
  ] as const) {
    test(`${what}: ${cases.join(', ') || 'all pass'}`, () => {
      assert.deepEqual(notPassed(given), cases);
      const isRed = cases.some((name) => !name.startsWith('skipped'));
      assert.equal(toSeriesVerdict(given).exit === 'proven', !isRed, 'the exit code says the same');
    });
  }

  test('has the same cases whatever was found, so that a reporter can follow each', () => {
    const names = (proof: Proof) => toProofSuites(series(proof), 0)[0]?.cases.map(({ name }) => name);
    assert.deepEqual(names(lossy), names(clean));
    assert.equal(names(clean)?.length, 1 + Object.keys(HAZARDS).length);
  });

  test('tells of losses the cause, the fix, and each with its pod and trace', () => {
    const result = toProofSuites(series(lossy), 0)[0]?.cases[0]?.result;
    assert.ok(result?.kind === 'failure');
    assert.match(
      result.details,
      /^exits-on-sigterm \(3\): Handle SIGTERM\.\n5\.020 s {2}#501 .*web-old.* trace 0123/,
    );
  });

  test('a control that loses passes, and one that loses nothing is skipped: neither fails', () => {
    const without = [parseRemoval('preStop')];
    const given = {
      ...series(clean),
      controls: [
        { ...lossy, without },
        { ...clean, without },
      ],
    };
    assert.deepEqual(
      toProofSuites(given, 0)[1]?.cases.map(({ result }) => result.kind),
      ['passed', 'skipped'],
    );
  });
});

describe('formatProofMarkdown()', () => {
  const titles = (given: Series) => formatProofMarkdown(given).match(/^#.*/gm);

  test('has the verdict, losses by cause with the fix, hazards with costs, endpoints and outcomes', () => {
    const text = formatProofMarkdown(series(lossy));
    assert.deepEqual(titles(series(lossy)), [
      '## ✗ Failed: rollout of Deployment web in shop at http://web.test/',
      '### Losses',
      '### Hazards',
      '### Endpoints',
      '### Outcomes',
    ]);
    assert.ok(text.includes('**LOST 3 of 800 requests.**'));
    assert.ok(text.includes('| Exits on SIGTERM | 3 | 5.0–5.9 s | web-old |'));
    assert.ok(text.includes('- exits-on-sigterm: Handle SIGTERM.'));
    assert.ok(text.includes('| web-old | 5.2 s | 0.06 | 0.57 | 2.36 | yes |'));
    assert.ok(text.includes('| reset | 3 | 0.38% | yes |'));
  });

  test('tells of several disruptions which has found what', () => {
    assert.deepEqual(titles(series(clean, missed)), [
      '## ✗ Failed: 2 disruptions of Deployment web in shop at http://web.test/',
      '### Requirements of 2 rollout',
      '### Disruptions',
      '### Endpoints',
      '### Outcomes',
    ]);
  });

  test('says why there is no proof', () => {
    const text = formatProofMarkdown({ ...series(), cutShort: 'the rollout has no proof: no RBAC' });
    assert.match(text, /^## \? Inconclusive: 0 disruptions\n\n\*\*INCONCLUSIVE: .*no RBAC/);
  });
});

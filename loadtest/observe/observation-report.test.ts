import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import { Fault } from '../cli/fault.ts';
import {
  formatStretchLine,
  formatSummaryLine,
  parseObservation,
  toObservationSchema,
} from './observation-report.ts';
import type { ObservationResult } from './observer.ts';
import { addStretch, type JudgedStretch, NO_TOTALS, toObservationVerdict } from './totals.ts';

const { disruption: _, without: __, target: ___, marks: ____, ...judged } = createSampleProof();
const replacement: JudgedStretch = {
  ...judged,
  reasons: [
    { reason: 'rollout', text: 'rollout to revision 2 (restart) by kubectl-rollout', pods: ['web-old'] },
  ],
};
const losses: JudgedStretch = { ...judged, reasons: [] };
const totals = addStretch(addStretch(NO_TOTALS, replacement), losses);
const outcomes = { ok: 1_594, reset: 6 };
const observed: ObservationResult = {
  totals,
  outcomes,
  durationMs: 60_000,
  verdict: toObservationVerdict(totals, outcomes, []),
};
const text = [
  formatStretchLine(replacement),
  formatStretchLine(losses),
  formatSummaryLine('Service web in shop', '2026-01-01T00:00:00.000Z', observed),
].join('');

describe('the lines of an observation', () => {
  test('are read as they were written', () => {
    const lines = parseObservation(text, 'night.json');
    assert.deepEqual(
      lines.map(({ kind, verdict }) => [kind, verdict.kind]),
      [
        ['replacement', 'losses'],
        ['losses', 'losses'],
        ['summary', 'losses'],
      ],
    );
    const [first, , last] = lines;
    assert.ok(first?.kind === 'replacement' && last?.kind === 'summary');
    assert.deepEqual(first.reasons, replacement.reasons);
    assert.deepEqual(first.losses, judged.losses);
    assert.deepEqual(last.replacements, { losses: { rollout: 1 } });
    assert.deepEqual([last.lostInReplacements, last.lostOutside], [3, 3]);
  });

  test('are what their schema says', () => {
    const validate = new Ajv2020({ strict: false }).compile(toObservationSchema());
    for (const line of text.trimEnd().split('\n')) {
      assert.ok(validate(JSON.parse(line)), JSON.stringify(validate.errors));
    }
    assert.ok(!validate({ ...JSON.parse(formatStretchLine(losses)), lost: 'many' }));
  });

  test('leave out what grows with the load', () => {
    assert.deepEqual(Object.keys(JSON.parse(formatStretchLine(replacement))).includes('record'), false);
    const many = { ...losses, losses: Array.from({ length: 101 }, () => judged.losses[0]) } as JudgedStretch;
    assert.equal(JSON.parse(formatStretchLine(many)).losses.length, 100);
  });

  test('a line that is none is told with its number', () => {
    assert.throws(
      () => parseObservation(`${text}{"schema":"dropless.run/1"}\n`, 'night.json'),
      new Fault(
        'night.json:4 is no report of this version: schema must be dropless.observation/1, but is dropless.run/1',
      ),
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { upperBound95 } from '../load/evidence.ts';
import { judge, type RunEvidence } from './verdict.ts';

const evidence = (changes: Partial<RunEvidence> = {}): RunEvidence => ({
  outcomes: { ok: 1_000 },
  ledgerFault: null,
  requirements: [],
  lagP99Ms: 0.5,
  responseP50Ms: 5,
  isInterrupted: false,
  shards: { of: 1, present: [0], duplicates: [], isMerged: false },
  ...changes,
});
const requirement = (state: 'met' | 'missed' | 'unknown') =>
  [{ text: 'p99 < 5ms', unit: 'time', actual: 6, state }] as const;
const limited = { lagP99Ms: 2.5 };
const late = { lagP99Ms: 251 };
const merged = (of: number, present: readonly number[], duplicates: readonly number[] = []) => ({
  shards: { of, present, duplicates, isMerged: true },
});

describe('judge()', () => {
  const cases: readonly (readonly [string, Partial<RunEvidence>, string, string])[] = [
    ['all ok', {}, 'clean', 'proven'],
    ['all ok and as required', { requirements: requirement('met') }, 'clean', 'proven'],
    ['one reset', { outcomes: { ok: 999, reset: 1 } }, 'lost', 'failed'],
    ['a 503', { outcomes: { ok: 999, http_503: 1 } }, 'lost', 'failed'],
    ['a ledger that does not balance', { ledgerFault: 'planned 2, settled 1' }, 'unbalanced', 'failed'],
    ['a requirement missed', { requirements: requirement('missed') }, 'missed', 'failed'],
    [
      'nothing measured for a requirement',
      { requirements: requirement('unknown') },
      'unmeasured',
      'inconclusive',
    ],
    ['nothing sent', { outcomes: {} }, 'unmeasured', 'inconclusive'],
    ['a 404, which is the caller’s fault', { outcomes: { ok: 999, http_404: 1 } }, 'not-ok', 'inconclusive'],
    ['load a little late: no loss', limited, 'clean', 'proven'],
    [
      'load a little late, latency missed',
      { ...limited, requirements: requirement('missed') },
      'missed',
      'inconclusive',
    ],
    [
      'load a little late, another requirement missed',
      { ...limited, requirements: [{ text: 'requests > 9', unit: 'count', actual: 6, state: 'missed' }] },
      'missed',
      'failed',
    ],
    ['late load', late, 'late', 'inconclusive'],
    [
      'late load, requirement missed',
      { ...late, requirements: requirement('missed') },
      'late',
      'inconclusive',
    ],
    [
      'load a little late, time-outs that its lag does not explain',
      { lagP99Ms: 250, outcomes: { ok: 9, timeout: 1 } },
      'lost',
      'failed',
    ],
    [
      'late load, its own time-outs',
      { ...late, outcomes: { ok: 9, timeout: 1, not_sent: 5 } },
      'late',
      'inconclusive',
    ],
    [
      'late load, a reset among time-outs',
      { ...late, outcomes: { ok: 9, timeout: 5, reset: 1 } },
      'lost',
      'failed',
    ],
    ['interrupted', { isInterrupted: true }, 'interrupted', 'inconclusive'],
    [
      'interrupted with requests open',
      { isInterrupted: true, outcomes: { ok: 9, unfinished: 3, not_sent: 1 } },
      'interrupted',
      'inconclusive',
    ],
    [
      'interrupted after a time-out',
      { isInterrupted: true, outcomes: { ok: 9, timeout: 1 } },
      'lost',
      'failed',
    ],
    [
      'interrupted, requirement missed',
      { isInterrupted: true, requirements: requirement('missed') },
      'missed',
      'failed',
    ],
    ['all parts merged', merged(2, [0, 1]), 'clean', 'proven'],
    ['a part missing', merged(3, [0, 2]), 'incomplete', 'inconclusive'],
    ['a part given twice', merged(2, [0, 1], [1]), 'incomplete', 'inconclusive'],
    ['a part missing and a loss', { ...merged(2, [0]), outcomes: { ok: 9, reset: 1 } }, 'lost', 'failed'],
    [
      'one part as its machine has it',
      { shards: { of: 2, present: [1], duplicates: [], isMerged: false } },
      'part',
      'proven',
    ],
  ];
  for (const [name, changes, kind, exit] of cases) {
    test(`${name}: ${kind}, ${exit}`, () => {
      const verdict = judge(evidence(changes));
      assert.deepEqual([verdict.kind, verdict.exit], [kind, exit]);
      assert.match(verdict.sentence, /^[A-Z\d].*\.$/);
    });
  }

  const sentences: readonly (readonly [Partial<RunEvidence>, string])[] = [
    [{}, 'None of 1,000 requests was lost; with 95 % confidence, fewer than 0.3% of such requests are.'],
    [
      { outcomes: { ok: 9_997, reset: 1, http_503: 2 } },
      '3 of 10,000 requests were lost (0.03%): 2 http_503, 1 reset.',
    ],
    [{ outcomes: { ok: 9, timeout: 1 } }, '1 of 10 requests was lost (10%): 1 timeout.'],
    [
      merged(3, [1]),
      'INCOMPLETE: missing 0, 2 of the 3 parts from 0 to 2; none of 1,000 requests was lost in what there is.',
    ],
  ];
  for (const [changes, sentence] of sentences) {
    test(`says: ${sentence}`, () => assert.equal(judge(evidence(changes)).sentence, sentence));
  }
});

describe('the latency verdict', () => {
  const cases: readonly (readonly [number, number, string])[] = [
    [2, 5, 'trusted'],
    [2.01, 5, 'generator-limited'],
    [2.01, 20.1, 'trusted'],
    [3, 30, 'trusted'],
    [3.01, 30, 'generator-limited'],
    [2.01, Number.NaN, 'unmeasured'],
  ];
  for (const [lagP99Ms, responseP50Ms, kind] of cases) {
    test(`lag p99 ${lagP99Ms} ms at response p50 ${responseP50Ms} ms: ${kind}`, () => {
      const { latency } = judge(evidence({ lagP99Ms, responseP50Ms }));
      assert.equal(latency.kind, kind);
      assert.match(latency.sentence, /^[A-Z].*\.$/);
    });
  }
});

describe('upperBound95()', () => {
  test('is the share at which no loss in n would be seen in one run of twenty', () => {
    for (const n of [1, 10, 12_000]) assert.ok(Math.abs((1 - upperBound95(n)) ** n - 0.05) < 1e-9);
    assert.equal(upperBound95(1), 0.95);
  });
});

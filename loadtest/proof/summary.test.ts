import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSampleProof } from '../../test/fixtures/sample-proof.ts';
import type { Proof } from './judgement.ts';
import { parseRemoval } from './safeguard.ts';
import { formatProof, formatStory, toControlRows, toSentence } from './summary.ts';
import type { ProofVerdict } from './verdict.ts';

const sample = createSampleProof();

function toProof(kind: ProofVerdict['kind'], lost: number, doubts: readonly string[] = []): Proof {
  return { ...sample, lost, causes: {}, losses: [], verdict: { ...sample.verdict, kind, doubts } };
}

const toControl = (proof: Proof): Proof => ({ ...proof, without: [parseRemoval('preStop')] });
const YES = 'As expected without preStop.';
const NOTHING = 'Without preStop, nothing was lost: not shown to matter here.';
const NO_MORE = 'Without preStop, no more was lost: not shown to matter here.';
const UNDECIDED = 'Whether preStop matters here is undecided.';

const proven = toProof('proven', 0);
const lossy = toProof('losses', 3);
const late = ['it was late'];

const pairs: readonly (readonly [what: string, Proof, control: Proof, worth: string, sentence: string])[] = [
  ['any loss, beside a proof', proven, toProof('losses', 1), 'yes', YES],
  ['any loss, with a doubt, beside a proof', proven, toProof('losses', 1, late), 'yes', YES],
  [
    'without a cause, beside a proof',
    proven,
    { ...toProof('losses', 1), causes: { unknown: 1 } },
    'undecided',
    UNDECIDED,
  ],
  ['no loss', proven, proven, 'not shown', NOTHING],
  ['no loss, and a doubt', proven, toProof('inconclusive', 0, late), 'undecided', UNDECIDED],
  ['all given up by the load itself', proven, toProof('inconclusive', 9, late), 'undecided', UNDECIDED],
  ['more than the proof, and not by chance', lossy, toProof('losses', 40), 'yes', YES],
  ['more than the proof, which may be chance', lossy, toProof('losses', 4), 'undecided', UNDECIDED],
  ['12 beside 14', toProof('losses', 12), toProof('losses', 14), 'undecided', UNDECIDED],
  [
    'more than the proof, but of more requests',
    lossy,
    { ...toProof('losses', 6), planned: 2 * lossy.planned },
    'not shown',
    NO_MORE,
  ],
  ['as many as the proof', lossy, toProof('losses', 3), 'not shown', NO_MORE],
  ['nothing, beside losses', lossy, proven, 'not shown', NO_MORE],
  ['fewer than the proof, and a doubt', lossy, toProof('losses', 2, late), 'undecided', UNDECIDED],
  [
    'more than a proof with a doubt',
    toProof('losses', 3, late),
    toProof('losses', 4),
    'undecided',
    UNDECIDED,
  ],
  ['any loss, beside no proof', toProof('inconclusive', 0, late), lossy, 'undecided', UNDECIDED],
];

describe('a control that loses', () => {
  for (const [what, proof, control, worth, sentence] of pairs) {
    test(`${what}: ${worth}`, () => {
      assert.equal(toControlRows(proof, [toControl(control)]).rows[0]?.[3], worth);
      assert.ok(toSentence(toControl(control), proof).endsWith(` ${sentence}`));
    });
  }
});

describe('toSentence()', () => {
  for (const [control, sentence] of [
    [lossy, YES],
    [proven, NOTHING],
    [toProof('inconclusive', 9, late), UNDECIDED],
  ] as const) {
    test(`of a control alone that is ${control.verdict.kind}`, () => {
      assert.equal(toSentence(toControl(control)), `${control.verdict.sentence} ${sentence}`);
    });
  }

  test('of a proof says nothing of safeguards', () => {
    assert.equal(toSentence(proven), proven.verdict.sentence);
  });
});

describe('toControlRows()', () => {
  for (const [what, control, because] of [
    [
      'nothing',
      proven,
      'no request needed the wait before SIGTERM, in which every node learns that the pod is leaving',
    ],
    ['doubts', toProof('inconclusive', 0, late), 'it was late'],
    [
      'causes and doubts',
      { ...toProof('losses', 3, late), causes: { 'node-lost': 3 } },
      'Node lost: 3; it was late',
    ],
  ] as const) {
    test(`gives ${what} as the reason`, () => {
      assert.equal(toControlRows(proven, [toControl(control)]).rows[0]?.[4], because);
    });
  }
});

test('formatProof() tells some losses, and how many there are besides', () => {
  assert.doesNotMatch(formatProof(sample), / more$/m);
  assert.match(formatProof({ ...sample, lost: 10 }), /^ {2}and 7 more$/m);
});

test('formatStory() knows a connection that was kept, one that is new, and one that never was', () => {
  const [loss] = sample.losses;
  assert.ok(loss !== undefined && loss.settlement.connection !== null);
  const { settlement } = loss;
  const connection = { ...loss.settlement.connection, reused: false };
  const tell = (facts: typeof settlement.connection) =>
    / reset \((.*?)\)/.exec(
      formatStory({ ...loss, settlement: { ...settlement, connection: facts } }, ['/']),
    )?.[1];
  assert.deepEqual([settlement.connection, connection, { ...connection, requests: 0 }, null].map(tell), [
    'keep-alive connection, idle for 12 ms',
    'fresh connection',
    'no connection',
    'no connection',
  ]);
});

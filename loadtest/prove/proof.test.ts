import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toUnseen } from './proof.ts';
import { type PodEvent, toLives } from './timeline.ts';

/** One pod a letter: an endpoint from the first to the second time; null: still. */
function toPods(spans: Readonly<Record<string, readonly [number, number | null]>>) {
  const events = Object.entries(spans).flatMap(([pod, [fromMs, toMs]]): PodEvent[] => [
    { atMs: fromMs, pod, kind: 'endpoint-added' },
    ...(toMs === null ? [] : [{ atMs: toMs, pod, kind: 'endpoint-removed' } as const]),
  ]);
  return [...toLives(events).values()];
}

const rollout = toPods({ old: [-5_000, 4_000], new: [3_000, null] });

describe('toUnseen()', () => {
  for (const [what, answered, okSpan, lives, unseen] of [
    ['every pod answered', ['old', 'new'], { firstMs: 1, lastMs: 9_000 }, rollout, []],
    ['a new pod never did', ['old'], { firstMs: 1, lastMs: 9_000 }, rollout, ['no answer came from new']],
    ['the old pod never did', ['new'], { firstMs: 1, lastMs: 9_000 }, rollout, ['no answer came from old']],
    [
      'an endpoint for 1,499 ms need not',
      ['a'],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [0, null], b: [100, 1_599] }),
      [],
    ],
    [
      'an endpoint for 1,500 ms must',
      ['a'],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [0, null], b: [100, 1_600] }),
      ['no answer came from b'],
    ],
    [
      'time before the load does not count',
      ['a'],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [0, null], b: [-9_000, 1_499] }),
      [],
    ],
    ['no names, ok before and after', [], { firstMs: 2_999, lastMs: 4_001 }, rollout, []],
    [
      'no names, first ok too late',
      [],
      { firstMs: 3_000, lastMs: 4_001 },
      rollout,
      ['no ok answer came before the first change'],
    ],
    [
      'no names, last ok too early',
      [],
      { firstMs: 1, lastMs: 4_000 },
      rollout,
      ['no ok answer came after the last change'],
    ],
    [
      'no names, no change',
      [],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [-1, null] }),
      ['no pod was seen to change'],
    ],
    ['nothing at all', [], null, [], ['no answer was ok']],
  ] as const) {
    test(what, () => {
      const seen = new Map(answered.map((pod) => [pod, 1]));
      assert.deepEqual(toUnseen({ answered: seen, okSpan }, lives), unseen);
    });
  }
});

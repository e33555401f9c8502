import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import { toLosses, toUndisrupted, toUnseen } from './judgement.ts';
import { createPodResponses } from './pod-responses.ts';
import { createServiceTimes } from './service-times.ts';
import { createSuccesses } from './successes.ts';
import { type PodEvent, toPodTimelines } from './timeline.ts';

/** One pod a letter: an endpoint from the first to the second time; null: still. */
function toPods(spans: Readonly<Record<string, readonly [number, number | null]>>) {
  const events = Object.entries(spans).flatMap(([pod, [fromMs, toMs]]): PodEvent[] => [
    { atMs: fromMs, pod, kind: 'endpoint-added' },
    ...(toMs === null ? [] : [{ atMs: toMs, pod, kind: 'endpoint-removed' } as const]),
  ]);
  return [...toPodTimelines(events).values()];
}

const rollout = toPods({ old: [-5_000, 4_000], new: [3_000, null] });

describe('toUnseen()', () => {
  for (const [what, answered, okSpan, timelines, unseen] of [
    ['every pod answered', ['old', 'new'], { firstMs: 1, lastMs: 9_000 }, rollout, []],
    ['a new pod never did', ['old'], { firstMs: 1, lastMs: 9_000 }, rollout, ['no response came from new']],
    ['the old pod never did', ['new'], { firstMs: 1, lastMs: 9_000 }, rollout, ['no response came from old']],
    [
      'an endpoint for the last 2,999 ms of the load need not',
      ['a'],
      { firstMs: 1, lastMs: 9_000 },
      toPods({ a: [-5_000, null], b: [7_001, null] }),
      [],
    ],
    [
      'an endpoint for 2,999 ms need not',
      ['a'],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [0, null], b: [100, 3_099] }),
      [],
    ],
    [
      'an endpoint for 3,000 ms must',
      ['a'],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [0, null], b: [100, 3_100] }),
      ['no response came from b'],
    ],
    [
      'time before the load does not count',
      ['a'],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [0, null], b: [-9_000, 2_999] }),
      [],
    ],
    ['no names, ok before and after', [], { firstMs: 2_999, lastMs: 4_001 }, rollout, []],
    [
      'no names, first ok too late',
      [],
      { firstMs: 3_000, lastMs: 4_001 },
      rollout,
      ['no ok response came before the first change'],
    ],
    [
      'no names, last ok too early',
      [],
      { firstMs: 1, lastMs: 4_000 },
      rollout,
      ['no ok response came after the last change'],
    ],
    [
      'no names, no change',
      [],
      { firstMs: 1, lastMs: 2 },
      toPods({ a: [-1, null] }),
      ['no pod was seen to change'],
    ],
    ['nothing at all', [], null, [], ['no response was ok']],
    [
      'only others answered',
      ['staging-1'],
      { firstMs: 1, lastMs: 9_000 },
      rollout,
      ['the responses name pods that are not the target’s, for example staging-1 (--pod-header)'],
    ],
  ] as const) {
    test(what, () => {
      const seen = new Map(answered.map((pod) => [pod, 1]));
      assert.deepEqual(toUnseen({ answered: seen, okSpan }, timelines, 10_000), unseen);
    });
  }
});

describe('toLosses() of a 503 at 3 s, where responses name no pod and one pod is new', () => {
  const podOf = () => null;
  const connection = { id: 1, reused: false, setupMs: 1, idleMs: 0, ageMs: 1, requests: 1 };
  const loss = createSettlement({
    ...{ sentMs: 3_000, endMs: 3_001, outcome: 'http_503', status: 503, pod: null },
    connection: { ...connection, localPort: 1, remoteAddress: null },
  });

  function judge(events: readonly PodEvent[]) {
    const timelines = toPodTimelines([
      { atMs: -5_000, pod: 'old', kind: 'ready' },
      { atMs: -5_000, pod: 'old', kind: 'endpoint-added' },
      { atMs: 1_000, pod: 'new', kind: 'ready' },
      { atMs: 1_000, pod: 'new', kind: 'endpoint-added' },
      ...events,
    ]);
    const [judged] = toLosses([loss], {
      timelines: [...timelines.values()],
      podOf,
      responses: createPodResponses(podOf),
      serviceTimes: createServiceTimes(),
      successes: createSuccesses(),
      connections: { idleTimeoutMs: () => null, hasAnnounced: () => false },
      beganMs: 500,
      slackMs: 30,
    });
    return judged;
  }
  const probed: PodEvent = { atMs: 1_100, pod: 'new', kind: 'direct-accepted', uncertainMs: 0 };
  const answeredAt = (atMs: number): PodEvent[] => [probed, { atMs, pod: 'new', kind: 'direct-answered' }];

  for (const [what, events, pod, cause, why] of [
    ['not probed', [], 'new', 'ready-too-early', /no response shows whether it had answered/],
    [
      'answered a probe later',
      answeredAt(3_100),
      'new',
      'ready-too-early',
      /first answered a direct probe 99 ms later/,
    ],
    ['had answered a probe', answeredAt(2_900), null, 'too-little-capacity', /every pod .* was ready/],
  ] as const) {
    test(`it ${what}: ${cause}`, () => {
      const judged = judge(events);
      assert.deepEqual([judged?.pod, judged?.cause], [pod, cause], judged?.why);
      assert.match(judged?.why ?? '', why);
    });
  }
});

describe('toUndisrupted()', () => {
  /** One pod a letter, an endpoint all the time: when it was deleted; null: never. */
  function toTold(told: Readonly<Record<string, number | null>>) {
    const events = Object.entries(told).flatMap(([pod, atMs]): PodEvent[] => [
      { atMs: -5_000, pod, kind: 'scheduled', version: null, node: null, isProbed: false },
      { atMs: -5_000, pod, kind: 'endpoint-added' },
      ...(atMs === null ? [] : [{ atMs, pod, kind: 'terminating', graceMs: 1, preStopMs: 0 } as const]),
    ]);
    return [...toPodTimelines(events).values()];
  }
  const replaced = toTold({ a: 1_000, b: 2_000 });
  const corpse = toPodTimelines([{ atMs: 1_000, pod: 'dead', kind: 'gone' }]);

  for (const [what, disruption, timelines, expected] of [
    ['every pod replaced', 'rollout', replaced, null],
    ['one pod left', 'rollout', toTold({ a: 1_000, b: null }), 'not replaced: b'],
    ['nothing at all', 'rollout', toTold({ a: null, b: null }), 'no serving pod was terminated'],
    ['an end from before', 'kill', toTold({ a: 999 }), 'no serving pod was terminated'],
    ['one of two', 'drain', toTold({ a: 1_000, b: null }), null],
    ['a pod that never served', 'kill', [...corpse.values()], 'no serving pod was terminated'],
    ['a command that ended a pod', 'run', toTold({ a: 1_000 }), null],
    [
      'a command that touched only a pod of another Deployment',
      'run',
      [
        ...toTold({ a: null }),
        ...toPodTimelines([
          { atMs: -5_000, pod: 'canary', kind: 'endpoint-added' },
          { atMs: 1_000, pod: 'canary', kind: 'endpoint-removed' },
        ]).values(),
      ],
      'no pod was seen to change, so the command of --do disrupted something else, or nothing',
    ],
    [
      'a command that touched no pod',
      'run',
      toTold({ a: 999 }),
      'no pod was seen to change, so the command of --do disrupted something else, or nothing',
    ],
  ] as const) {
    test(`${disruption}, ${what}`, () => assert.equal(toUndisrupted(disruption, timelines, 1_000), expected));
  }

  test('pods of another Deployment behind the same Service need not end, and do not count', () => {
    const foreign = [...toPodTimelines([{ atMs: -5_000, pod: 'canary', kind: 'endpoint-added' }]).values()];
    assert.equal(toUndisrupted('rollout', [...replaced, ...foreign], 1_000), null);
    assert.equal(toUndisrupted('kill', foreign, 1_000), 'no serving pod was terminated');
  });

  test('a new pod of a rollout need not end', () => {
    const young = toPodTimelines([{ atMs: 1_500, pod: 'new', kind: 'endpoint-added' }]);
    assert.equal(toUndisrupted('rollout', [...replaced, ...young.values()], 1_000), null);
  });

  test('a pod that is gone at once, as by force, was ended', () => {
    const timelines = toPodTimelines([
      { atMs: 0, pod: 'a', kind: 'scheduled', version: null, node: null, isProbed: false },
      { atMs: 0, pod: 'a', kind: 'endpoint-added' },
      { atMs: 1_000, pod: 'a', kind: 'gone' },
    ]);
    assert.equal(toUndisrupted('kill', [...timelines.values()], 1_000), null);
  });
});

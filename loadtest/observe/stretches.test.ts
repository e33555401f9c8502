import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSettlement } from '../../test/fixtures/settlement.ts';
import type { Outcome } from '../engine/outcome.ts';
import { DEFAULT_LOAD, toLoadSpec } from '../proof/proof-load.ts';
import type { PodEvent } from '../proof/timeline.ts';
import type { ObservedTarget } from './observed-target.ts';
import type { WorkloadChange } from './replacement.ts';
import { createStretches, findStrayGroup } from './stretches.ts';
import type { JudgedStretch } from './totals.ts';

const SPEC = toLoadSpec(new URL('http://web.test/'), { ...DEFAULT_LOAD, endpoints: [] });
const START_MS = 5_000_000;
/** Requests are due this often. */
const STEP_MS = 100;

type Step = PodEvent extends infer E ? (E extends PodEvent ? Omit<E, 'pod' | 'atMs'> : never) : never;

/** Pods `a` and `b` serve; what happens is told in ms since the load began. */
async function watchFor(
  untilMs: number,
  {
    events = [],
    changes = [],
    lostAt = [],
    gaps = [],
  }: {
    readonly events?: readonly (readonly [number, string, Step])[];
    readonly changes?: readonly WorkloadChange[];
    readonly lostAt?: readonly number[];
    readonly gaps?: readonly number[];
  },
) {
  const known: PodEvent[] = ['a', 'b'].flatMap((pod): PodEvent[] => [
    { atMs: START_MS - 9_000, pod, kind: 'scheduled', version: 'v1', node: 'n1', isProbed: true },
    { atMs: START_MS - 9_000, pod, kind: 'ready' },
    { atMs: START_MS - 9_000, pod, kind: 'endpoint-added' },
  ]);
  const forgotten: number[] = [];
  const marks: { atMs: number; text: string }[] = [];
  const target: ObservedTarget = {
    name: 'web',
    url: new URL('http://web.test/'),
    events: known,
    gaps: marks,
    changes: changes.map((change) => ({ ...change, atMs: START_MS + change.atMs })),
    wanted: 2,
    slackMs: 1_500,
    surgeAdvice: '',
    revisionOf: () => '2',
    podOf: () => null,
    podNamed: (text) => text,
    identitiesOf: (pod) => [pod],
    isTarget: () => true,
    confirm: () => Promise.resolve(),
    forget: (ms) => void forgotten.push(ms - START_MS),
    tell: () => Promise.resolve(),
    close: () => {},
  };
  const judged: JudgedStretch[] = [];
  const stretches = createStretches({ tailMs: 5_000, allowed: [] }, SPEC, target, (one) => judged.push(one));
  stretches.begin(START_MS, 1_700_000_000_000);
  let told = 0;
  for (let nowMs = 0; nowMs <= untilMs; nowMs += STEP_MS) {
    for (; (events[told]?.[0] ?? Number.POSITIVE_INFINITY) <= nowMs; told += 1) {
      const [atMs = 0, pod = '', step] = events[told] ?? [];
      known.push({ atMs: START_MS + atMs, pod, ...step } as PodEvent);
    }
    for (const atMs of gaps) if (atMs === nowMs) marks.push({ atMs: START_MS + atMs, text: 'pods: cut off' });
    if (nowMs % 500 === 0) await stretches.look(nowMs);
    const outcome: Outcome = lostAt.includes(nowMs) ? 'reset' : 'ok';
    const pod = outcome === 'ok' ? (['a', 'b', 'c', 'd'][(nowMs / STEP_MS) % 4] ?? null) : null;
    const isThere = known.some((event) => event.pod === pod && event.kind === 'ready');
    stretches.add(
      createSettlement({ index: nowMs / STEP_MS, intendedMs: nowMs, outcome, pod: isThere ? pod : 'a' }),
    );
  }
  await stretches.finish(untilMs);
  return { judged, totals: stretches.totals, outcomes: stretches.outcomes, forgotten };
}

const scheduled = { kind: 'scheduled', version: 'v1', node: 'n1', isProbed: true } as const;

/** `a` is deleted at 60 s, `c` takes its place while `b` is alone, and all is quiet at 64 s. */
const DELETION = [
  [60_000, 'a', { kind: 'terminating', graceMs: 30_000, preStopMs: 1_000 }],
  [60_100, 'c', scheduled],
  [60_200, 'a', { kind: 'endpoint-removed' }],
  [62_000, 'c', { kind: 'ready' }],
  [62_000, 'c', { kind: 'endpoint-added' }],
  [64_000, 'a', { kind: 'exited', code: 0, signal: null }],
  [64_000, 'a', { kind: 'gone' }],
] as const;

const toSpan = ({ startedAt, durationMs }: JudgedStretch) => {
  const fromMs = Date.parse(startedAt) - 1_700_000_000_000;
  return [fromMs, fromMs + durationMs];
};

describe('createStretches()', () => {
  test('judges nothing while nothing happens', async () => {
    const { judged, outcomes } = await watchFor(100_000, {});
    assert.deepEqual([judged, outcomes], [[], { ok: 1_001 }]);
  });

  test('judges a replacement from some load before it until some after it', async () => {
    const { judged } = await watchFor(100_000, { events: DELETION });
    assert.deepEqual(
      judged.map((each) => [
        each.verdict.kind,
        each.lost,
        each.reasons.map(({ text }) => text),
        toSpan(each),
      ]),
      [['at-risk', 0, ['deletion'], [45_000, 69_000]]],
    );
    const [first] = judged;
    assert.equal(first?.planned, 240);
    assert.deepEqual(
      first?.timelines.map(({ pod, terminatingMs, goneMs }) => [pod, terminatingMs, goneMs]),
      [
        ['a', 15_000, 19_000],
        ['b', null, null],
        ['c', null, null],
      ],
    );
  });

  test('a replacement has what direct probes found in it, and comes to rest beside them', async () => {
    const closed = Array.from({ length: 25 }, (_, index): readonly [number, string, Step] => [
      index * 4_000,
      'b',
      { kind: 'direct-closed', idleMs: 3_000 },
    ]);
    const probed: readonly (readonly [number, string, Step])[] = [
      ...DELETION,
      ...closed,
      [1_000, 'a', { kind: 'direct-accepted', uncertainMs: 0 }],
      [1_000, 'b', { kind: 'direct-accepted', uncertainMs: 0 }],
      [63_000, 'a', { kind: 'direct-refused', uncertainMs: 200 }],
    ];
    const { judged } = await watchFor(100_000, { events: [...probed].sort(([one], [other]) => one - other) });
    assert.deepEqual(judged.map(toSpan), [[45_000, 69_000]]);
    const [a, b] = judged[0]?.timelines ?? [];
    assert.deepEqual(a?.direct?.accepts, [{ fromMs: -44_000, toMs: 17_800 }]);
    assert.deepEqual(
      b?.direct?.closed.map(({ atMs }) => atMs),
      [3_000, 7_000, 11_000, 15_000, 19_000, 23_000],
    );
    assert.match(
      judged[0]?.hazards.find(({ pod }) => pod === 'b')?.why ?? '',
      /6 of them the direct probes’/,
    );
  });

  test('a loss in a replacement is of that, and of no other', async () => {
    const { judged, totals } = await watchFor(100_000, { events: DELETION, lostAt: [60_500, 61_000] });
    assert.deepEqual(
      judged.map(({ verdict, lost, reasons }) => [verdict.kind, lost, reasons.length]),
      [['losses', 2, 1]],
    );
    assert.deepEqual(
      [totals.lostInReplacements, totals.lostOutside, totals.replacements],
      [2, 0, { losses: { deletion: 1 } }],
    );
  });

  test('losses far from any replacement are judged by themselves, those that lie together at once', async () => {
    const { judged, totals } = await watchFor(200_000, { lostAt: [20_000, 29_000, 60_000] });
    assert.deepEqual(
      judged.map((each) => [each.verdict.kind, each.lost, each.reasons, toSpan(each).map(Math.round)]),
      [
        ['losses', 2, [], [10_000, 29_000]],
        ['losses', 1, [], [50_000, 60_000]],
      ],
    );
    assert.deepEqual([totals.lostInReplacements, totals.lostOutside], [0, 3]);
  });

  test('a loss before a replacement, and one after it, are not of it', async () => {
    const { judged } = await watchFor(200_000, { events: DELETION, lostAt: [30_000, 70_000] });
    assert.deepEqual(
      judged.map(({ lost, reasons }) => [lost, reasons.length]),
      [
        [0, 1],
        [1, 0],
        [1, 0],
      ],
    );
  });

  test('what was lost before a node was told to be lost is of that', async () => {
    const { judged } = await watchFor(200_000, {
      events: [
        [90_000, 'a', { kind: 'node-lost' }],
        [90_000, 'a', { kind: 'endpoint-removed' }],
      ],
      lostAt: [40_000, 41_000],
    });
    assert.deepEqual(
      judged.map(({ lost, reasons, causes }) => [lost, reasons.map(({ text }) => text), causes]),
      [[2, ['node n1 lost'], { 'node-lost': 2 }]],
    );
  });

  test('what was lost while a container hung is of its restart for the liveness probe', async () => {
    const { judged } = await watchFor(200_000, {
      events: [
        [70_000, 'a', { kind: 'probe-failed', probe: 'liveness', isKill: true }],
        [70_000, 'a', { kind: 'unready' }],
        [99_000, 'a', { kind: 'exited', code: 137, signal: null }],
        [105_000, 'a', { kind: 'ready' }],
      ],
      lostAt: [40_000, 41_000],
    });
    assert.deepEqual(
      judged.map(({ lost, reasons }) => [lost, reasons.map(({ text }) => text)]),
      [[2, ['liveness probe failed']]],
    );
  });

  test('a request is of one stretch where replacements follow one another', async () => {
    const again = DELETION.map(([atMs, pod, step]) => [
      atMs + 12_000,
      pod === 'a' ? 'b' : 'd',
      step,
    ]) as unknown as typeof DELETION;
    const { judged } = await watchFor(120_000, { events: [...DELETION, ...again], lostAt: [69_500] });
    assert.deepEqual(judged.map(toSpan), [
      [45_000, 69_000],
      [69_000, 81_000],
    ]);
    assert.deepEqual(
      judged.map(({ lost }) => lost),
      [0, 1],
    );
  });

  test('what does not come to rest is inconclusive, and over after five still minutes', async () => {
    const { judged } = await watchFor(400_000, {
      events: [[60_000, 'a', { kind: 'exited', code: 1, signal: null }]],
    });
    assert.deepEqual(
      judged.map(({ verdict, reasons }) => [verdict.kind, verdict.doubts, reasons[0]?.text]),
      [['inconclusive', ['it did not come to rest: not ready: a'], 'crash with exit code 1']],
    );
  });

  test('a replacement that is under way at the end is told to be', async () => {
    const { judged } = await watchFor(61_000, { events: DELETION });
    assert.deepEqual(
      judged.map(({ verdict }) => verdict.doubts),
      [['the observation ended before it was over']],
    );
  });

  test('a gap of the watch is a doubt about the replacement in which it was', async () => {
    const { judged } = await watchFor(100_000, { events: DELETION, gaps: [20_000, 61_000] });
    assert.deepEqual(
      judged.map(({ verdict }) => verdict.doubts),
      [['the watch was interrupted (pods: cut off)']],
    );
  });

  test('losses that are still waiting at the end are judged, so that every request is accounted for', async () => {
    const { judged, totals, outcomes } = await watchFor(30_000, { lostAt: [29_900] });
    assert.deepEqual([judged.length, totals.lostOutside, outcomes], [1, 1, { ok: 300, reset: 1 }]);
  });

  test('lets the target forget what is over', async () => {
    const { forgotten } = await watchFor(400_000, { events: DELETION });
    assert.ok((forgotten.at(-1) ?? 0) > 200_000, `${forgotten.at(-1)}`);
  });
});

describe('findStrayGroup()', () => {
  const lostAt = (...times: readonly number[]) =>
    times.map((intendedMs) => createSettlement({ intendedMs, outcome: 'reset' }));
  const END = Number.POSITIVE_INFINITY;
  for (const [what, times, spans, nowMs, found] of [
    ['none', [], [], END, 0],
    ['not held for long enough', [0], [], 74_999, 0],
    ['held for long enough', [0], [], 75_000, 1],
    ['together up to 10 s apart', [0, 10_000, 20_000], [], END, 3],
    ['apart by more', [0, 10_001], [], END, 1],
    ['together for a minute at most', Array.from({ length: 20 }, (_, n) => n * 6_000), [], END, 11],
    ['the last may have more beside it', [0, 9_000, 18_000, 27_000, 36_000, 45_000, 54_000], [], 60_000, 0],
    ['not across a stretch', [0, 9_000], [{ fromMs: 5_000, toMs: 6_000 }], END, 1],
  ] as const) {
    test(what, () => assert.equal(findStrayGroup(lostAt(...times), spans, nowMs).length, found));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { simulateRollout, toFleets } from '../../test/fixtures/simulated-fleet.ts';
import { isLost } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { inferSuspects } from './pod-inference.ts';
import { createSuccesses } from './successes.ts';
import { type PodEvent, toPodTimelines } from './timeline.ts';

test('inferSuspects() ends where the disruption was skipped', () => {
  const [fleet] = fc.sample(toFleets(['too-little-capacity']), { seed: 1, numRuns: 1 });
  assert.ok(fleet !== undefined);
  const run = simulateRollout(fleet);
  const losses = run.settlements
    .filter(({ outcome }) => isLost(outcome))
    .map((each) => ({ ...each, pod: null }));
  const found = inferSuspects({
    timelines: [...toPodTimelines(run.events).values()],
    losses,
    successes: createSuccesses(),
    isNamed: false,
    firstOkMs: () => null,
    beganMs: Number.POSITIVE_INFINITY,
    slackMs: 120,
  });
  assert.equal(found.size, losses.length);
});

const CONNECT_TIMEOUT_MS = 10_000;
const UNESTABLISHED = { id: 1, reused: false, ageMs: 0, idleMs: 0, requests: 0, localPort: null };

/** Each tried at that time. */
const UNCONNECTED: Record<string, (triedMs: number) => Pick<Settlement, 'outcome' | 'endMs' | 'connection'>> =
  {
    refused: (triedMs) => ({ outcome: 'refused', endMs: triedMs, connection: null }),
    'not answered': (triedMs) => ({
      outcome: 'connect_timeout',
      endMs: triedMs + CONNECT_TIMEOUT_MS,
      connection: { ...UNESTABLISHED, setupMs: CONNECT_TIMEOUT_MS, remoteAddress: '10.96.0.7' },
    }),
  };

for (const [how, toEnd] of Object.entries(UNCONNECTED)) {
  test(`inferSuspects() finds a pod that nodes lead connections to long after it has gone: ${how}`, () => {
    const there = (pod: string): PodEvent[] => [
      { atMs: -3_000, pod, kind: 'scheduled', version: 'v1', node: 'n1', isProbed: false },
      { atMs: -2_000, pod, kind: 'ready' },
      { atMs: -2_000, pod, kind: 'endpoint-added' },
    ];
    const events: PodEvent[] = [
      ...there('a'),
      ...there('b'),
      { atMs: 10_000, pod: 'a', kind: 'terminating', graceMs: 45_000, preStopMs: 10_000 },
      { atMs: 10_010, pod: 'a', kind: 'endpoint-removed' },
      { atMs: 22_000, pod: 'a', kind: 'exited', code: 0, signal: null },
      { atMs: 22_500, pod: 'a', kind: 'gone' },
    ];
    const toLoss = (triedMs: number): Settlement => ({
      index: triedMs,
      from: null,
      endpoint: 0,
      intendedMs: triedMs,
      sentMs: null,
      status: null,
      bytesReceived: 0,
      pod: null,
      version: null,
      detail: null,
      traceId: null,
      ...toEnd(triedMs),
    });
    const found = inferSuspects({
      timelines: [...toPodTimelines(events).values()],
      // The last one comes after a gap.
      losses: [22_020, 23_000, 24_900, 26_000, 40_000].map(toLoss),
      successes: { slotMs: 50, count: () => 1, lastOkMs: () => null },
      isNamed: false,
      firstOkMs: () => null,
      beganMs: 10_000,
      slackMs: 120,
    });
    const pods = [...found].map(([index, suspects]) => [index, suspects.map(({ pod }) => pod).join()]);
    assert.deepEqual(
      pods.sort(([a], [b]) => Number(a) - Number(b)),
      [
        [22_020, 'a'],
        [23_000, 'a'],
        [24_900, 'a'],
        [26_000, 'a'],
        [40_000, ''],
      ],
    );
  });
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  SIMULATED_FAULTS,
  type SimulatedFault,
  type SimulatedFleet,
  simulateRollout,
} from '../../test/fixtures/simulated-fleet.ts';
import { isLost } from '../engine/outcome.ts';
import { inferSuspects } from './pod-inference.ts';
import { createSuccesses } from './successes.ts';
import { toPodTimelines } from './timeline.ts';

const SLACK_MS = 120;

/** Any rollout of a fleet whose pods have this fault. */
function toFleets(fault: SimulatedFault): fc.Arbitrary<SimulatedFleet> {
  const between = (min: number, max: number) => fc.integer({ min, max });
  return fc.record({
    fault: fc.constant(fault),
    seed: between(1, 1_000_000),
    replicas: between(2, 6),
    ratePerSecond: between(100, 400),
    freshShare: between(2, 6).map((tenths) => tenths / 10),
    keptConnections: fc.constant(24),
    deadlineMs: between(2_000, 5_000),
    startMs: between(500, 3_000),
    preStopMs: between(0, 6_000),
    graceMs: between(8_000, 16_000),
    lameDuckMs: between(1_500, 4_500),
    propagationMs: between(100, 1_000),
    faultMs: between(500, 4_500),
    roundTripMs: between(1, 200).map((tenths) => tenths / 10),
    isProbed: fc.boolean(),
  });
}

/** How many of the losses are said to be of pods that may have the fault, of others, or of none that is known. */
function score(fleet: SimulatedFleet) {
  const run = simulateRollout(fleet);
  const successes = createSuccesses();
  for (const settlement of run.settlements) successes.add(settlement);
  // No names: what the simulation writes on responses is hidden.
  const losses = run.settlements
    // Where no pod was an endpoint, there is none to be found.
    .filter(({ outcome, index }) => isLost(outcome) && run.podOf.has(index))
    .map((settlement) => ({ ...settlement, pod: null }));
  const timelines = [...toPodTimelines(run.events).values()];
  const found = inferSuspects({
    timelines,
    losses,
    successes,
    isNamed: false,
    firstOkMs: () => null,
    beganMs: 2_000,
    slackMs: SLACK_MS,
  });
  const counts = { lost: losses.length, right: 0, wrong: 0, unknown: 0 };
  for (const { index } of losses) {
    const suspects = found.get(index) ?? [];
    const groups = new Set(suspects.map(({ pod }) => toGroup(pod)));
    const group = fleet.fault === 'too-little-capacity' ? 'fleet' : toGroup(run.podOf.get(index) ?? null);
    if (groups.size !== 1) counts.unknown += 1;
    else if (groups.has(group)) counts.right += 1;
    else counts.wrong += 1;
  }
  return counts;
}

/** The old pods, the new ones, or all of them together. */
function toGroup(pod: string | null): string {
  return pod === null ? 'fleet' : (pod.split('-')[0] ?? pod);
}

type Counts = ReturnType<typeof score>;

function add(sum: Counts, counts: Counts): void {
  for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += counts[key];
}

describe('inferSuspects(), with all names hidden', () => {
  const all = { lost: 0, right: 0, wrong: 0, unknown: 0 };
  for (const fault of SIMULATED_FAULTS) {
    test(`finds the pods of a fleet with the fault ${fault}`, () => {
      const total = { lost: 0, right: 0, wrong: 0, unknown: 0 };
      fc.assert(
        fc.property(toFleets(fault), (fleet) => add(total, score(fleet))),
        { numRuns: 30, seed: 1 },
      );
      add(all, total);
      const text = JSON.stringify(total);
      // A pod that starts as another stops listening, for less than a second, looks the same: both are named then.
      assert.ok(total.right >= 0.9 * total.lost, text);
      assert.ok(total.wrong <= 0.01 * total.lost, text);
    });
  }

  test('is right for 98 of 100 losses over all faults, and wrong for fewer than 1 in 200', () => {
    const text = JSON.stringify(all);
    assert.ok(all.lost > 10_000 && all.right >= 0.98 * all.lost, text);
    assert.ok(all.wrong <= 0.005 * all.lost, text);
  });
});

test('inferSuspects() ends where the disruption was skipped', () => {
  const run = simulateRollout({
    ...(fc.sample(toFleets('too-little-capacity'), { seed: 1, numRuns: 1 })[0] as SimulatedFleet),
  });
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
    slackMs: SLACK_MS,
  });
  assert.equal(found.size, losses.length);
});

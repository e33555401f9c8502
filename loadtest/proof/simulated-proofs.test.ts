import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  FAULT_PAIRS,
  SIMULATED_FAULTS,
  type SimulatedFault,
  type SimulatedFleet,
  simulateRollout,
  toFleets,
} from '../../test/fixtures/simulated-fleet.ts';
import { isLost } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { CauseId } from './cause.ts';
import { toLosses } from './judgement.ts';
import { createPodResponses } from './pod-responses.ts';
import { createServiceTimes } from './service-times.ts';
import { createSuccesses } from './successes.ts';
import { toPodTimelines } from './timeline.ts';

/** Clocks and watches. */
const SLACK_MS = 120;

/** What may be said of each fault. */
const CAUSES_OF: Readonly<Record<SimulatedFault, readonly CauseId[]>> = {
  // A fresh connection to a pod that is gone, but still an endpoint, would have been refused just the same had it
  // only stopped listening.
  'exits-on-sigterm': ['exits-on-sigterm', 'stops-listening-early'],
  'stops-listening-early': ['stops-listening-early'],
  'closes-keep-alive-connections': ['closes-keep-alive-connections'],
  // The simulated one does not react to SIGTERM.
  'killed-at-grace-end': ['killed-at-grace-end', 'ignores-sigterm'],
  'ready-too-early': ['ready-too-early'],
  'cold-start': ['slow-first-requests'],
  'rejects-while-draining': ['rejects-while-draining'],
  'readiness-flaps': ['readiness-flaps'],
  crashes: ['crashes'],
  'too-little-capacity': ['too-little-capacity'],
};

/** Losses whose cause is that of the fault, that of none of the faults, or unknown. */
interface Score {
  lost: number;
  right: number;
  /** The cause of another fault that the pods have, too. */
  other: number;
  wrong: number;
  unknown: number;
}

const nothing = (): Score => ({ lost: 0, right: 0, other: 0, wrong: 0, unknown: 0 });

/** Judges a rollout with all names hidden. */
function score(fleet: SimulatedFleet, change: (settlement: Settlement) => Settlement): Score {
  const run = simulateRollout(fleet);
  const [successes, serviceTimes, responses] = [
    createSuccesses(),
    createServiceTimes(),
    createPodResponses(() => null),
  ];
  const settlements = run.settlements.map((settlement) => change({ ...settlement, pod: null }));
  for (const settlement of settlements) {
    for (const collector of [successes, serviceTimes, responses]) collector.add(settlement);
  }
  const losses = toLosses(
    settlements.filter(({ outcome }) => isLost(outcome)),
    {
      timelines: [...toPodTimelines(run.events).values()],
      podOf: () => null,
      responses,
      serviceTimes,
      successes,
      connections: { idleTimeoutMs: () => null, hasAnnounced: () => run.hasAnnounced },
      beganMs: 2_000,
      slackMs: SLACK_MS + fleet.reportMs,
    },
  );
  const sum = { ...nothing(), lost: losses.length };
  for (const { settlement, cause } of losses) {
    const fault = run.faultOf.get(settlement.index);
    if (cause === 'unknown') sum.unknown += 1;
    else if (fault !== undefined && CAUSES_OF[fault].includes(cause)) sum.right += 1;
    else if (fleet.faults.some((each) => CAUSES_OF[each].includes(cause))) sum.other += 1;
    else sum.wrong += 1;
  }
  return sum;
}

function add(sum: Score, score: Score): void {
  for (const key of Object.keys(sum) as (keyof Score)[]) sum[key] += score[key];
}

/** The sum over so many rollouts. */
function scoreAll(
  faults: readonly SimulatedFault[],
  numRuns: number,
  change: (settlement: Settlement) => Settlement = (settlement) => settlement,
): Score {
  const total = nothing();
  fc.assert(
    fc.property(toFleets(faults), (fleet) => add(total, score(fleet, change))),
    { numRuns, seed: 1 },
  );
  return total;
}

describe('toLosses() of simulated rollouts, with all names hidden', () => {
  test('finds nothing where pods have no fault', () => {
    assert.deepEqual(scoreAll([], 10), nothing());
  });

  test('takes errors that came before the disruption, too, for nobody’s', () => {
    const total = scoreAll([], 10, (settlement) =>
      settlement.index % 40 === 39 ? { ...settlement, outcome: 'http_500', status: 500 } : settlement,
    );
    // A few coincide with an event.
    assert.ok(total.lost > 100 && total.unknown >= 0.99 * total.lost, JSON.stringify(total));
  });

  const all = nothing();
  for (const fault of SIMULATED_FAULTS) {
    test(`tells the cause of the fault ${fault}`, () => {
      const total = scoreAll([fault], 30);
      add(all, total);
      const text = JSON.stringify(total);
      // A pod that starts as another stops listening, for less than a second, looks the same: both are named then.
      assert.ok(total.lost > 0 && total.right >= 0.9 * total.lost, text);
      assert.ok(total.wrong <= 0.01 * total.lost, text);
    });
  }

  test('is right for 98 of 100 losses over all faults, and wrong for fewer than 1 in 200', () => {
    const text = JSON.stringify(all);
    assert.ok(all.lost > 10_000 && all.right >= 0.98 * all.lost, text);
    assert.ok(all.wrong <= 0.005 * all.lost, text);
  });

  const pairs = nothing();
  for (const [one, two] of FAULT_PAIRS) {
    test(`tells ${one} and ${two} at once, and hardly ever a third`, () => {
      const total = scoreAll([one, two], 8);
      add(pairs, total);
      assert.ok(total.wrong <= 0.04 * total.lost, JSON.stringify(total));
    });
  }

  test('names a third cause for fewer than 1 in 200 losses over all pairs of faults', () => {
    const text = JSON.stringify(pairs);
    assert.ok(pairs.lost > 10_000 && pairs.right >= 0.9 * pairs.lost, text);
    assert.ok(pairs.wrong <= 0.005 * pairs.lost, text);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { simulateRollout, toFleets } from '../../test/fixtures/simulated-fleet.ts';
import { isLost } from '../engine/outcome.ts';
import { inferSuspects } from './pod-inference.ts';
import { createSuccesses } from './successes.ts';
import { toPodTimelines } from './timeline.ts';

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

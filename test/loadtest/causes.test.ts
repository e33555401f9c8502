import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CAUSES, type CauseId } from '../../loadtest/proof/cause.ts';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { FAULTLESS, FAULTS, proveFault, type Setting } from '../faults/prove-fault.ts';
import { onSchedule } from '../fixtures/on-schedule.ts';

/** The proof says itself that the machine was too busy for it. */
function isLate({ verdict }: Proof): boolean {
  return verdict.doubts.some((doubt) => /could not keep its schedule|given up by the load/.test(doubt));
}

async function requireCause(
  cause: CauseId,
  setting: Setting,
  prove: (setting: Setting) => Promise<Proof> = proveFault,
): Promise<void> {
  const { verdict, causes, lost, losses, outcomes } = await onSchedule(() => prove(setting), isLate);
  const found = JSON.stringify({
    causes,
    outcomes,
    doubts: verdict.doubts,
    why: losses.slice(0, 5).map(({ why }) => why),
  });
  assert.equal(verdict.kind, 'losses', found);
  // A race may make some of them look like their neighbours. The fault must stand out all the same.
  assert.ok((causes[cause] ?? 0) >= 0.8 * lost, found);
}

describe('a fault of the target is named', () => {
  for (const [cause, setting] of Object.entries(FAULTS) as [CauseId, Setting][]) {
    test(CAUSES[cause].title, () => requireCause(cause, setting));
  }

  test('of a server that answers what is in flight and exits 0 at once: its keep-alive connections', () =>
    requireCause('closes-keep-alive-connections', {
      server: 'exits-when-idle',
      change: { preStop: { kind: 'sleep', ms: 1_000 } },
    }));

  test('by a server that accepts no connection, behind a balancer that does, where pods are probed directly', () =>
    requireCause('stops-listening-early', FAULTS['stops-listening-early'], (setting) =>
      proveFault(setting, false, true),
    ));
});

test('a server without a fault loses nothing, and is proven', async () => {
  const { verdict, causes, hazards, ok, planned } = await onSchedule(() => proveFault(FAULTLESS), isLate);
  assert.deepEqual({ ok, causes, hazards }, { ok: planned, causes: {}, hazards: [] });
  assert.deepEqual([verdict.kind, verdict.doubts], ['proven', []]);
});

test('deletion by force loses what the pod held, and is blamed', async () => {
  const { causes } = await proveFault({
    server: 'none',
    disruption: { kind: 'kill', isForced: true, scaleBy: 2 },
  });
  assert.deepEqual(Object.keys(causes), ['killed-at-grace-end'], JSON.stringify(causes));
});

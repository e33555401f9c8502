import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RESPONSE_LIMITS } from '../../loadtest/engine/response-parser.ts';
import type { LoadSpec } from '../../loadtest/load/load.ts';
import { parseTargetUrl, toTarget } from '../../loadtest/load/target-url.ts';
import type { FleetOptions } from '../../loadtest/local/fleet.ts';
import { createFleetScene, type FleetDisruption } from '../../loadtest/local/fleet-scene.ts';
import { CAUSES, type CauseId } from '../../loadtest/proof/cause.ts';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { carryOut } from '../../loadtest/proof/proof.ts';
import { onSchedule } from '../fixtures/on-schedule.ts';
import { toShellLine } from './command-line.ts';

const never = new AbortController().signal;

const options: FleetOptions = {
  command: '',
  env: process.env,
  pidOne: 'handlers',
  replicas: 3,
  maxSurge: 1,
  maxUnavailable: 0,
  minReadyMs: 100,
  readiness: { path: '/ready', periodMs: 20, failureThreshold: 3 },
  preStop: { kind: 'sleep', ms: 400 },
  graceMs: 5_000,
  propagationMs: 200,
  latencyMs: 15,
  nodeGraceMs: 1_500,
};

function toSpec(url: URL, { timeoutMs = 10_000, keptConnections = 24 }: Partial<Setting>): LoadSpec {
  return {
    plan: {
      model: { kind: 'open', stages: [{ durationMs: 60_000, fromRate: 300, toRate: 300 }] },
      endpoints: [{ name: '/', method: 'GET', path: '/', weight: 1 }],
      freshShare: 0.4,
      maxRequests: null,
      seed: 1,
      shard: { index: 0, of: 1 },
    },
    engine: {
      target: toTarget(url, { ca: null, isVerified: true }),
      mode: 'open',
      timeoutMs,
      maxConnections: 500,
      connMaxAgeMs: 2_000,
      keptConnections,
      idleConnections: 4,
      podHeader: 'X-Pod',
      versionHeader: 'X-Version',
      requestId: null,
      limits: RESPONSE_LIMITS,
    },
    phases: [{ name: 'before', fromMs: 0 }],
    slotMs: 250,
    failuresPerOutcome: 0,
    startAtEpochMs: null,
  };
}

/** What makes a fault show; the fleet as it is, where nothing is said. */
interface Setting {
  /** In `test/faults`. */
  readonly server: string;
  readonly change?: Partial<FleetOptions>;
  readonly disruption?: FleetDisruption;
  readonly timeoutMs?: number;
  readonly keptConnections?: number;
}

const ROLLOUT: FleetDisruption = { kind: 'rollout', isForced: false, scaleBy: 2 };

/** @param isNamed do responses and connections tell the pod? */
async function prove(
  { server, change = {}, disruption = ROLLOUT, ...load }: Setting,
  isNamed = true,
): Promise<Proof> {
  const file = join(import.meta.dirname, '../faults', `${server}.ts`);
  assert.ok(existsSync(file), file);
  const env = isNamed ? options.env : { ...options.env, ANONYMOUS: '1' };
  const scene = await createFleetScene(
    { ...options, env, command: toShellLine([process.execPath, file]), ...change },
    disruption,
    never,
  );
  const spec = toSpec(parseTargetUrl(scene.url.href), load);
  const kind = disruption.kind === 'power-off' ? 'kill' : disruption.kind;
  const given = {
    disruption: kind,
    without: [],
    allowed: [],
    baselineMs: 500,
    tailMs: 500,
    requirements: [],
  } as const;
  return carryOut(given, spec, isNamed ? scene : { ...scene, podOf: () => null }, never, () => {});
}

const FAULTS: Record<CauseId, Omit<Setting, 'server'> & { readonly server?: string }> = {
  'exits-on-sigterm': {},
  'closes-keep-alive-connections': { change: { preStop: { kind: 'sleep', ms: 1_000 } } },
  'stops-listening-early': { change: { preStop: { kind: 'sleep', ms: 0 } } },
  'ready-too-early': {},
  'ignores-sigterm': { change: { graceMs: 800 } },
  'killed-at-grace-end': { server: 'drains-too-long', change: { graceMs: 1_500 } },
  'too-little-capacity': { change: { maxSurge: 0, maxUnavailable: 2 } },
  'readiness-flaps': { change: { replicas: 2 }, disruption: { kind: 'scale', isForced: false, scaleBy: 2 } },
  'node-lost': { server: 'none', disruption: { kind: 'power-off', isForced: false, scaleBy: 2 } },
  'rejects-while-draining': {},
  'cut-by-drain-limit': {},
  'slow-first-requests': { timeoutMs: 2_500 },
  crashes: {},
  // Each is idle for a third of a second then.
  'closes-idle-connections': { keptConnections: 60 },
  unknown: {},
};

async function requireCause(cause: CauseId, setting: Setting, isNamed: boolean): Promise<void> {
  const { verdict, causes, lost, losses, outcomes } = await prove(setting, isNamed);
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
  for (const [cause, { server = cause, ...setting }] of Object.entries(FAULTS)) {
    for (const isNamed of [true, false]) {
      test(`${CAUSES[cause as CauseId].title}, ${isNamed ? 'pods known' : 'no name on any response'}`, () =>
        requireCause(cause as CauseId, { server, ...setting }, isNamed));
    }
  }

  test('of a server that answers what is in flight and exits 0 at once: its keep-alive connections', () =>
    requireCause(
      'closes-keep-alive-connections',
      { server: 'exits-when-idle', change: { preStop: { kind: 'sleep', ms: 1_000 } } },
      true,
    ));
});

test('a server without a fault loses nothing, and is proven', async () => {
  const { verdict, causes, ok, planned } = await onSchedule(
    () => prove({ server: 'none' }),
    ({ verdict }) =>
      verdict.doubts.some((doubt) => /could not keep its schedule|given up by the load/.test(doubt)),
  );
  assert.deepEqual({ ok, causes }, { ok: planned, causes: {} });
  assert.deepEqual(verdict.doubts, []);
});

test('deletion by force loses what the pod held, and is blamed', async () => {
  const { causes } = await prove({
    server: 'none',
    disruption: { kind: 'kill', isForced: true, scaleBy: 2 },
  });
  assert.deepEqual(Object.keys(causes), ['killed-at-grace-end'], JSON.stringify(causes));
});

/** Proves the local fleet of each faulty server: for the tests of causes, and for the bench of the truth. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESPONSE_LIMITS } from '../../loadtest/engine/response-parser.ts';
import type { LoadSpec } from '../../loadtest/load/load-spec.ts';
import { parseTargetUrl, toTarget } from '../../loadtest/load/target-url.ts';
import type { FleetOptions } from '../../loadtest/local/fleet.ts';
import { createFleetScene, type FleetDisruption } from '../../loadtest/local/fleet-scene.ts';
import type { CauseId } from '../../loadtest/proof/cause.ts';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { carryOut } from '../../loadtest/proof/proof.ts';
import { toShellLine } from '../loadtest/command-line.ts';
import { withDirectProbes } from './probed-fleet.ts';

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

function toSpec(
  url: URL,
  { timeoutMs = 10_000, keptConnections = 24, connMaxAgeMs = 2_000 }: Partial<Setting>,
): LoadSpec {
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
      connMaxAgeMs,
      keptConnections,
      idleConnections: 4,
      podHeader: 'X-Pod',
      versionHeader: 'X-Version',
      requestId: null,
      trace: null,
      limits: RESPONSE_LIMITS,
    },
    phases: [{ name: 'before', fromMs: 0 }],
    slotMs: 250,
    failuresPerOutcome: 0,
    startAtEpochMs: null,
    senders: [],
  };
}

/** What makes a fault show; the fleet as it is, where nothing is said. */
export interface Setting {
  /** In `test/faults`. */
  readonly server: string;
  readonly change?: Partial<FleetOptions>;
  readonly disruption?: FleetDisruption;
  readonly timeoutMs?: number;
  readonly keptConnections?: number;
  readonly connMaxAgeMs?: number;
  /** Load after the disruption [500 ms]. */
  readonly tailMs?: number;
}

const ROLLOUT: FleetDisruption = { kind: 'rollout', isForced: false, scaleBy: 2 };

/**
 * Puts the fleet of a faulty server to the proof.
 * @param isNamed do responses and connections tell the pod?
 * @param isProbed are the pods probed directly?
 */
export async function proveFault(
  { server, change = {}, disruption = ROLLOUT, tailMs = 500, ...load }: Setting,
  isNamed = true,
  isProbed = false,
): Promise<Proof> {
  const file = join(import.meta.dirname, `${server}.ts`);
  const portsDir = isProbed ? mkdtempSync(join(tmpdir(), 'ports-')) : null;
  const env = {
    ...options.env,
    ...(isNamed ? {} : { ANONYMOUS: '1' }),
    ...(portsDir === null ? {} : { PORTS_DIR: portsDir }),
  };
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
    tailMs,
    requirements: [],
  } as const;
  const anonymous = isNamed ? scene : { ...scene, podOf: () => null };
  if (portsDir === null) return carryOut(given, spec, anonymous, never, () => {});
  try {
    return await carryOut(given, spec, await withDirectProbes(anonymous, portsDir), never, () => {});
  } finally {
    rmSync(portsDir, { recursive: true });
  }
}

/** A server without a fault, that is left alone for long enough before SIGTERM. */
export const FAULTLESS: Setting = {
  server: 'none',
  change: { preStop: { kind: 'sleep', ms: 3_000 }, graceMs: 10_000 },
};

/** Other servers with the same faults. */
export const VARIANTS: readonly (readonly [CauseId, Setting])[] = [
  [
    'closes-keep-alive-connections',
    { server: 'exits-when-idle', change: { preStop: { kind: 'sleep', ms: 1_000 } } },
  ],
  // Connections that the load replaces before that are never closed by the server.
  ['closes-keep-alive-connections', { server: 'closes-connections-late', connMaxAgeMs: 10_000 }],
  ['ignores-sigterm', { server: 'ignores-sigterm-with-long-requests', change: { graceMs: 2_500 } }],
];

/** For each cause a server that has exactly this fault, and what makes it show. */
export const FAULTS: Readonly<Record<CauseId, Setting>> = {
  'exits-on-sigterm': { server: 'exits-on-sigterm' },
  'closes-keep-alive-connections': {
    server: 'closes-keep-alive-connections',
    change: { preStop: { kind: 'sleep', ms: 1_000 } },
  },
  'stops-listening-early': { server: 'stops-listening-early', change: { preStop: { kind: 'sleep', ms: 0 } } },
  'ready-too-early': { server: 'ready-too-early' },
  'ignores-sigterm': { server: 'ignores-sigterm', change: { graceMs: 800 } },
  'killed-at-grace-end': { server: 'drains-too-long', change: { graceMs: 1_500 } },
  'too-little-capacity': { server: 'too-little-capacity', change: { maxSurge: 0, maxUnavailable: 2 } },
  'readiness-flaps': {
    server: 'readiness-flaps',
    change: { replicas: 2 },
    disruption: { kind: 'scale', isForced: false, scaleBy: 2 },
  },
  'node-lost': { server: 'none', disruption: { kind: 'power-off', isForced: false, scaleBy: 2 } },
  'rejects-while-draining': { server: 'rejects-while-draining' },
  'cut-by-drain-limit': { server: 'cut-by-drain-limit' },
  'slow-first-requests': { server: 'slow-first-requests', timeoutMs: 2_500 },
  crashes: { server: 'crashes' },
  // Each is idle for a third of a second then.
  'closes-idle-connections': { server: 'closes-idle-connections', keptConnections: 60 },
  unknown: { server: 'unknown' },
};

import { fileURLToPath } from 'node:url';
import { isWithout, type Removal, toPreStopSleepMs, toRemovalEnv } from '../proof/safeguard.ts';
import type { FleetOptions } from './fleet.ts';
import type { ManifestFleet } from './manifest.ts';
import type { PidOne } from './pid-one.ts';

/** The options of the fleet from the command line; undefined: not given. */
export interface FleetSetup {
  /** Null: the reference service, on the current runtime. */
  readonly command: string | null;
  readonly manifest: ManifestFleet | null;
  readonly replicas: number | undefined;
  readonly readyPath: string | undefined;
  readonly propagationMs: number;
  readonly latencyMs: number;
  readonly preStopMs: number | undefined;
  readonly lameDuckMs: number | undefined;
  readonly graceMs: number | undefined;
  readonly minReadyMs: number | undefined;
  readonly pidOne: PidOne;
}

/** Probes come ten times as often as in a cluster, since all other times are scaled down as well. */
const PROBE = { periodMs: 100, failureThreshold: 2 };
const NODE_GRACE_MS = 5_000;
/** Beyond the delay of the first probe, where the manifest does not say. */
const PROGRESS_DEADLINE_MS = 60_000;

/** Without a manifest. */
export const FLEET_DEFAULTS = {
  replicas: 3,
  readyPath: '/ready',
  preStopMs: 4_000,
  lameDuckMs: 1_000,
  graceMs: 10_000,
  minReadyMs: 500,
} as const;

/** The options of the fleet without these safeguards: from the command line, else the manifest, else the defaults. */
export function toFleetOptions(
  setup: FleetSetup,
  without: readonly Removal[],
  env: FleetOptions['env'],
): FleetOptions {
  const { manifest } = setup;
  const sleepMs = isWithout('preStop', without) ? 0 : (toPreStopSleepMs(without) ?? setup.preStopMs);
  const readiness = toReadiness(setup);
  return {
    command: setup.command ?? toOwnService(),
    env: {
      ...env,
      HOST: '127.0.0.1',
      ACCESS_LOG: 'off',
      // A response can be held back for longer than any lame duck.
      PAYLOAD_TIMEOUT_MS: '60000',
      ...manifest?.env,
      ...toLameDuckEnv(setup),
      ...toRemovalEnv(without),
    },
    portVariables: manifest?.portVariables ?? [],
    replicas: setup.replicas ?? manifest?.replicas ?? FLEET_DEFAULTS.replicas,
    maxSurge: manifest?.maxSurge ?? 1,
    maxUnavailable: manifest?.maxUnavailable ?? 0,
    minReadyMs: setup.minReadyMs ?? manifest?.minReadyMs ?? FLEET_DEFAULTS.minReadyMs,
    pidOne: setup.pidOne,
    readiness: isWithout('readiness', without) ? null : readiness,
    preStop:
      sleepMs === undefined && manifest !== null
        ? manifest.preStop
        : { kind: 'sleep', ms: sleepMs ?? FLEET_DEFAULTS.preStopMs },
    graceMs: setup.graceMs ?? manifest?.graceMs ?? FLEET_DEFAULTS.graceMs,
    propagationMs: setup.propagationMs,
    latencyMs: setup.latencyMs,
    nodeGraceMs: NODE_GRACE_MS,
    progressDeadlineMs:
      manifest?.progressDeadlineMs ?? PROGRESS_DEADLINE_MS + (readiness?.initialDelayMs ?? 0),
  };
}

function toReadiness({ manifest, readyPath }: FleetSetup): FleetOptions['readiness'] {
  // A manifest was read with the path of the command line in mind.
  return manifest === null ? { path: readyPath ?? FLEET_DEFAULTS.readyPath, ...PROBE } : manifest.readiness;
}

/** Of a manifest, only what it says itself counts. */
function toLameDuckEnv({ manifest, lameDuckMs }: FleetSetup): Readonly<Record<string, string>> {
  const ms = lameDuckMs ?? (manifest === null ? FLEET_DEFAULTS.lameDuckMs : undefined);
  return ms === undefined ? {} : { LAME_DUCK_MS: String(ms) };
}

/**
 * The word that makes the reference service of the program where both are one file: see release/binaries.ts. It names no
 * command, since no one else needs it.
 */
export const EXAMPLE_SERVICE = 'example-service';
/** Where Bun has the modules of such a file. */
const IN_BINARY = 'file:///$bunfs/';

/** The command that starts the reference service, from the source tree, from the bundle or from one file. */
export function toOwnService(from = import.meta.url): string {
  if (from.startsWith(IN_BINARY)) return [process.execPath, EXAMPLE_SERVICE].map(quote).join(' ');
  const isSource = from.endsWith('.ts');
  const file = fileURLToPath(new URL(isSource ? '../../src/main.ts' : './service/main.js', from));
  const loader = isSource && process.versions.bun === undefined ? ['--import=tsx'] : [];
  return [process.execPath, ...loader, file].map(quote).join(' ');
}

/** Quotes any text as one shell word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

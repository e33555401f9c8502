import { fileURLToPath } from 'node:url';
import { isWithout, type Removal, toPreStopSleepMs, toRemovalEnv } from '../proof/safeguard.ts';
import type { FleetOptions } from './fleet.ts';
import type { PidOne } from './pid-one.ts';

/** The options of the fleet from the command line. */
export interface FleetSetup {
  /** Null: the reference service, on the current runtime. */
  readonly command: string | null;
  readonly replicas: number;
  readonly readyPath: string;
  readonly propagationMs: number;
  readonly latencyMs: number;
  readonly preStopMs: number;
  readonly lameDuckMs: number;
  readonly graceMs: number;
  readonly minReadyMs: number;
  readonly pidOne: PidOne;
}

/** Probes come ten times as often as in a cluster, since all other times are scaled down as well. */
const PROBE = { periodMs: 100, failureThreshold: 2 };
const NODE_GRACE_MS = 5_000;

/** The options of the fleet without these safeguards. */
export function toFleetOptions(
  setup: FleetSetup,
  without: readonly Removal[],
  env: FleetOptions['env'],
): FleetOptions {
  return {
    command: setup.command ?? toOwnService(),
    env: {
      ...env,
      HOST: '127.0.0.1',
      ACCESS_LOG: 'off',
      LAME_DUCK_MS: String(setup.lameDuckMs),
      // A response can be held back for longer than any lame duck.
      PAYLOAD_TIMEOUT_MS: '60000',
      ...toRemovalEnv(without),
    },
    replicas: setup.replicas,
    maxSurge: 1,
    maxUnavailable: 0,
    minReadyMs: setup.minReadyMs,
    pidOne: setup.pidOne,
    readiness: isWithout('readiness', without) ? null : { path: setup.readyPath, ...PROBE },
    preStopMs: isWithout('preStop', without) ? 0 : (toPreStopSleepMs(without) ?? setup.preStopMs),
    graceMs: setup.graceMs,
    propagationMs: setup.propagationMs,
    latencyMs: setup.latencyMs,
    nodeGraceMs: NODE_GRACE_MS,
  };
}

/** The command that starts the reference service, from the source tree or from the bundle. */
export function toOwnService(from = import.meta.url): string {
  const isSource = from.endsWith('.ts');
  const file = fileURLToPath(new URL(isSource ? '../../src/main.ts' : './service/main.js', from));
  const loader = isSource && process.versions.bun === undefined ? ['--import=tsx'] : [];
  return [process.execPath, ...loader, file].map(quote).join(' ');
}

/** Quotes any text as one shell word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

import { formatDuration, parseDurationMs } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';

/** What keeps requests from being lost, and how it is removed. */
interface Safeguard {
  /** What the target lacks without it. */
  readonly lacks: string;
  /** How it is removed from a Deployment. */
  readonly onCluster: string;
  /** How it is removed from the local fleet. */
  readonly onFleet: string;
}

/** The named safeguards: without one, more must be lost than with it, or it is not shown to matter. */
export const SAFEGUARDS = {
  preStop: {
    lacks: 'the wait before SIGTERM, in which every node learns that the pod is leaving',
    onCluster: 'removes lifecycle.preStop',
    onFleet: 'sends SIGTERM at once',
  },
  'lame-duck': {
    lacks: 'the time after SIGTERM in which responses carry `Connection: close`',
    onCluster: 'sets LAME_DUCK_MS=0, if the container is known to read it',
    onFleet: 'sets LAME_DUCK_MS=0',
  },
  readiness: {
    lacks: 'the probe that keeps traffic from a pod that cannot serve yet',
    onCluster: 'removes the readiness and startup probes',
    onFleet: 'treats a pod as ready as soon as its process runs',
  },
  'in-flight': {
    lacks: 'the wait for requests that are still in flight when the lame duck is over',
    onCluster: 'sets DRAIN_TIMEOUT_MS=0, if the container is known to read it',
    onFleet: 'sets DRAIN_TIMEOUT_MS=0',
  },
} as const satisfies Record<string, Safeguard>;

type SafeguardId = keyof typeof SAFEGUARDS;

/** What a run goes without: one safeguard removed, shortened, or switched off by the server's environment. */
export type Removal =
  | { readonly kind: 'safeguard'; readonly id: SafeguardId }
  /** preStop becomes a sleep of this length. */
  | { readonly kind: 'preStop-sleep'; readonly ms: number }
  /** The container gets this environment variable. */
  | { readonly kind: 'env'; readonly name: string; readonly value: string };

/** What `--without` takes besides the names of the safeguards, and what that does. */
export const REMOVAL_FORMS = {
  'preStop=TIME': 'makes lifecycle.preStop a sleep of this time',
  'env:NAME=VALUE':
    'sets an environment variable of the container, for any safeguard that your server can switch off',
} as const satisfies Record<string, string>;

/** The removal of each safeguard by itself. */
export const REMOVALS: readonly Removal[] = Object.keys(SAFEGUARDS).map(parseRemoval);

/**
 * Either of them keeps a pod serving while its endpoints are removed, so each can hide that the other is missing.
 * If the removal of one alone loses nothing, both are removed together.
 */
export const SUBSTITUTES: readonly Removal[] = ['preStop', 'lame-duck'].map(parseRemoval);

/**
 * `preStop`, `preStop=2s`, `lame-duck`, `readiness`, `in-flight`, `env:NAME=VALUE`.
 * @throws {Fault} that lists them
 */
export function parseRemoval(text: string): Removal {
  if (Object.hasOwn(SAFEGUARDS, text)) return { kind: 'safeguard', id: text as SafeguardId };
  const [, time] = /^preStop=(.*)$/.exec(text) ?? [];
  if (time !== undefined) {
    const ms = parseDurationMs(time);
    if (ms !== null) return { kind: 'preStop-sleep', ms };
    throw new Fault('must be preStop=TIME with a time and its unit, for example preStop=2s');
  }
  // The names that Kubernetes allows, except those with a `=`.
  const [, name, value] = /^env:([A-Za-z_.-][\w.-]*)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { kind: 'env', name, value };
  if (text.startsWith('env:')) throw new Fault('must be env:NAME=VALUE, for example env:LAME_DUCK_MS=0');
  throw new Fault(`must be ${[...Object.keys(SAFEGUARDS), ...Object.keys(REMOVAL_FORMS)].join(' or ')}`);
}

/** In the form that the command line takes. */
export function formatRemoval(removal: Removal): string {
  switch (removal.kind) {
    case 'safeguard':
      return removal.id;
    case 'preStop-sleep':
      return `preStop=${formatDuration(removal.ms)}`;
    case 'env':
      return `env:${removal.name}=${removal.value}`;
  }
}

/** `preStop and lame-duck`. */
export function nameRemovals(without: readonly Removal[]): string {
  return without.map(formatRemoval).join(' and ');
}

/** What the target lacks without these safeguards, in words. */
export function describeRemovals(without: readonly Removal[]): string {
  return without.map(toLack).join(', and ');
}

function toLack(removal: Removal): string {
  switch (removal.kind) {
    case 'safeguard':
      return SAFEGUARDS[removal.id].lacks;
    case 'preStop-sleep':
      return `a preStop of more than ${formatDuration(removal.ms)}`;
    case 'env':
      return `what ${removal.name}=${removal.value} switches off`;
  }
}

export function isWithout(id: SafeguardId, without: readonly Removal[]): boolean {
  return without.some((removal) => removal.kind === 'safeguard' && removal.id === id);
}

/** The sleep that replaces preStop, in ms; null: preStop is unchanged. */
export function toPreStopSleepMs(without: readonly Removal[]): number | null {
  const sleeps = without.flatMap((removal) => (removal.kind === 'preStop-sleep' ? [removal.ms] : []));
  return sleeps.at(-1) ?? null;
}

/** The variables of the reference service that remove these safeguards: another server may not read them. */
export function toOwnEnv(without: readonly Removal[]): Readonly<Record<string, string>> {
  return {
    ...(isWithout('lame-duck', without) ? { LAME_DUCK_MS: '0' } : {}),
    ...(isWithout('in-flight', without) ? { DRAIN_TIMEOUT_MS: '0' } : {}),
  };
}

/** All variables that remove these safeguards. */
export function toRemovalEnv(without: readonly Removal[]): Readonly<Record<string, string>> {
  const told = without.flatMap((removal) => (removal.kind === 'env' ? [[removal.name, removal.value]] : []));
  return { ...toOwnEnv(without), ...Object.fromEntries(told) };
}

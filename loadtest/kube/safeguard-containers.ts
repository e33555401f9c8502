import { isDeepStrictEqual } from 'node:util';
import { isWithout, type Removal, toPreStopSleepMs, toRemovalEnv } from '../proof/safeguard.ts';
import { at, isObject, type Json, listAt, textAt } from './json.ts';

/** Where the containers of a workload stand. */
export const CONTAINERS = ['spec', 'template', 'spec', 'containers'] as const;

/**
 * The containers of a workload without the safeguards of one of them; null: one of these is not there. A variable
 * that was named by its user is set whether or not the container had it.
 */
export function toReducedContainers(
  workload: Json,
  container: string,
  without: readonly Removal[],
): readonly Json[] | null {
  const containers = listAt(workload, ...CONTAINERS);
  const own = containers.find(({ name }) => name === container);
  const isThere = (removal: Removal): boolean => {
    if (removal.kind === 'env') return true;
    if (removal.kind === 'preStop-sleep') return at(own, 'lifecycle', 'preStop') !== undefined;
    switch (removal.id) {
      case 'preStop':
        return at(own, 'lifecycle', 'preStop') !== undefined;
      case 'readiness':
        return at(own, 'readinessProbe') !== undefined;
      case 'lame-duck':
        return isTold(workload, own, 'LAME_DUCK_MS');
      case 'in-flight':
        return isTold(workload, own, 'DRAIN_TIMEOUT_MS');
    }
  };
  if (own === undefined || !without.every(isThere)) return null;
  return containers.map((each) => (each === own ? toReduced(own, without) : each));
}

function toReduced(own: Json, without: readonly Removal[]): Json {
  const { lifecycle, readinessProbe, startupProbe, env, ...rest } = own;
  const { preStop, ...hooks } = isObject(lifecycle) ? lifecycle : {};
  const sleep = isWithout('preStop', without) ? null : (toSleep(without) ?? preStop ?? null);
  const left = { ...hooks, ...(sleep === null ? {} : { preStop: sleep }) };
  const probes = {
    ...(readinessProbe === undefined ? {} : { readinessProbe }),
    ...(startupProbe === undefined ? {} : { startupProbe }),
  };
  const taken = toRemovalEnv(without);
  const variables = [
    ...listAt(own, 'env').filter(({ name }) => !Object.hasOwn(taken, String(name))),
    ...Object.entries(taken).map(([name, value]) => ({ name, value })),
  ];
  return {
    ...rest,
    ...(Object.keys(left).length === 0 ? {} : { lifecycle: left }),
    ...(isWithout('readiness', without) ? {} : probes),
    ...(variables.length === 0 ? {} : { env: variables }),
  };
}

/** What preStop is instead; null: what it was. https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/ */
function toSleep(without: readonly Removal[]): Json | null {
  const ms = toPreStopSleepMs(without);
  return ms === null ? null : { sleep: { seconds: ms / 1_000 } };
}

/**
 * The containers of a workload as they are now, with what `toReducedContainers` took away as it was in the original. What
 * somebody else has changed since stays, a safeguard given back among it.
 */
export function toRestoredContainers(
  now: readonly Json[],
  original: Json,
  container: string,
  without: readonly Removal[],
): readonly Json[] {
  const old = listAt(original, ...CONTAINERS).find(({ name }) => name === container);
  return now.map((own) =>
    old !== undefined && own.name === container ? toRestored(own, old, without) : own,
  );
}

function toRestored(now: Json, old: Json, without: readonly Removal[]): Json {
  const restored: Record<string, unknown> = { ...now };
  const sleep = toSleep(without);
  if (isWithout('preStop', without) || sleep !== null) {
    const lifecycle = isObject(now.lifecycle) ? now.lifecycle : {};
    const { preStop } = lifecycle;
    const isOurs = preStop === undefined || isDeepStrictEqual(preStop, sleep);
    restored.lifecycle = { ...lifecycle, preStop: isOurs ? at(old, 'lifecycle', 'preStop') : preStop };
  }
  if (isWithout('readiness', without)) {
    for (const probe of ['readinessProbe', 'startupProbe']) {
      if (at(now, probe) === undefined && at(old, probe) !== undefined) restored[probe] = at(old, probe);
    }
  }
  const taken = toRemovalEnv(without);
  if (Object.keys(taken).length > 0) {
    restored.env = listAt(now, 'env').flatMap((entry) => {
      const name = textAt(entry, 'name') ?? '';
      if (!Object.hasOwn(taken, name) || entry.value !== taken[name]) return [entry];
      return listAt(old, 'env').filter((its) => its.name === name);
    });
  }
  return restored;
}

/**
 * Is this container known to read the variable? Its `env` holds it, or it is this service by the names of its own
 * manifests, which give the variable by a ConfigMap: to read that would take one more permission.
 */
function isTold(workload: Json, container: Json | undefined, variable: string): boolean {
  const labels = at(workload, 'spec', 'template', 'metadata', 'labels');
  const isThisService =
    textAt(labels, 'app.kubernetes.io/name') === 'microservice' && container?.name === 'microservice';
  return isThisService || listAt(container, 'env').some(({ name }) => name === variable);
}

import { isDeepStrictEqual } from 'node:util';
import { isWithout, type Removal, toPreStopSleepMs, toRemovalEnv } from '../proof/safeguard.ts';
import { findCondition } from './conditions.ts';
import type { Field } from './field.ts';
import { at, isObject, type Json, listAt, textAt } from './json.ts';

/** A Deployment as far as a proof reads it. */
export interface DeploymentState {
  readonly replicas: number;
  /** Why it is not at rest; null: it is. */
  readonly unrest: string | null;
}

/** At rest is: the newest template observed, and every replica of it updated, available and alone. */
export function toDeploymentState(deployment: Field): DeploymentState {
  const replicas = deployment.get('spec', 'replicas').number() ?? 1;
  const count = (name: string) => deployment.get('status', name).number() ?? 0;
  const generation = deployment.get('metadata', 'generation').number() ?? 0;
  const isObserved = count('observedGeneration') >= generation;
  const faults = [
    ...(deployment.get('spec', 'paused').isTrue() ? ['it is paused'] : []),
    ...(isObserved ? [] : ['its controller has not seen the last change']),
    ...(['updatedReplicas', 'availableReplicas', 'replicas'] as const).flatMap((name) =>
      count(name) === replicas ? [] : [`${count(name)} ${name} of ${replicas} wanted`],
    ),
  ];
  const progress = findCondition(deployment, 'Progressing');
  // Of an older template it says nothing.
  if (isObserved && progress?.get('status').text() === 'False') {
    faults.push(progress.get('message').text() ?? 'it makes no progress');
  }
  return { replicas, unrest: faults.length === 0 ? null : faults.join(', ') };
}

/**
 * The pod template without the safeguards, as a strategic merge patch of the Deployment; null: one of them is not
 * there. A variable that was named by its user is set whether or not the container had it.
 */
export function toRemovalPatch(
  deployment: Json,
  container: string,
  without: readonly Removal[],
): Json | null {
  const own = listAt(deployment, 'spec', 'template', 'spec', 'containers').find(
    ({ name }) => name === container,
  );
  const isThere = (removal: Removal): boolean => {
    if (removal.kind === 'env') return true;
    if (removal.kind === 'preStop-sleep') return at(own, 'lifecycle', 'preStop') !== undefined;
    switch (removal.id) {
      case 'preStop':
        return at(own, 'lifecycle', 'preStop') !== undefined;
      case 'readiness':
        return at(own, 'readinessProbe') !== undefined;
      case 'lame-duck':
        return isTold(deployment, own, 'LAME_DUCK_MS');
      case 'in-flight':
        return isTold(deployment, own, 'DRAIN_TIMEOUT_MS');
    }
  };
  if (!without.every(isThere)) return null;

  const sleep = toSleep(without);
  const env = Object.entries(toRemovalEnv(without)).map(([name, value]) => ({
    name,
    value,
    valueFrom: null,
  }));
  const change = {
    name: container,
    // A handler has one kind: the others must go for the sleep to come.
    ...(sleep === null
      ? {}
      : { lifecycle: { preStop: { exec: null, httpGet: null, tcpSocket: null, ...sleep } } }),
    ...(isWithout('preStop', without) ? { lifecycle: { preStop: null } } : {}),
    ...(isWithout('readiness', without) ? { readinessProbe: null, startupProbe: null } : {}),
    ...(env.length === 0 ? {} : { env }),
  };
  return { spec: { template: { spec: { containers: [change] } } } };
}

/** What preStop is instead; null: what it was. https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/ */
function toSleep(without: readonly Removal[]): Json | null {
  const ms = toPreStopSleepMs(without);
  return ms === null ? null : { sleep: { seconds: ms / 1_000 } };
}

/**
 * The containers of a Deployment as it is now, with what `toRemovalPatch` took away as it was in the original. What
 * somebody else has changed since stays, a safeguard given back among it.
 */
export function toRestoredContainers(
  now: Json,
  original: Json,
  container: string,
  without: readonly Removal[],
): readonly Json[] {
  const path = ['spec', 'template', 'spec', 'containers'] as const;
  const old = listAt(original, ...path).find(({ name }) => name === container);
  return listAt(now, ...path).map((own) =>
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
function isTold(deployment: Json, container: Json | undefined, variable: string): boolean {
  const labels = at(deployment, 'spec', 'template', 'metadata', 'labels');
  const isThisService =
    textAt(labels, 'app.kubernetes.io/name') === 'microservice' && container?.name === 'microservice';
  return isThisService || listAt(container, 'env').some(({ name }) => name === variable);
}

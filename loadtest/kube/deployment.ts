import type { ControlId } from '../proof/control.ts';
import { toControlEnv } from '../proof/control.ts';
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

/** The pod template without the safeguards, as a strategic merge patch of the Deployment; null: one of them is not there. */
export function toControlPatch(
  deployment: Json,
  container: string,
  without: readonly ControlId[],
): Json | null {
  const own = listAt(deployment, 'spec', 'template', 'spec', 'containers').find(
    ({ name }) => name === container,
  );
  const env = Object.entries(toControlEnv(without)).map(([name, value]) => ({
    name,
    value,
    valueFrom: null,
  }));
  const changes: Record<ControlId, Json | null> = {
    preStop: at(own, 'lifecycle', 'preStop') === undefined ? null : { lifecycle: { preStop: null } },
    readiness: at(own, 'readinessProbe') === undefined ? null : { readinessProbe: null, startupProbe: null },
    'lame-duck': isTold(deployment, own, 'LAME_DUCK_MS') ? { env } : null,
    'in-flight': isTold(deployment, own, 'DRAIN_TIMEOUT_MS') ? { env } : null,
  };
  const parts = without.map((control) => changes[control]);
  if (parts.includes(null)) return null;
  return {
    spec: { template: { spec: { containers: [Object.assign({ name: container }, ...parts)] } } },
  };
}

/**
 * The containers of a Deployment as it is now, with what `toControlPatch` took away as it was in the original. What
 * somebody else has changed since stays, a safeguard given back among it.
 */
export function toRestoredContainers(
  now: Json,
  original: Json,
  container: string,
  without: readonly ControlId[],
): readonly Json[] {
  const path = ['spec', 'template', 'spec', 'containers'] as const;
  const old = listAt(original, ...path).find(({ name }) => name === container);
  return listAt(now, ...path).map((own) =>
    old !== undefined && own.name === container ? toRestored(own, old, without) : own,
  );
}

function toRestored(now: Json, old: Json, without: readonly ControlId[]): Json {
  const restored: Record<string, unknown> = { ...now };
  if (without.includes('preStop')) {
    const lifecycle = isObject(now.lifecycle) ? now.lifecycle : {};
    restored.lifecycle = { ...lifecycle, preStop: lifecycle.preStop ?? at(old, 'lifecycle', 'preStop') };
  }
  if (without.includes('readiness')) {
    for (const probe of ['readinessProbe', 'startupProbe']) {
      if (at(now, probe) === undefined && at(old, probe) !== undefined) restored[probe] = at(old, probe);
    }
  }
  const taken = toControlEnv(without);
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

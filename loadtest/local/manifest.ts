import { Fault } from '../cli/fault.ts';
import { chooseContainer, findNamed, portNumber } from '../kube/container.ts';
import { toEnvironment, toUnreadVariables } from '../kube/environment.ts';
import { type Field, formatPath } from '../kube/field.ts';
import { toGraceSeconds } from '../kube/grace-period.ts';
import type { KubeObject } from '../kube/object.ts';
import { toPreStop } from '../kube/pre-stop.ts';
import { toProbe } from '../kube/probe.ts';
import { toRollingUpdate } from '../kube/rollout.ts';
import type { FleetOptions } from './fleet.ts';
import type { PreStopAction } from './pre-stop-hook.ts';

/** What the fleet takes from a Deployment. */
export interface ManifestFleet
  extends Pick<
    FleetOptions,
    'replicas' | 'maxSurge' | 'maxUnavailable' | 'minReadyMs' | 'graceMs' | 'readiness' | 'preStop'
  > {
  readonly env: Readonly<Record<string, string>>;
  readonly portVariables: readonly string[];
  readonly progressDeadlineMs: number | null;
  /** What the reader of the proof has to know of how it was read, one line each. */
  readonly notes: readonly string[];
}

/** What is given by flags, or by the environment, and need not be in the manifest. */
export interface ManifestOverrides {
  readonly container: string | null;
  readonly replicas: number | null;
  readonly readyPath: string | null;
  readonly preStopMs: number | null;
  readonly env: FleetOptions['env'];
}

/** As many processes as a laptop carries. */
export const MAX_REPLICAS = 20;

/**
 * The fleet that a Deployment describes. Pure.
 * @param objects of one file: the Deployment, and the ConfigMaps that it refers to
 * @throws {Fault} where it asks for what the fleet cannot do, with the place and the flag that replaces it
 */
export function toManifestFleet(
  objects: readonly KubeObject[],
  source: string,
  overrides: ManifestOverrides,
): ManifestFleet {
  const object = findDeployment(objects, source);
  const spec = object.root.get('spec');
  const template = spec.get('template');
  const name = chooseContainer(template, overrides.container);
  const container = findNamed(template.get('spec', 'containers'), name);
  const place: Place = { object, container, port: toServingPort(container) };
  const replicas = overrides.replicas ?? spec.get('replicas').number() ?? 1;
  if (!(replicas >= 1 && replicas <= MAX_REPLICAS)) {
    throw at(object, spec.get('replicas'), `is ${replicas}: give --replicas from 1 to ${MAX_REPLICAS}`);
  }
  const rolling = toRollingUpdate(object, replicas);
  if (rolling === undefined) {
    throw at(object, spec.get('strategy', 'type'), 'is not RollingUpdate, which is all that the fleet does');
  }
  const deadlineSeconds = spec.get('progressDeadlineSeconds').number();
  return {
    replicas,
    ...rolling,
    minReadyMs: 1_000 * (spec.get('minReadySeconds').number() ?? 0),
    graceMs: 1_000 * toGraceSeconds(template.get('spec')),
    readiness: toReadiness(place, overrides.readyPath),
    preStop: overrides.preStopMs === null ? toAction(place) : { kind: 'sleep', ms: overrides.preStopMs },
    ...toVariables(objects, source, place, overrides.env),
    progressDeadlineMs: deadlineSeconds === undefined ? null : 1_000 * deadlineSeconds,
  };
}

interface Place {
  readonly object: KubeObject;
  readonly container: Field;
  /** The one that the container serves on; null: it declares none. */
  readonly port: number | null;
}

function findDeployment(objects: readonly KubeObject[], source: string): KubeObject {
  const [deployment, ...others] = objects.filter(({ kind }) => kind === 'Deployment');
  if (deployment === undefined) throw new Fault(`--manifest ${source} has no Deployment`);
  if (others.length > 0) {
    const names = [deployment, ...others].map(({ name }) => name).join(', ');
    throw new Fault(`--manifest ${source} has several Deployments: ${names}. Give a file with one of them`);
  }
  return deployment;
}

/** `app.yaml:12: spec.replicas is 50: give --replicas` */
function at({ source, locate }: KubeObject, field: Field, what: string): Fault {
  const line = locate(field)?.line;
  return new Fault(`${source}${line === undefined ? '' : `:${line}`}: ${formatPath(field.path)} ${what}`);
}

/** Of several ports the one that is probed: the fleet's servers have one port each. */
function toServingPort(container: Field): number | null {
  const probed = container.get('readinessProbe', 'httpGet', 'port').scalar();
  const declared = container.get('ports').items()[0]?.get('containerPort').number();
  return portNumber(container, probed) ?? declared ?? null;
}

function toReadiness({ object, container }: Place, readyPath: string | null): FleetOptions['readiness'] {
  const probe = toProbe(container, 'readinessProbe');
  if (probe === undefined && readyPath === null) return null;
  const http = probe?.field.get('httpGet');
  if (readyPath === null && http !== undefined && probe !== undefined) {
    if (!http.exists) throw at(object, probe.field, 'is no httpGet: give --ready-path PATH instead');
    requirePlainHttp(object, http, 'give --ready-path PATH instead');
  }
  return {
    path: readyPath ?? toPath(http),
    periodMs: 1_000 * (probe?.periodSeconds ?? 10),
    failureThreshold: probe?.failureThreshold ?? 3,
    timeoutMs: 1_000 * (probe?.timeoutSeconds ?? 1),
    initialDelayMs: 1_000 * (probe?.initialDelaySeconds ?? 0),
  };
}

function toPath(http: Field | undefined): string {
  const path = http?.get('path').text() ?? '/';
  return path.startsWith('/') ? path : `/${path}`;
}

/** The fleet's servers speak HTTP, on this machine. */
function requirePlainHttp(object: KubeObject, http: Field, instead: string): void {
  const scheme = http.get('scheme');
  if ((scheme.text() ?? 'HTTP').toUpperCase() !== 'HTTP') {
    throw at(object, scheme, `is ${scheme.text()}, and the fleet speaks plain HTTP: ${instead}`);
  }
  if (http.get('host').exists) throw at(object, http.get('host'), `leads out of the pod: ${instead}`);
}

function toAction({ object, container, port }: Place): PreStopAction {
  const preStop = toPreStop(container);
  if (preStop.kind === 'none') return { kind: 'sleep', ms: 0 };
  const { field } = preStop;
  const instead = 'give --pre-stop TIME instead';
  if (field.get('sleep').exists) {
    if (preStop.kind === 'known') return { kind: 'sleep', ms: preStop.ms };
    throw at(object, field, `cannot be read: ${preStop.why}`);
  }
  const [program, ...args] = field
    .get('exec', 'command')
    .items()
    .map((word) => String(word.scalar() ?? ''));
  if (program !== undefined) {
    if (preStop.endsServerAfterMs === null) {
      return { kind: 'exec', argv: [program, ...args], containerPort: port };
    }
    const why = 'ends its server by a process id or a name, which may be another process on this machine';
    throw at(object, field, `${why}: ${instead}`);
  }
  const http = field.get('httpGet');
  if (!http.exists) throw at(object, field, `is neither sleep, exec nor httpGet: ${instead}`);
  requirePlainHttp(object, http, instead);
  const asked = portNumber(container, http.get('port').scalar());
  if (port !== null && asked !== port) {
    throw at(object, http.get('port'), `is not ${port}, the one port that a server has here: ${instead}`);
  }
  const headers = http
    .get('httpHeaders')
    .items()
    .map((header) => [header.get('name').text() ?? '', header.get('value').text() ?? '']);
  return { kind: 'httpGet', path: toPath(http), headers: Object.fromEntries(headers) };
}

/**
 * The values that are in the file, and of the others those that are in the environment of this process. A variable
 * with the number of the container's port is taken for that port.
 */
function toVariables(
  objects: readonly KubeObject[],
  source: string,
  { object, container, port }: Place,
  given: FleetOptions['env'],
): Pick<ManifestFleet, 'env' | 'portVariables' | 'notes'> {
  for (const { field, name, source: from, isOptional } of toUnreadVariables(
    objects,
    object.namespace,
    container,
  )) {
    if (from === null || isOptional || (name !== null && given[name] !== undefined)) continue;
    const fix = name === null ? 'add it to the file' : `set ${name} in the environment of dropless`;
    const what = name === null ? '' : `(${name}) `;
    throw at(object, field, `${what}comes from ${from}, which ${source} does not have: ${fix}`);
  }
  const env = toEnvironment(objects, object.namespace, container);
  const portVariables = [...env].flatMap(([name, value]) => (value === String(port) ? [name] : []));
  return {
    env: Object.fromEntries(env),
    portVariables,
    notes: toNotes(container, portVariables, given, env),
  };
}

/** Variables that the fleet gives each server itself. */
const OWN_VARIABLES = new Set(['POD_NAME', 'NODE_NAME', 'APP_VERSION', 'PORT']);

/** Fields of a container that the fleet does not act on, though a cluster would. */
const LEFT_OUT = [
  ['startupProbe'],
  ['livenessProbe'],
  ['lifecycle', 'postStart'],
  ['readinessProbe', 'httpGet', 'httpHeaders'],
  ['readinessProbe', 'successThreshold'],
  ['resources'],
] as const;

function toNotes(
  container: Field,
  portVariables: readonly string[],
  given: FleetOptions['env'],
  env: ReadonlyMap<string, string>,
): readonly string[] {
  const unset = container
    .get('env')
    .items()
    .map((variable) => variable.get('name').text() ?? '')
    .filter((name) => !env.has(name) && given[name] === undefined && !OWN_VARIABLES.has(name));
  const isLeftOut = (field: Field) => field.exists && field.value !== 1;
  const leftOut = LEFT_OUT.map((keys) => container.get(...keys)).filter(isLeftOut);
  const names = [
    ...leftOut.map(({ path }) => formatPath(path.slice(container.path.length))),
    ...unset.map((name) => `env ${name}`),
  ];
  return [
    ...(portVariables.length === 0
      ? []
      : [`each server is given its port in ${portVariables.join(', ')} and PORT`]),
    ...(names.length === 0 ? [] : [`left out of the manifest: ${names.join(', ')}`]),
  ];
}

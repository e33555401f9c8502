import { posix } from 'node:path';
import { Fault } from '../cli/fault.ts';
import type { World } from '../cli/world.ts';
import { toApiStatus } from '../kube/api.ts';
import { isScaleTarget, toScaleTarget } from '../kube/autoscaler.ts';
import { Field } from '../kube/field.ts';
import type { Json } from '../kube/json.ts';
import { type KubeObject, parseManifests, toListItems, toLiveObject } from '../kube/object.ts';
import { hasLabels, matchesSelector } from '../kube/selector.ts';
import { serviceSelector } from '../kube/service.ts';
import { toCollectionPath, WORKLOADS, type WorkloadName } from '../kube/workload-kind.ts';
import type { Host } from './host.ts';
import { mountedConfigMaps } from './shutdown.ts';
import { createInventory, type Inventory, isWorkload } from './workload.ts';

const KUSTOMIZATIONS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const MANIFEST = /\.(ya?ml|json)$/;

/**
 * Reads manifests: `-` is standard input; a directory is built by kustomize, or else its manifests are read.
 *
 * @throws {Fault} where one cannot be read, or two paths have the same workload: two overlays are two systems, and
 * the autoscaler of one would be mistaken for that of the other
 */
export async function readManifests(
  paths: readonly string[],
  world: World,
  host: Host,
): Promise<KubeObject[]> {
  const all: KubeObject[] = [];
  const owners = new Map<string, string>();
  for (const path of paths) {
    const objects = await readPath(path, world, host);
    // Shared objects, such as a Namespace, may be in both.
    for (const object of objects.filter(isWorkload)) {
      const id = [object.namespace, `${object.kind}/${object.name}`].filter(Boolean).join('/');
      const owner = owners.get(id) ?? path;
      if (owner !== path) {
        throw new Fault(`${owner} and ${path} both have ${id}: lint them one after the other`);
      }
      owners.set(id, path);
    }
    all.push(...objects);
  }
  return all;
}

async function readPath(path: string, world: World, host: Host): Promise<KubeObject[]> {
  const names = path === '-' ? null : await host.listDirectory(path);
  if (names === null) return parseManifests(await readFile(path, world), path);
  const kustomization = KUSTOMIZATIONS.find((name) => names.includes(name));
  if (kustomization !== undefined) {
    return parseManifests(await kustomize(path, host), posix.join(path, kustomization), true);
  }
  if (names.includes('Chart.yaml')) {
    throw new Fault(`${path} is a Helm chart: helm template ${path} | dropless lint -`);
  }
  const files = names.filter((name) => MANIFEST.test(name)).map((name) => posix.join(path, name));
  if (files.length === 0) throw new Fault(`${path}: no kustomization and no YAML or JSON files`);
  const objects: KubeObject[] = [];
  for (const file of files.sort()) objects.push(...parseManifests(await readFile(file, world), file));
  return objects;
}

async function readFile(path: string, world: World): Promise<string> {
  return world.readText(path).catch((error: NodeJS.ErrnoException) => {
    throw new Fault(`${path}: ${error.code === 'ENOENT' ? 'no such file or directory' : error.message}`);
  });
}

/**
 * The objects that a kustomize directory renders to, as YAML.
 *
 * @throws {Fault} where it does not build, or neither kustomize nor kubectl is there to build it
 */
async function kustomize(directory: string, host: Host): Promise<string> {
  const builders = [
    ['kustomize', ['build', directory]],
    ['kubectl', ['kustomize', directory]],
  ] as const;
  for (const [program, args] of builders) {
    const { exitCode, stdout, stderr } = await host.runProgram(program, args);
    if (exitCode === null) continue;
    if (exitCode !== 0) throw new Fault(`${program} ${args.join(' ')}: ${firstLine(stderr)}`);
    return stdout;
  }
  throw new Fault(`${directory} needs kustomize or kubectl to be built, and neither is on the PATH`);
}

export interface LiveTarget {
  readonly workload: WorkloadName;
  readonly namespace: string | undefined;
  readonly context: string | undefined;
  readonly kubeconfig: string | undefined;
}

/** The kinds that bear on a workload; the user may be forbidden to read some, and the rest is still useful. */
const COMPANIONS = [
  ['/api/v1', 'services', 'Service'],
  ['/apis/autoscaling/v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler'],
  ['/apis/policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget'],
  ['/api/v1', 'resourcequotas', 'ResourceQuota'],
  ['/api/v1', 'limitranges', 'LimitRange'],
] as const;

/**
 * A workload of a cluster with the objects that bear on it, and the server's version.
 *
 * @returns with `unseen`: the kinds that could not be read, so no finding covers them
 * @throws {Fault} where the workload cannot be read
 */
export async function readCluster(
  { workload: { kind, name: ownName }, ...choice }: LiveTarget,
  host: Host,
): Promise<{ inventory: Inventory; unseen: string[] }> {
  const { api, namespace } = await host.openCluster(choice);
  const source = `cluster:${ownName}`;
  const ofNamespace = (group: string, resource: string) => `${group}/namespaces/${namespace}/${resource}`;
  const target = await api.get(`${toCollectionPath(kind, namespace)}/${ownName}`).catch((error: Error) => {
    const isAbsent = toApiStatus(error) === 404;
    const what = isAbsent ? `there is no such ${kind} in namespace ${namespace}` : error.message;
    throw new Fault(`${WORKLOADS[kind].words[0]}/${ownName}: ${what}`);
  });
  const objects = [toLiveObject(target, source)];

  const unseen: string[] = [];
  const add = async (what: string, path: string, read: (response: Json) => readonly KubeObject[]) => {
    const response = await api.get(path).catch((error: Error) => {
      if (toApiStatus(error) === undefined) throw error;
      return null;
    });
    if (response === null) unseen.push(what);
    else objects.push(...read(response));
  };
  for (const [group, resource, kind] of COMPANIONS) {
    await add(resource, ofNamespace(group, resource), (list) => toListItems(list, kind, source));
  }
  for (const name of configMapNames(objects)) {
    const path = ofNamespace('/api/v1', `configmaps/${name}`);
    await add(`configmap/${name}`, path, (found) => [toLiveObject(found, source)]);
  }
  const kubeMinor = await api.get('/version').then(parseMinor, () => undefined);
  const bearing = objects.filter((object) => bearsOn(objects[0], object));
  return { inventory: createInventory(bearing, kubeMinor), unseen };
}

/** The quotas and defaults of the namespace always count; the rest only where it is about the workload. */
function bearsOn(workload: KubeObject | undefined, object: KubeObject): boolean {
  const { kind, root } = object;
  const labels = workload?.root.get('spec', 'template', 'metadata', 'labels').texts() ?? new Map();
  const spec = root.get('spec');
  switch (kind) {
    case 'Service': {
      const selector = serviceSelector(root);
      return selector !== undefined && hasLabels(labels, selector);
    }
    case 'HorizontalPodAutoscaler':
      return workload !== undefined && isScaleTarget(toScaleTarget(object), workload);
    case 'PodDisruptionBudget':
      return matchesSelector(spec.get('selector'), labels);
    default:
      return true;
  }
}

function configMapNames([workload]: readonly KubeObject[]): string[] {
  const containers = workload?.root.get('spec', 'template', 'spec', 'containers').items() ?? [];
  const names = containers.flatMap((container) => [
    ...container
      .get('envFrom')
      .items()
      .map((from) => from.get('configMapRef', 'name').text()),
    ...container
      .get('env')
      .items()
      .map((variable) => variable.get('valueFrom', 'configMapKeyRef', 'name').text()),
  ]);
  const pod = workload?.root.get('spec', 'template', 'spec');
  const mounted = pod === undefined ? [] : mountedConfigMaps(pod, () => true);
  return [...new Set([...names, ...mounted].filter((name) => name !== undefined))];
}

/** Some cloud providers report `30+`. */
function parseMinor(version: Json): number | undefined {
  const minor = Number.parseInt(new Field(version).get('minor').text() ?? '', 10);
  return Number.isNaN(minor) ? undefined : minor;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] || 'failed without a message';
}

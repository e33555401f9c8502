import {
  type Autoscaler,
  isAutoscaler,
  isScaleTarget,
  toAutoscaler,
  toScaleTarget,
} from '../kube/autoscaler.ts';
import { hasPorts, toContainers } from '../kube/container.ts';
import type { Field } from '../kube/field.ts';
import type { KubeObject } from '../kube/object.ts';
import { parseQuantity } from '../kube/quantity.ts';
import { matchesSelector } from '../kube/selector.ts';
import { servicePorts, serviceSelector } from '../kube/service.ts';

/** What the rules examine: the objects, and what is known of the cluster that they go to. */
export interface Inventory {
  readonly objects: readonly KubeObject[];
  /** Workloads that answer requests; most rules are only about these. */
  readonly workloads: readonly Workload[];
  /** Workloads that answer no requests, but use quotas and may be covered by a disruption budget. */
  readonly idle: readonly Workload[];
  /** The minor version of Kubernetes 1.x; undefined if it is not known. */
  readonly kubeMinor: number | undefined;
}

/** A Deployment, StatefulSet or DaemonSet that answers requests, with everything in the input that bears on it. */
export interface Workload {
  readonly object: KubeObject;
  /** `Deployment/web` */
  readonly label: string;
  readonly pod: Field;
  readonly podLabels: ReadonlyMap<string, string>;
  /**
   * The containers that run as long as the pod does: containers, and init containers that always restart
   * (sidecars).
   */
  readonly containers: readonly Field[];
  /** The containers that requests are sent to. */
  readonly serving: readonly Field[];
  readonly services: readonly KubeObject[];
  readonly budgets: readonly KubeObject[];
  readonly autoscaler: Autoscaler | undefined;
  /** The fewest and the most pods wanted; undefined for a DaemonSet, whose number is that of the nodes. */
  readonly replicas: { readonly min: number; readonly max: number } | undefined;
}

const KINDS = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

export function createInventory(objects: readonly KubeObject[], kubeMinor?: number): Inventory {
  const all = objects.filter(isWorkload).map((object) => toWorkload(object, objects));
  const answers = ({ services, containers }: Workload) => services.length > 0 || containers.some(hasPorts);
  return {
    objects,
    workloads: all.filter(answers),
    idle: all.filter((workload) => !answers(workload)),
    kubeMinor,
  };
}

/** Whether the object is of a kind that makes long-running pods, whether or not they answer requests. */
export function isWorkload(object: KubeObject): boolean {
  return KINDS.has(object.kind) && object.apiVersion.startsWith('apps/');
}

function toWorkload(object: KubeObject, objects: readonly KubeObject[]): Workload {
  const pod = object.root.get('spec', 'template', 'spec');
  const podLabels = object.root.get('spec', 'template', 'metadata', 'labels').texts();
  const neighbours = objects.filter(({ namespace }) => namespace === object.namespace);
  const ofKind = (kind: string) => neighbours.filter((neighbour) => neighbour.kind === kind);
  const containers = toContainers(pod);
  const services = ofKind('Service').filter((service) => isSelectedBy(service, { object, podLabels }));
  const autoscaler = neighbours
    .filter(isAutoscaler)
    .find((scaler) => isScaleTarget(toScaleTarget(scaler), object));
  const scaler = autoscaler === undefined ? undefined : toAutoscaler(autoscaler);
  const fixed = object.root.get('spec', 'replicas').number() ?? 1;
  return {
    object,
    label: `${object.kind}/${object.name}`,
    pod,
    podLabels,
    containers,
    serving: toServing(containers, services),
    services,
    budgets: ofKind('PodDisruptionBudget').filter(({ root }) =>
      matchesSelector(root.get('spec', 'selector'), podLabels),
    ),
    autoscaler: scaler,
    replicas: object.kind === 'DaemonSet' ? undefined : (scaler ?? { min: fixed, max: fixed }),
  };
}

/** Containers that a Service's ports lead to; where ports do not say, those with ports, or all. */
function toServing(containers: readonly Field[], services: readonly KubeObject[]): readonly Field[] {
  const targets = new Set(
    services.flatMap((service) => servicePorts(service.root).map(({ target }) => target)),
  );
  const reached = containers.filter((container) =>
    container
      .get('ports')
      .items()
      .some(
        (port) =>
          targets.has(port.get('name').text() ?? '') || targets.has(port.get('containerPort').number() ?? 0),
      ),
  );
  if (reached.length > 0) return reached;
  const open = containers.filter(hasPorts);
  return open.length > 0 ? open : containers;
}

function isSelectedBy(service: KubeObject, workload: Pick<Workload, 'object' | 'podLabels'>): boolean {
  const selector = serviceSelector(service.root);
  return selector !== undefined && hasPodsWith(workload, selector);
}

/**
 * Whether a label selector selects pods of the workload. A StatefulSet adds labels that select one of its pods.
 *
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-name-label
 */
export function hasPodsWith(
  { object, podLabels }: Pick<Workload, 'object' | 'podLabels'>,
  selector: ReadonlyMap<string, string>,
): boolean {
  const isAdded = (key: string, value: string) =>
    object.kind === 'StatefulSet' &&
    ((key === 'statefulset.kubernetes.io/pod-name' && value.startsWith(`${object.name}-`)) ||
      key === 'apps.kubernetes.io/pod-index');
  return [...selector].every(([key, value]) => podLabels.get(key) === value || isAdded(key, value));
}

/**
 * Whether the input has pods with such labels that no Deployment, StatefulSet or DaemonSet makes: as bare pods, by
 * a template of another kind (a Job, a Rollout), or by an operator. Those label what they make with the name of the
 * custom resource that asks for it.
 */
export function hasPodsElsewhere(
  { objects }: Inventory,
  namespace: string,
  choose: (labels: ReadonlyMap<string, string>) => boolean,
  values: ReadonlySet<string>,
): boolean {
  return objects
    .filter((object) => object.namespace === namespace && !isWorkload(object))
    .some((object) => {
      const spec = object.root.get('spec');
      const made = [spec, spec.get('jobTemplate', 'spec')].map((each) => each.get('template'));
      const pods = object.kind === 'Pod' ? [object.root] : made.filter((template) => template.exists);
      return (
        pods.some((pod) => choose(pod.get('metadata', 'labels').texts())) ||
        (isPodMaker(object) && values.has(object.name))
      );
    });
}

const POD_KEYS = ['replicas', 'instances', 'numberOfInstances', 'nodeSets', 'image', 'resources'];

/** A custom resource that says how many pods, of what image or with what resources, such as an Alertmanager or a Kafka. */
function isPodMaker({ apiVersion, kind, root }: KubeObject): boolean {
  const [group = ''] = apiVersion.split('/');
  if (!group.includes('.') || group.endsWith('.k8s.io') || kind === 'ScaledObject') return false;
  const spec = root.get('spec');
  return [spec, ...spec.entries().map(([, field]) => field)].some((field) =>
    POD_KEYS.some((key) => field.get(key).exists),
  );
}

/**
 * What a pod requests of a resource (or may use at most), in base units: what it declares for itself as a whole,
 * else the sum of its containers. Undefined where one of them requests nothing.
 */
export function podAmount(
  inventory: Inventory,
  workload: Workload,
  side: 'requests' | 'limits',
  resource: string,
): number | undefined {
  if (hasPodResources(workload, side)) {
    return parseQuantity(workload.pod.get('resources', side, resource).scalar());
  }
  return workload.containers.reduce<number | undefined>((sum, container) => {
    const amount = containerAmount(inventory, workload, container, side, resource);
    return sum === undefined || amount === undefined ? undefined : sum + amount;
  }, 0);
}

/**
 * Whether the pod declares resources as a whole, which then count in place of its containers'.
 *
 * https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification
 */
export function hasPodResources({ pod }: Workload, side: 'requests' | 'limits'): boolean {
  return pod.get('resources', side).entries().length > 0;
}

/**
 * What a container requests of a resource (or may use at most), in base units: as written, else the request that
 * a limit implies, else the default of a LimitRange of the namespace; undefined where it requests nothing.
 */
export function containerAmount(
  { objects }: Inventory,
  { object }: Workload,
  container: Field,
  side: 'requests' | 'limits',
  resource: string,
): number | undefined {
  const resources = container.get('resources');
  const written = (where: Field) => parseQuantity(where.get(resource).scalar());
  const ranges = objects
    .filter(({ kind, namespace }) => kind === 'LimitRange' && namespace === object.namespace)
    .flatMap(({ root }) => root.get('spec', 'limits').items())
    .filter((limit) => limit.get('type').text() === 'Container');
  const byDefault = (key: string) =>
    ranges.map((limit) => written(limit.get(key))).find((value) => value !== undefined);
  const limit = written(resources.get('limits'));
  if (side === 'limits') return limit ?? byDefault('default');
  return written(resources.get('requests')) ?? limit ?? byDefault('defaultRequest') ?? byDefault('default');
}

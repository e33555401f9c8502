import { Fault } from '../cli/fault.ts';
import type { Api } from './api.ts';
import { isTerminating } from './conditions.ts';
import { Field } from './field.ts';
import { nameOf } from './object.ts';
import type { ObjectName, ObjectType } from './object-name.ts';
import { serviceSelector } from './service.ts';
import { WORKLOADS, type WorkloadKind, type WorkloadName } from './workload-kind.ts';

/** A workload, and the Service that it was named by, which its load goes to. */
export interface DisruptedTarget {
  readonly workload: WorkloadName;
  /** Null: the workload was named itself. */
  readonly service: string | null;
}

/** What a target can be named by. */
export interface TargetName {
  readonly type: Exclude<ObjectType, 'Pod'>;
  readonly name: string;
}

/** What owns pods: a workload, or what cannot be disrupted, for example a Job. */
interface OwnerName {
  readonly kind: string;
  readonly name: string;
}

/** @throws {Fault} where it is a pod */
export function toTargetName({ type, name }: ObjectName): TargetName {
  if (type !== 'Pod') return { type, name };
  throw new Fault(
    `Pod ${name} cannot be disrupted by itself: name its workload, for example deploy/web, or its Service, for example svc/web`,
  );
}

/**
 * The workload that TYPE/NAME means: itself, or the one whose pods a Service selects.
 * @throws {Fault} where the Service selects no pods of a workload, or those of several
 */
export async function findTarget(
  api: Pick<Api, 'get'>,
  namespace: string,
  { type, name }: TargetName,
): Promise<DisruptedTarget> {
  if (type === 'Service') return { workload: await findWorkload(api, namespace, name), service: name };
  return { workload: { kind: type, name }, service: null };
}

async function findWorkload(api: Pick<Api, 'get'>, namespace: string, name: string): Promise<WorkloadName> {
  const services = new Field(await api.get(`/api/v1/namespaces/${namespace}/services`)).get('items').items();
  const service = services.find((each) => nameOf(each) === name);
  if (service === undefined) throw new Fault(`there is no Service ${name} in namespace ${namespace}`);
  if (serviceSelector(service) === undefined) {
    throw new Fault(
      `Service ${name} has no selector, and so no pods: name a workload, for example deploy/web`,
    );
  }
  return findServedWorkload(api, namespace, service, (first) => {
    const example = first === null ? '' : `, for example ${formatTarget(first)}`;
    return `name one of them${example}`;
  });
}

/**
 * The workload whose pods a Service selects, found through their owners.
 * @param advise what to do where there are several, one of which is that workload; null: none is a workload
 * @throws {Fault} where there are none, or several, or what owns them is no workload
 */
export async function findServedWorkload(
  api: Pick<Api, 'get'>,
  namespace: string,
  service: Field,
  advise: (first: WorkloadName | null) => string,
): Promise<WorkloadName> {
  const list = async (path: string) => new Field(await api.get(path)).get('items').items();
  const labels = [...(serviceSelector(service) ?? [])].map(([key, value]) => `${key}=${value}`).join(',');
  const query = `labelSelector=${encodeURIComponent(labels)}`;
  const pods = await list(`/api/v1/namespaces/${namespace}/pods?${query}`);
  const hasReplicaSets = pods.some((pod) => ownerOf(pod)?.kind === 'ReplicaSet');
  const replicaSets = hasReplicaSets ? await list(`/apis/apps/v1/namespaces/${namespace}/replicasets`) : [];
  const name = nameOf(service);
  const owners = toOwners(pods, replicaSets);
  if (owners.length === 0) throw new Fault(`Service ${name} leads to no pods: none has the labels ${labels}`);
  return chooseOwner(owners, name, advise);
}

/**
 * What the pods are of, each once, in the order of the pods; a pod that nothing owns stands for itself. Pods that have
 * ended, or are about to, do not count.
 */
export function toOwners(pods: readonly Field[], replicaSets: readonly Field[]): readonly OwnerName[] {
  const owners = pods
    .filter((pod) => !isTerminating(pod))
    .filter((pod) => !['Succeeded', 'Failed'].includes(pod.get('status', 'phase').text() ?? ''))
    .map((pod): OwnerName => {
      const owner = ownerOf(pod);
      if (owner === null) return { kind: 'Pod', name: nameOf(pod) };
      if (owner.kind !== 'ReplicaSet') return owner;
      const replicaSet = replicaSets.find((each) => nameOf(each) === owner.name);
      return (replicaSet === undefined ? null : ownerOf(replicaSet)) ?? owner;
    });
  return [...new Map(owners.map((owner) => [formatOwner(owner), owner])).values()];
}

/** @throws {Fault} where it is not one workload */
export function chooseOwner(
  owners: readonly OwnerName[],
  service: string,
  advise: (first: WorkloadName | null) => string,
): WorkloadName {
  const first = owners.find(isWorkload) ?? null;
  const names = owners.map(formatOwner).join(' and ');
  if (owners.length > 1) throw new Fault(`the pods of Service ${service} are of ${names}: ${advise(first)}`);
  if (first !== null) return first;
  const kinds = Object.keys(WORKLOADS).join(', ');
  throw new Fault(`the pods of Service ${service} are of ${names}, and not of one of these: ${kinds}`);
}

/** Its controller, where it has one. */
function ownerOf(object: Field): OwnerName | null {
  const owners = object.get('metadata', 'ownerReferences').items();
  const owner = owners.find((each) => each.get('controller').isTrue());
  if (owner === undefined) return null;
  return { kind: owner.get('kind').text() ?? '', name: owner.get('name').text() ?? '' };
}

function isWorkload(owner: OwnerName): owner is WorkloadName {
  return Object.hasOwn(WORKLOADS, owner.kind);
}

function formatOwner({ kind, name }: OwnerName): string {
  return `${kind} ${name}`;
}

/** As the command line takes it. */
function formatTarget({ kind, name }: { readonly kind: WorkloadKind; readonly name: string }): string {
  return `${WORKLOADS[kind].words[0]}/${name}`;
}

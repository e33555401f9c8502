import type { Api } from './api.ts';
import { isTerminating } from './conditions.ts';
import { Field } from './field.ts';
import { nameOf } from './object.ts';
import { ownerUids } from './owner.ts';
import { WORKLOADS, type WorkloadKind } from './workload-kind.ts';

interface Owner {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  /** Of its pods, as a query takes it. */
  readonly selector: string;
  readonly uid: string;
}

/** The pods of a workload that have not ended, whatever else carries their labels. */
export async function readOwnPods(
  api: Api,
  { kind, namespace, selector, uid }: Owner,
): Promise<readonly Field[]> {
  const list = async (path: string) =>
    new Field(await api.get(`${path}?labelSelector=${selector}`)).get('items').items();
  const replicaSets = WORKLOADS[kind].hasReplicaSets
    ? await list(`/apis/apps/v1/namespaces/${namespace}/replicasets`)
    : [];
  return toOwnPods(uid, replicaSets, await list(`/api/v1/namespaces/${namespace}/pods`));
}

/** Those that have not ended, of the workload with that uid, or of ReplicaSets of it. */
export function toOwnPods(
  uid: string,
  replicaSets: readonly Field[],
  pods: readonly Field[],
): readonly Field[] {
  const own = replicaSets.filter((each) => ownerUids(each).some((its) => its === uid));
  const owners = [uid, ...own.map((each) => each.get('metadata', 'uid').text())];
  return pods.filter(
    (pod) =>
      ownerUids(pod).some((its) => owners.includes(its)) &&
      !['Succeeded', 'Failed'].includes(pod.get('status', 'phase').text() ?? ''),
  );
}

/** Why it is not quiet with these pods; null: it is. @param wanted replicas */
export function findUnrestOfPods(pods: readonly Field[], wanted: number): string | null {
  const leaving = pods.filter(isTerminating);
  if (leaving.length > 0) return `${leaving.length} pods are terminating`;
  return pods.length === wanted ? null : `${pods.length} pods of ${wanted} wanted`;
}

/**
 * The kubelet waits with one of these, and no wait alone helps; `ErrImagePull` comes before the back-off.
 * https://pkg.go.dev/k8s.io/kubernetes/pkg/kubelet/images
 */
export const UNSTARTABLE: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
]);

/** Why one of these pods cannot start, and will not by itself; null: each may. */
export function findUnstartable(pods: readonly Field[]): string | null {
  for (const pod of pods.filter((each) => !isTerminating(each))) {
    for (const list of ['initContainerStatuses', 'containerStatuses']) {
      for (const container of pod.get('status', list).items()) {
        const waiting = container.get('state', 'waiting');
        const reason = waiting.get('reason').text() ?? '';
        if (!UNSTARTABLE.has(reason)) continue;
        return `${nameOf(pod)} cannot start, ${reason}: ${waiting.get('message').text() ?? ''}`;
      }
    }
  }
  return null;
}

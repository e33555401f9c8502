import { toCollectionPath, WORKLOADS, type WorkloadName } from './workload-kind.ts';

/** What is watched around a workload. */
export interface WatchedObjects {
  readonly namespace: string;
  readonly workload: WorkloadName;
  /** Of its pods, as a query takes it. */
  readonly selector: string;
  /** Of all pods behind the Service, those of other workloads among them. */
  readonly podSelector: string;
  /** Null: no Service selects its pods, and a pod that is ready is taken for an endpoint. */
  readonly service: string | null;
  /** Null: none scales it. */
  readonly hpa: string | null;
}

/** By the names of the Kubernetes API, but for `workload`, which is one of its kind, and `kills`, which are events. */
export type WatchedResource =
  | 'pods'
  | 'endpointslices'
  | 'workload'
  | 'replicasets'
  | 'horizontalpodautoscalers'
  | 'events'
  | 'kills'
  | 'nodes';

/** The path at the API server of each watch; null: there is nothing to watch, or it is not allowed. */
export function toWatchPaths(
  { namespace, workload, selector, podSelector, service, hpa }: WatchedObjects,
  canWatchNodes: boolean,
): Record<WatchedResource, string | null> {
  const within = (group: string) => `${group}/namespaces/${namespace}`;
  const named = (name: string) => `fieldSelector=metadata.name%3D${name}`;
  const core = within('/api/v1');
  const ofService = encodeURIComponent(`kubernetes.io/service-name=${service}`);
  return {
    pods: `${core}/pods?labelSelector=${podSelector}`,
    endpointslices:
      service === null
        ? null
        : `${within('/apis/discovery.k8s.io/v1')}/endpointslices?labelSelector=${ofService}`,
    workload: `${toCollectionPath(workload.kind, namespace)}?${named(workload.name)}`,
    replicasets: WORKLOADS[workload.kind].hasReplicaSets
      ? `${within('/apis/apps/v1')}/replicasets?labelSelector=${selector}`
      : null,
    horizontalpodautoscalers:
      hpa === null ? null : `${within('/apis/autoscaling/v2')}/horizontalpodautoscalers?${named(hpa)}`,
    events: `${core}/events?fieldSelector=type%3DWarning`,
    // They are no warnings.
    kills: `${core}/events?fieldSelector=reason%3DKilling`,
    nodes: canWatchNodes ? '/api/v1/nodes' : null,
  };
}

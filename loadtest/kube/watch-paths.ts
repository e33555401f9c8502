/** What is watched around a Deployment. */
export interface WatchedObjects {
  readonly namespace: string;
  readonly deployment: string;
  /** Of its pods, as a query takes it. */
  readonly selector: string;
  /** Null: no Service selects its pods, and a pod that is ready is taken for an endpoint. */
  readonly service: string | null;
  /** Null: none scales it. */
  readonly hpa: string | null;
}

/** By the names of the Kubernetes API. */
export type WatchedResource =
  | 'pods'
  | 'endpointslices'
  | 'deployments'
  | 'replicasets'
  | 'horizontalpodautoscalers'
  | 'events'
  | 'nodes';

/** The path at the API server of each watch; null: there is nothing to watch, or it is not allowed. */
export function toWatchPaths(
  { namespace, deployment, selector, service, hpa }: WatchedObjects,
  canWatchNodes: boolean,
): Record<WatchedResource, string | null> {
  const within = (group: string) => `${group}/namespaces/${namespace}`;
  const named = (name: string) => `fieldSelector=metadata.name%3D${name}`;
  const core = within('/api/v1');
  const apps = within('/apis/apps/v1');
  const ofService = encodeURIComponent(`kubernetes.io/service-name=${service}`);
  return {
    pods: `${core}/pods?labelSelector=${selector}`,
    endpointslices:
      service === null
        ? null
        : `${within('/apis/discovery.k8s.io/v1')}/endpointslices?labelSelector=${ofService}`,
    deployments: `${apps}/deployments?${named(deployment)}`,
    replicasets: `${apps}/replicasets?labelSelector=${selector}`,
    horizontalpodautoscalers:
      hpa === null ? null : `${within('/apis/autoscaling/v2')}/horizontalpodautoscalers?${named(hpa)}`,
    events: `${core}/events?fieldSelector=type%3DWarning`,
    nodes: canWatchNodes ? '/api/v1/nodes' : null,
  };
}

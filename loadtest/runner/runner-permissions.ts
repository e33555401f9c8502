import type { Permission } from '../kube/permission.ts';

const CONFIG_MAPS = { group: '', resource: 'configmaps' };
const JOBS = { group: 'batch', resource: 'jobs' };
const LEASES = { group: 'coordination.k8s.io', resource: 'leases' };
const NODES = { group: '', resource: 'nodes', isClusterWide: true };
const PODS = { group: '', resource: 'pods' };
const RBAC = 'rbac.authorization.k8s.io';

/** Objects that the caller makes for a runner, and removes, besides its Job and its Lease. */
const MADE: readonly Omit<Permission, 'verb'>[] = [
  { group: '', resource: 'serviceaccounts' },
  { group: '', resource: 'secrets' },
  { group: RBAC, resource: 'roles' },
  { group: RBAC, resource: 'rolebindings' },
];
const MADE_CLUSTER_WIDE: readonly Omit<Permission, 'verb'>[] = [
  { group: RBAC, resource: 'clusterroles', isClusterWide: true },
  { group: RBAC, resource: 'clusterrolebindings', isClusterWide: true },
];
const MAKE_VERBS = ['create', 'delete'];

/**
 * What the runner itself needs, whatever its command does.
 * @param name of all its objects
 * @param senders names of the pods that send for it
 */
export function toRunnerPermissions(name: string, senders: readonly string[]): readonly Permission[] {
  return [
    ...senders.map((pod) => ({ ...PODS, verb: 'get', name: pod })),
    { ...LEASES, verb: 'get', name },
    { ...CONFIG_MAPS, verb: 'create' },
  ];
}

/** To remove its own ClusterRole, which no Job can own: an owner is in the namespace of what it owns. */
export function toClusterRolePermission(name: string): Permission {
  return { group: RBAC, resource: 'clusterroles', isClusterWide: true, verb: 'delete', name };
}

/**
 * What a caller needs to start a runner, to follow it, and to remove it. Beyond these it must hold what the runner is
 * to hold: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export function toCallerPermissions(isClusterWide: boolean, hasSenders: boolean): readonly Permission[] {
  const made = [...MADE, ...(isClusterWide ? MADE_CLUSTER_WIDE : [])];
  return [
    ...['create', 'patch', 'delete'].map((verb) => ({ ...JOBS, verb })),
    ...['create', 'patch', 'delete'].map((verb) => ({ ...LEASES, verb })),
    ...made.flatMap((resource) => MAKE_VERBS.map((verb) => ({ ...resource, verb }))),
    { ...PODS, verb: 'list' },
    ...(hasSenders ? [...MAKE_VERBS.map((verb) => ({ ...PODS, verb })), { ...NODES, verb: 'list' }] : []),
    { ...PODS, subresource: 'log', verb: 'get' },
    { ...CONFIG_MAPS, verb: 'list' },
    { group: '', resource: 'events', verb: 'list' },
  ];
}

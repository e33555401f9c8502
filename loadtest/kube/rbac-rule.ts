import type { Permission } from './permission.ts';

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole */
export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** Only these objects; none: all. */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/**
 * The rules of a Role that allows exactly these permissions, one rule a resource, in their order.
 *
 * `get pods`, `list pods`, `patch deployments.apps` → `{"" pods [get, list]}`, `{apps deployments [patch]}`.
 */
export function toRbacRules(permissions: readonly Permission[]): RbacRule[] {
  const verbs = new Map<string, Permission[]>();
  for (const permission of permissions) {
    const { group, resource, subresource, name } = permission;
    const key = JSON.stringify([group, resource, subresource, name]);
    verbs.set(key, [...(verbs.get(key) ?? []), permission]);
  }
  return [...verbs.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { group, resource, subresource, name } = first;
    return [
      {
        apiGroups: [group],
        resources: [subresource === undefined ? resource : `${resource}/${subresource}`],
        ...(name === undefined ? {} : { resourceNames: [name] }),
        verbs: [...new Set(same.map(({ verb }) => verb))],
      },
    ];
  });
}

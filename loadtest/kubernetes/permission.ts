import type { Disturbance } from '../prove/scene.ts';
import type { Api } from './api.ts';
import { at } from './json.ts';

/** One thing the prover must be allowed to do. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Not bound to the namespace. */
  readonly isClusterWide?: boolean;
}

const READ: readonly Permission[] = (
  [
    ['', 'pods'],
    ['', 'services'],
    ['', 'events'],
    ['apps', 'deployments'],
    ['apps', 'replicasets'],
    ['discovery.k8s.io', 'endpointslices'],
    ['autoscaling', 'horizontalpodautoscalers'],
  ] as const
).flatMap(([group, resource]) => ['list', 'watch'].map((verb) => ({ verb, group, resource })));

const PATCH_DEPLOYMENT: Permission = { verb: 'patch', group: 'apps', resource: 'deployments' };

const NEEDED: Record<Disturbance, readonly Permission[]> = {
  rollout: [PATCH_DEPLOYMENT],
  scale: [
    { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale' },
    { verb: 'patch', group: 'autoscaling', resource: 'horizontalpodautoscalers' },
  ],
  drain: [
    { verb: 'create', group: '', resource: 'pods', subresource: 'eviction' },
    { verb: 'patch', group: '', resource: 'nodes', isClusterWide: true },
  ],
  kill: [{ verb: 'delete', group: '', resource: 'pods' }],
  run: [],
};

export function toPermissions(disturbance: Disturbance, hasControl: boolean): readonly Permission[] {
  return [
    ...READ,
    ...NEEDED[disturbance],
    ...(hasControl && disturbance !== 'rollout' ? [PATCH_DEPLOYMENT] : []),
  ];
}

/** Asks the API server, and returns what is not allowed, in the words of RBAC. */
export async function findDenied(
  api: Api,
  namespace: string,
  permissions: readonly Permission[],
): Promise<string[]> {
  const answers = await Promise.all(
    permissions.map(async (permission) => {
      const { verb, group, resource, subresource, isClusterWide = false } = permission;
      const review = await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: {
          resourceAttributes: {
            verb,
            group,
            resource,
            ...(subresource === undefined ? {} : { subresource }),
            ...(isClusterWide ? {} : { namespace }),
          },
        },
      });
      return at(review, 'status', 'allowed') === true ? [] : [formatPermission(permission)];
    }),
  );
  return answers.flat();
}

function formatPermission({ verb, group, resource, subresource }: Permission): string {
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
}

import type { Disruption } from '../proof/scene.ts';
import type { Api } from './api.ts';
import { isScaleTarget, toScaleTarget } from './autoscaler.ts';
import { at } from './json.ts';
import { toListItems } from './object.ts';
import { WORKLOADS, type WorkloadKind, type WorkloadName } from './workload-kind.ts';

/** One thing the prover must be allowed to do. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Of the one object that it is for; none: all. */
  readonly name?: string;
  /** Not bound to the namespace. */
  readonly isClusterWide?: boolean;
  /** What calls it can do without. */
  readonly isOptional?: boolean;
}

/** Proofs in a row, as far as they decide what has to be allowed. */
export interface Undertaking {
  /** Of the workload that is disrupted. */
  readonly kind: WorkloadKind;
  readonly disruptions: readonly Disruption[];
  /** Are safeguards taken away first? */
  readonly hasControl: boolean;
  /** Is the pod template given back afterwards? */
  readonly isRestored: boolean;
  /** Does an HPA hold the workload's replicas? */
  readonly hasHpa: boolean;
}

const REPLICA_SETS = { group: 'apps', resource: 'replicasets' };
const PODS = { group: '', resource: 'pods' };
const EVENTS = { group: '', resource: 'events' };
const SERVICES = { group: '', resource: 'services' };
const ENDPOINT_SLICES = { group: 'discovery.k8s.io', resource: 'endpointslices' };
const HPAS = { group: 'autoscaling', resource: 'horizontalpodautoscalers' };
const NODES = { group: '', resource: 'nodes', isClusterWide: true };

const WATCH_VERBS = ['list', 'watch'];

type Resource = Pick<Permission, 'group' | 'resource'>;

const DISRUPT: Record<Disruption, (workloads: Resource, hasHpa: boolean) => readonly Permission[]> = {
  rollout: (workloads) => [{ ...workloads, verb: 'patch' }],
  scale: (workloads, hasHpa) => [
    hasHpa ? { ...HPAS, verb: 'patch' } : { ...workloads, subresource: 'scale', verb: 'patch' },
  ],
  drain: () => [
    { ...NODES, verb: 'get' },
    { ...NODES, verb: 'patch' },
    { ...PODS, subresource: 'eviction', verb: 'create' },
  ],
  kill: () => [{ ...PODS, verb: 'delete' }],
  run: () => [],
};

/**
 * What the proofs call, and nothing else: preflight checks it, and `--in-cluster` makes a Role of it. To watch nodes is
 * left out, see `canWatchNodes`.
 */
export function toPermissions({
  kind,
  disruptions,
  hasControl,
  isRestored,
  hasHpa,
}: Undertaking): readonly Permission[] {
  const { group, resource, hasReplicaSets } = WORKLOADS[kind];
  const workloads: Resource = { group, resource };
  const watched = [workloads, ...(hasReplicaSets ? [REPLICA_SETS] : []), PODS, EVENTS, ENDPOINT_SLICES];
  // A control changes the pod template, as a rollout does.
  const changes = new Set([...disruptions, ...(hasControl ? (['rollout'] as const) : [])]);
  return [
    { ...workloads, verb: 'get' },
    ...watched.flatMap((each) => WATCH_VERBS.map((verb) => ({ ...each, verb }))),
    { ...SERVICES, verb: 'list' },
    { ...HPAS, verb: 'list' },
    ...(hasHpa ? [{ ...HPAS, verb: 'watch' }] : []),
    ...[...changes].flatMap((change) => DISRUPT[change](workloads, hasHpa)),
    // See findObstacles().
    ...(kind === 'StatefulSet' && isRestored && !changes.has('kill') ? DISRUPT.kill(workloads, hasHpa) : []),
  ];
}

/** For a watch of nodes, which a proof can do without. */
const WATCH_NODES = WATCH_VERBS.map((verb): Permission => ({ ...NODES, verb, isOptional: true }));

/**
 * What is needed for a workload as it is now; who may watch nodes has that, too.
 * @throws {Fault} where its HPAs cannot be listed
 */
export async function readPermissions(
  api: Pick<Api, 'get' | 'post'>,
  namespace: string,
  workload: WorkloadName,
  toNeeded: (of: Pick<Undertaking, 'kind' | 'hasHpa'>) => readonly Permission[],
): Promise<readonly Permission[]> {
  const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;
  const hpas = toListItems(await api.get(path), 'HorizontalPodAutoscaler');
  const hasHpa = hpas.some((hpa) => isScaleTarget(toScaleTarget(hpa), workload));
  const needed = toNeeded({ kind: workload.kind, hasHpa });
  return (await canWatchNodes(api)) ? [...needed, ...WATCH_NODES] : needed;
}

/** What finds the workload behind a Service. */
export const TO_FIND_WORKLOADS: readonly Permission[] = [SERVICES, PODS, REPLICA_SETS].map((resource) => ({
  ...resource,
  verb: 'list',
}));

/** What an observation calls, and nothing else. @param tellsEvents does it leave word at the workload? */
export function toObserverPermissions({
  kind,
  hasHpa,
  tellsEvents,
}: Pick<Undertaking, 'kind' | 'hasHpa'> & { readonly tellsEvents: boolean }): readonly Permission[] {
  return [
    ...toPermissions({ kind, disruptions: [], hasControl: false, isRestored: false, hasHpa }),
    ...(tellsEvents ? [{ ...EVENTS, verb: 'create' }] : []),
  ];
}

/** Where it cannot, a proof can be made all the same, but does not tell the loss of a node. */
export async function canWatchNodes(api: Pick<Api, 'post'>): Promise<boolean> {
  return (await findDenied(api, '', WATCH_NODES)).length === 0;
}

/** Asks the API server, and returns what is not allowed, in the words of RBAC. */
export async function findDenied(
  api: Pick<Api, 'post'>,
  namespace: string,
  permissions: readonly Permission[],
): Promise<string[]> {
  const answers = await Promise.all(
    permissions.map(async (permission) => {
      const { verb, group, resource, subresource, name, isClusterWide = false } = permission;
      const review = await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: {
          resourceAttributes: {
            verb,
            group,
            resource,
            ...(subresource === undefined ? {} : { subresource }),
            ...(name === undefined ? {} : { name }),
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

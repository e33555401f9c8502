import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../cli/fault.ts';
import { type Api, isPassing, isUnheard, toApiStatus } from './api.ts';
import { toDeploymentState, toSelectorQuery } from './deployment.ts';
import { at, type Json, listAt, numberAt, textAt } from './json.ts';

/** A Deployment of a cluster with its pods and what scales it: read, changed, and waited for. */
export interface LiveDeployment {
  readonly namespace: string;
  readonly name: string;
  /** As it was at rest, before anything was done to it. */
  readonly original: Json;
  readonly replicas: number;
  /** Of its pods, as a query takes it. */
  readonly selector: string;
  /** As it was then; null: none scales it. */
  readonly hpa: Json | null;
  read(): Promise<Json>;
  patch(type: 'strategic' | 'json', patch: unknown): Promise<unknown>;
  /** Its own pods that are ready and not told to end, whatever else carries their labels. */
  readServingPods(): Promise<readonly Json[]>;
  /** Through the HPA, where there is one. */
  scaleTo(replicas: number): Promise<void>;
  /** To the replicas, or the bounds, that it had. */
  scaleBack(): Promise<void>;
  /** Resolves when so many replicas are wanted, and it is quiet. */
  untilScaledTo(replicas: number, aborted: AbortSignal): Promise<void>;
  /** Resolves when every pod is wanted, up to date and ready, and no other is left. */
  untilQuiet(aborted: AbortSignal | null): Promise<void>;
}

const POLL_MS = 500;
/** For a Deployment that has just been applied to come to rest. */
const REST_TIMEOUT_MS = 30_000;
/** For anything that is to come about, or to come to rest again. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Waits until the Deployment is at rest, and finds the HPA that scales it.
 * @param tell told what is waited for
 * @throws {Fault} where it is not there, has no replicas, or does not come to rest
 */
export async function openDeployment(
  api: Api,
  { namespace, name }: { namespace: string; name: string },
  signal: AbortSignal,
  tell: (step: string) => void,
): Promise<LiveDeployment> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  const replicaSetsPath = `/apis/apps/v1/namespaces/${namespace}/replicasets`;
  const podsPath = `/api/v1/namespaces/${namespace}/pods`;
  const hpasPath = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;

  const original = await awaitRest();
  const { replicas } = toDeploymentState(original);
  const uid = textAt(original, 'metadata', 'uid');
  const selector = encodeURIComponent(toSelectorQuery(at(original, 'spec', 'selector')));
  const hpas = listAt(await api.get(hpasPath), 'items');
  const hpa = hpas.find((candidate) => isScalerOf(candidate, name)) ?? null;

  async function awaitRest(): Promise<Json> {
    const endMs = performance.now() + REST_TIMEOUT_MS;
    for (let isTold = false; ; isTold = true) {
      const found = await api.get(path).catch((error: Error) => {
        if (isUnheard(error)) throw error;
        const isAbsent = toApiStatus(error) === 404;
        throw new Fault(
          isAbsent ? `there is no Deployment ${name} in namespace ${namespace}` : error.message,
        );
      });
      const state = toDeploymentState(found);
      if (state.replicas === 0) throw new Fault(`Deployment ${name} has no replicas`);
      if (state.unrest === null) return found;
      if (performance.now() > endMs) {
        throw new Fault(`Deployment ${name} is not at rest: ${state.unrest}`);
      }
      if (!isTold) tell(`waiting for Deployment ${name} to come to rest: ${state.unrest}`);
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /** Why it is not quiet; null: it is. */
  async function findUnrest(): Promise<string | null> {
    const { unrest, replicas: wanted } = toDeploymentState(await api.get(path));
    if (unrest !== null && /timed out progressing/.test(unrest)) throw new Error(unrest);
    if (unrest !== null) return unrest;
    const pods = await readPods();
    const leaving = pods.filter(isTerminating);
    if (leaving.length > 0) return `${leaving.length} pods are terminating`;
    return pods.length === wanted ? null : `${pods.length} pods of ${wanted} wanted`;
  }

  const untilQuiet = (aborted: AbortSignal | null) => until(findUnrest, 'not quiet', aborted);

  /** The pods of its ReplicaSets that have not ended. */
  async function readPods(): Promise<readonly Json[]> {
    const owners = listAt(await api.get(`${replicaSetsPath}?labelSelector=${selector}`), 'items')
      .filter((replicaSet) => isOwnedBy(replicaSet, [uid]))
      .map((replicaSet) => textAt(replicaSet, 'metadata', 'uid'));
    return listAt(await api.get(`${podsPath}?labelSelector=${selector}`), 'items').filter(
      (pod) =>
        isOwnedBy(pod, owners) && !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase') ?? ''),
    );
  }

  async function setBounds(minReplicas: number, maxReplicas: number): Promise<void> {
    await api.patch(`${hpasPath}/${textAt(hpa, 'metadata', 'name')}`, 'merge', {
      spec: { minReplicas, maxReplicas },
    });
  }

  async function scaleTo(wanted: number): Promise<void> {
    if (hpa !== null) await setBounds(wanted, wanted);
    else await api.patch(`${path}/scale`, 'merge', { spec: { replicas: wanted } });
  }

  return {
    namespace,
    name,
    original,
    replicas,
    selector,
    hpa,
    read: () => api.get(path),
    patch: (type, patch) => api.patch(path, type, patch),
    readServingPods: async () => (await readPods()).filter((pod) => !isTerminating(pod) && isReady(pod)),
    scaleTo,
    scaleBack: async () => {
      if (hpa === null) await scaleTo(replicas);
      else await setBounds(...boundsOf(hpa));
    },
    untilScaledTo: async (wanted, aborted) => {
      const findReason = async () => {
        const { replicas: now } = toDeploymentState(await api.get(path));
        return now === wanted ? null : `${now} replicas are wanted by something else`;
      };
      await until(findReason, `not scaled to ${wanted}`, aborted);
      await untilQuiet(aborted);
    },
    untilQuiet,
  };
}

/**
 * Looks until there is no reason to wait any more. A fault of the API server that passes is such a reason.
 * @param what what has come to nothing where the reasons do not end
 * @throws {Error} with the last reason, after a quarter of an hour
 */
export async function until(
  findReason: () => Promise<string | null>,
  what: string,
  aborted: AbortSignal | null,
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    aborted?.throwIfAborted();
    const reason = await findReason().catch((error: Error) => {
      if (isPassing(error)) return error.message;
      throw error;
    });
    if (reason === null) return;
    if (performance.now() > endMs)
      throw new Error(`${what} after ${PATIENCE_MS / 60_000} minutes: ${reason}`);
    await sleep(POLL_MS, undefined, aborted === null ? {} : { signal: aborted });
  }
}

/** The fewest and the most replicas that an HPA allows. */
export function boundsOf(hpa: Json): readonly [min: number, max: number] {
  return [numberAt(hpa, 'spec', 'minReplicas') ?? 1, numberAt(hpa, 'spec', 'maxReplicas') ?? 1];
}

function isScalerOf(hpa: Json, name: string): boolean {
  const target = at(hpa, 'spec', 'scaleTargetRef');
  return textAt(target, 'kind') === 'Deployment' && textAt(target, 'name') === name;
}

function isOwnedBy(object: Json, uids: readonly (string | null)[]): boolean {
  return listAt(object, 'metadata', 'ownerReferences').some((owner) => uids.includes(textAt(owner, 'uid')));
}

function isTerminating(pod: Json): boolean {
  return textAt(pod, 'metadata', 'deletionTimestamp') !== null;
}

function isReady(pod: Json): boolean {
  return listAt(pod, 'status', 'conditions').some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
}

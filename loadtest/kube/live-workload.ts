import type { Clock } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import { type Api, isPassing, isUnheard, toApiStatus } from './api.ts';
import { isScaleTarget, toAutoscaler, toScaleTarget } from './autoscaler.ts';
import { isReady, isTerminating } from './conditions.ts';
import { Field } from './field.ts';
import { type Json, listAt, textAt } from './json.ts';
import { type KubeObject, nameOf, toListItems } from './object.ts';
import { findUnrestOfPods, findUnstartable, readOwnPods } from './own-pods.ts';
import { CONTAINERS } from './safeguard-containers.ts';
import { toSelectorQuery } from './selector.ts';
import { findObstacles, toCollectionPath, WORKLOADS, type WorkloadName } from './workload-kind.ts';

/** A workload of a cluster with its pods and what scales it: read, changed, and waited for. */
export interface LiveWorkload extends WorkloadName {
  readonly namespace: string;
  readonly uid: string;
  /** As it was at rest, before anything was done to it. */
  readonly original: Json;
  readonly replicas: number;
  /** Of its pods, as a query takes it. */
  readonly selector: string;
  /** As it was then; null: none scales it. */
  readonly hpa: KubeObject | null;
  read(): Promise<Json>;
  /** A merge patch: lists are replaced whole. https://www.rfc-editor.org/rfc/rfc7396 */
  patch(patch: Json): Promise<void>;
  /**
   * Replaces the containers of the pod template. Where somebody has changed the workload since they were read, all of
   * this is done anew. Custom resources know no strategic merge patch, which could change one of a list.
   */
  changeContainers(toContainers: (now: readonly Json[]) => readonly Json[]): Promise<void>;
  /** Its own pods that are ready and not terminating, whatever else carries their labels. */
  readServingPods(): Promise<readonly Field[]>;
  /** Through the HPA, where there is one. */
  scaleTo(replicas: number): Promise<void>;
  /** To the replicas, or the bounds, that it had. */
  scaleBack(): Promise<void>;
  /** Resolves when so many replicas are wanted, and it is quiet. */
  untilScaledTo(replicas: number, aborted: AbortSignal): Promise<void>;
  /** Resolves when every pod is wanted, up to date and ready, and no other is left. */
  untilQuiet(aborted: AbortSignal): Promise<void>;
  /** The same after its pod template was given back: pods that hold that up are deleted. */
  untilRestored(): Promise<void>;
}

const POLL_MS = 500;
/** For a workload that has just been applied to come to rest. */
const REST_TIMEOUT_MS = 30_000;
/** For anything that is to come about, or to come to rest again. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Waits until the workload is at rest, and finds the HPA that scales it.
 * @param tell told what is waited for
 * @throws {Fault} where it is not there, has no replicas, or does not come to rest
 */
export async function openWorkload(
  api: Api,
  { namespace, kind, name }: WorkloadName & { readonly namespace: string },
  signal: AbortSignal,
  tell: (step: string) => void,
  clock: Clock,
): Promise<LiveWorkload> {
  const path = `${toCollectionPath(kind, namespace)}/${name}`;
  const { toState } = WORKLOADS[kind];
  const hpasPath = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;

  const original = await awaitRest(api, { namespace, kind, name }, signal, tell, clock);
  const { replicas } = toState(new Field(original));
  const uid = new Field(original).get('metadata', 'uid').text() ?? '';
  const selector = encodeURIComponent(toSelectorQuery(new Field(original).get('spec', 'selector')));
  const hpas = toListItems(await api.get(hpasPath), 'HorizontalPodAutoscaler');
  const target = { kind, name };
  const hpa = hpas.find((candidate) => isScaleTarget(toScaleTarget(candidate), target)) ?? null;

  /** Why it is not quiet; null: it is. @param onPods told its pods first */
  async function findUnrest(
    onPods: (pods: readonly Field[], now: Field) => Promise<void>,
  ): Promise<string | null> {
    const now = new Field(await api.get(path));
    const { unrest, replicas: wanted, isStuck } = toState(now);
    if (unrest !== null && isStuck) throw new Error(unrest);
    const pods = await readPods();
    await onPods(pods, now);
    return unrest ?? findUnrestOfPods(pods, wanted);
  }

  const untilQuiet = (aborted: AbortSignal) =>
    until(() => findUnrest(checkStartable), 'not quiet', aborted, clock);

  async function checkStartable(pods: readonly Field[]): Promise<void> {
    const why = findUnstartable(pods);
    if (why !== null) throw new Error(why);
  }

  async function deleteObstacles(pods: readonly Field[], now: Field): Promise<void> {
    for (const pod of findObstacles({ kind, name }, now, pods)) {
      const podUid = pod.get('metadata', 'uid').text();
      // Its successor has the same name.
      const precondition = { preconditions: { uid: podUid } };
      await api
        .remove(`/api/v1/namespaces/${namespace}/pods/${nameOf(pod)}`, precondition)
        .catch((error: Error) => {
          if (![404, 409].includes(toApiStatus(error) ?? 0)) throw error;
        });
    }
  }

  const readPods = () => readOwnPods(api, { kind, namespace, selector, uid });

  async function setBounds(minReplicas: number, maxReplicas: number): Promise<void> {
    await api.patch(`${hpasPath}/${hpa?.name}`, 'merge', {
      spec: { minReplicas, maxReplicas },
    });
  }

  async function scaleTo(wanted: number): Promise<void> {
    if (hpa !== null) await setBounds(wanted, wanted);
    else await api.patch(`${path}/scale`, 'merge', { spec: { replicas: wanted } });
  }

  return {
    namespace,
    kind,
    name,
    uid,
    original,
    replicas,
    selector,
    hpa,
    read: () => api.get(path),
    patch: async (patch) => void (await api.patch(path, 'merge', patch)),
    changeContainers: (toContainers) => changeContainers(api, path, toContainers),
    readServingPods: async () => (await readPods()).filter((pod) => !isTerminating(pod) && isReady(pod)),
    scaleTo,
    scaleBack: async () => {
      if (hpa === null) await scaleTo(replicas);
      else {
        const { min, max } = toAutoscaler(hpa);
        await setBounds(min, max);
      }
    },
    untilScaledTo: async (wanted, aborted) => {
      const findReason = async () => {
        const { replicas: now } = toState(new Field(await api.get(path)));
        return now === wanted ? null : `${now} replicas are wanted by something else`;
      };
      await until(findReason, `not scaled to ${wanted}`, aborted, clock);
      await untilQuiet(aborted);
    },
    untilQuiet,
    untilRestored: () => until(() => findUnrest(deleteObstacles), 'not quiet', null, clock),
  };
}

/** So often somebody may have been faster. */
const MAX_CONFLICTS = 5;

async function changeContainers(
  api: Api,
  path: string,
  toContainers: (now: readonly Json[]) => readonly Json[],
): Promise<void> {
  for (let conflicts = 0; ; conflicts += 1) {
    const now = await api.get(path);
    const value = textAt(now, 'metadata', 'resourceVersion');
    try {
      await api.patch(path, 'json', [
        // Refused with 409 where it has been changed since it was read.
        { op: 'replace', path: '/metadata/resourceVersion', value },
        {
          op: 'replace',
          path: `/${CONTAINERS.join('/')}`,
          value: toContainers(listAt(now, ...CONTAINERS)),
        },
      ]);
      return;
    } catch (error) {
      if (toApiStatus(error) !== 409 || conflicts === MAX_CONFLICTS) throw error;
    }
  }
}

/** The workload as soon as it is at rest. */
async function awaitRest(
  api: Api,
  { namespace, kind, name }: WorkloadName & { readonly namespace: string },
  signal: AbortSignal,
  tell: (step: string) => void,
  clock: Clock,
): Promise<Json> {
  const endMs = clock.nowMs() + REST_TIMEOUT_MS;
  for (let isTold = false; ; isTold = true) {
    const found = await api.get(`${toCollectionPath(kind, namespace)}/${name}`).catch((error: Error) => {
      if (isUnheard(error)) throw error;
      const isAbsent = toApiStatus(error) === 404;
      throw new Fault(isAbsent ? `there is no ${kind} ${name} in namespace ${namespace}` : error.message);
    });
    const { replicas, unrest, isStuck } = WORKLOADS[kind].toState(new Field(found));
    if (unrest === null && replicas === 0) throw new Fault(`${kind} ${name} has no replicas`);
    if (unrest === null) return found;
    if (isStuck || clock.nowMs() > endMs) throw new Fault(`${kind} ${name} is not at rest: ${unrest}`);
    if (!isTold) tell(`waiting for ${kind} ${name} to come to rest: ${unrest}`);
    await clock.pause(POLL_MS, signal);
    signal.throwIfAborted();
  }
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
  clock: Clock,
): Promise<void> {
  const endMs = clock.nowMs() + PATIENCE_MS;
  for (;;) {
    aborted?.throwIfAborted();
    const reason = await findReason().catch((error: Error) => {
      if (isPassing(error)) return error.message;
      throw error;
    });
    if (reason === null) return;
    if (clock.nowMs() > endMs) throw new Error(`${what} after ${PATIENCE_MS / 60_000} minutes: ${reason}`);
    await clock.pause(POLL_MS, aborted);
  }
}

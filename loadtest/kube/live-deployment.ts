import type { Clock } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import { type Api, isPassing, isUnheard, toApiStatus } from './api.ts';
import { isScaleTarget, toAutoscaler, toScaleTarget } from './autoscaler.ts';
import { isReady, isTerminating } from './conditions.ts';
import { toDeploymentState } from './deployment.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import { type KubeObject, toListItems } from './object.ts';
import { findUnrestOfPods, readOwnPods } from './own-pods.ts';
import { toSelectorQuery } from './selector.ts';

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
  readonly hpa: KubeObject | null;
  read(): Promise<Json>;
  patch(type: 'strategic' | 'json', patch: unknown): Promise<unknown>;
  /** Its own pods that are ready and not terminating, whatever else carries their labels. */
  readServingPods(): Promise<readonly Field[]>;
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
  clock: Clock,
): Promise<LiveDeployment> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  const hpasPath = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;

  const original = await awaitRest(api, { namespace, name, path }, signal, tell, clock);
  const { replicas } = toDeploymentState(new Field(original));
  const uid = new Field(original).get('metadata', 'uid').text();
  const selector = encodeURIComponent(toSelectorQuery(new Field(original).get('spec', 'selector')));
  const hpas = toListItems(await api.get(hpasPath), 'HorizontalPodAutoscaler');
  const target = { kind: 'Deployment', name };
  const hpa = hpas.find((candidate) => isScaleTarget(toScaleTarget(candidate), target)) ?? null;

  /** Why it is not quiet; null: it is. */
  async function findUnrest(): Promise<string | null> {
    const { unrest, replicas: wanted } = toDeploymentState(new Field(await api.get(path)));
    if (unrest !== null && /timed out progressing/.test(unrest)) throw new Error(unrest);
    if (unrest !== null) return unrest;
    return findUnrestOfPods(await readPods(), wanted);
  }

  const untilQuiet = (aborted: AbortSignal | null) => until(findUnrest, 'not quiet', aborted, clock);

  const readPods = () => readOwnPods(api, { namespace, selector, uid });

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
      else {
        const { min, max } = toAutoscaler(hpa);
        await setBounds(min, max);
      }
    },
    untilScaledTo: async (wanted, aborted) => {
      const findReason = async () => {
        const { replicas: now } = toDeploymentState(new Field(await api.get(path)));
        return now === wanted ? null : `${now} replicas are wanted by something else`;
      };
      await until(findReason, `not scaled to ${wanted}`, aborted, clock);
      await untilQuiet(aborted);
    },
    untilQuiet,
  };
}

/** The Deployment as soon as it is at rest. */
async function awaitRest(
  api: Api,
  { namespace, name, path }: { namespace: string; name: string; path: string },
  signal: AbortSignal,
  tell: (step: string) => void,
  clock: Clock,
): Promise<Json> {
  const endMs = clock.nowMs() + REST_TIMEOUT_MS;
  for (let isTold = false; ; isTold = true) {
    const found = await api.get(path).catch((error: Error) => {
      if (isUnheard(error)) throw error;
      const isAbsent = toApiStatus(error) === 404;
      throw new Fault(isAbsent ? `there is no Deployment ${name} in namespace ${namespace}` : error.message);
    });
    const state = toDeploymentState(new Field(found));
    if (state.replicas === 0) throw new Fault(`Deployment ${name} has no replicas`);
    if (state.unrest === null) return found;
    if (clock.nowMs() > endMs) {
      throw new Fault(`Deployment ${name} is not at rest: ${state.unrest}`);
    }
    if (!isTold) tell(`waiting for Deployment ${name} to come to rest: ${state.unrest}`);
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

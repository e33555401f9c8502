import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlId, nameControls } from '../prove/control.ts';
import { type Disturbance, NotUndone, type Scene } from '../prove/scene.ts';
import { UsageError } from '../usage-error.ts';
import { type Api, ApiError, isPassing } from './api.ts';
import { createClusterWatch } from './cluster-watch.ts';
import { chooseContainer } from './container.ts';
import { toControlPatch, toDeploymentState, toSelectorQuery } from './deployment.ts';
import { at, type Json, listAt, numberAt, textAt } from './json.ts';
import { findDenied, toPermissions, type Undertaking } from './permission.ts';
import { chooseWay } from './service.ts';
import { createUndo } from './undo.ts';

export interface ClusterOptions {
  readonly namespace: string;
  readonly deployment: string;
  /** Null: the one that serves, where that can be told. */
  readonly container: string | null;
  /** Null: the address of the Service that selects the pods. */
  readonly url: URL | null;
  /** Rejects with a UsageError where nobody listens at the address. */
  readonly checkReachable: (url: URL) => Promise<void>;
  readonly disturbance: Disturbance;
  /** All that is to follow it, itself included: who is not allowed one of them does not get to begin. */
  readonly undertaking: Pick<Undertaking, 'disturbances' | 'hasControl'>;
  /** Safeguards to take away first. */
  readonly without: readonly ControlId[];
  /** `kill`: grace 0. */
  readonly isForced: boolean;
  /** `rollout`: to this image instead of a restart. */
  readonly image: string | null;
  /** `rollout`: leave the new image in place. */
  readonly isImageKept: boolean;
  /** `scale`: replicas to add. */
  readonly scaleBy: number;
  /** `run`: what disturbs. Rejects where that does not come about. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** `drain`: null: the node with the most pods of the Deployment. */
  readonly node: string | null;
}

/** The safeguard that a control would remove is not there. */
export class ControlNotApplicable extends Error {
  override name = 'ControlNotApplicable';
}

const POLL_MS = 500;
/** For a Deployment that has just been applied to come to rest. */
const REST_TIMEOUT_MS = 30_000;
/** For anything that is to come about, or to come to rest again. */
const PATIENCE_MS = 15 * 60_000;
/** For the load to reach the pods that `scale` added. */
const SETTLE_MS = 3_000;
/** For everything to be listed once. */
const WATCH_TIMEOUT_MS = 60_000;
/** The kubelet reports the end of a container once a second, and the watch takes its time. */
const SLACK_MS = 1_500;

/**
 * Makes a Deployment ready for a proof: preflight, the control's patch, watches. On failure nothing is left behind.
 * @param tell told each step that takes a while, and what was found
 * @throws {UsageError} where the Deployment cannot be put to the test
 * @throws {ControlNotApplicable} where it does not have the safeguard
 * @throws {NotUndone} where it failed, and what was changed by then could not be taken back
 */
export async function createClusterScene(
  api: Api,
  options: ClusterOptions,
  signal: AbortSignal,
  tell: (step: string) => void,
): Promise<Scene> {
  const { namespace, deployment: name, disturbance, without } = options;
  const inNamespace = (group: string, resource: string) => `${group}/namespaces/${namespace}/${resource}`;
  const deploymentPath = inNamespace('/apis/apps/v1', `deployments/${name}`);
  const replicaSetsPath = inNamespace('/apis/apps/v1', 'replicasets');
  const hpasPath = inNamespace('/apis/autoscaling/v2', 'horizontalpodautoscalers');
  const podsPath = inNamespace('/api/v1', 'pods');
  const nowMs = () => performance.now();

  const deployment = await awaitRest();
  const before = toDeploymentState(deployment);
  const uid = textAt(deployment, 'metadata', 'uid');
  const selector = encodeURIComponent(toSelectorQuery(at(deployment, 'spec', 'selector')));
  const template = at(deployment, 'spec', 'template');
  const container = chooseContainer(template, options.container);
  const services = listAt(await api.get(inNamespace('/api/v1', 'services')), 'items');
  const { service, url, targetPort } = chooseWay(services, template, options.url);
  const hpa = listAt(await api.get(hpasPath), 'items').find(
    (candidate) =>
      textAt(candidate, 'spec', 'scaleTargetRef', 'kind') === 'Deployment' &&
      textAt(candidate, 'spec', 'scaleTargetRef', 'name') === name,
  );
  const hpaName = textAt(hpa, 'metadata', 'name');
  const needed = toPermissions({ ...options.undertaking, hasHpa: hpa !== undefined });
  const denied = await findDenied(api, namespace, needed);
  if (denied.length > 0) throw new UsageError(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
  await options.checkReachable(url);
  tell(
    `Deployment ${name} in ${namespace}: ${before.replicas} replicas at rest, container ${container}, ${service === null ? 'no Service' : `Service ${service}`}, ${hpa === undefined ? 'no HPA' : describeBounds(hpa)}`,
  );

  const stopWatching = new AbortController();
  const watch = createClusterWatch(
    api,
    { namespace, deployment: name, container, selector, service, port: targetPort, hpa: hpaName, nowMs },
    stopWatching.signal,
  );
  const undo = createUndo(tell);

  /** The Deployment once it is at rest. */
  async function awaitRest(): Promise<Json> {
    const endMs = nowMs() + REST_TIMEOUT_MS;
    for (let isTold = false; ; isTold = true) {
      const found = await api.get(deploymentPath).catch((error: ApiError) => {
        const isAbsent = error.status === 404;
        throw new UsageError(
          isAbsent ? `there is no Deployment ${name} in namespace ${namespace}` : error.message,
        );
      });
      const { unrest, replicas } = toDeploymentState(found);
      if (replicas === 0) throw new UsageError(`Deployment ${name} has no replicas`);
      if (unrest === null) return found;
      if (nowMs() > endMs) throw new UsageError(`Deployment ${name} is not at rest: ${unrest}`);
      if (!isTold) tell(`waiting for Deployment ${name} to come to rest: ${unrest}`);
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /** Looks until there is no reason to wait any more. A fault of the API server that passes is such a reason. */
  async function until(
    findReason: () => Promise<string | null>,
    what: string,
    aborted: AbortSignal | null,
  ): Promise<void> {
    const endMs = nowMs() + PATIENCE_MS;
    for (;;) {
      aborted?.throwIfAborted();
      const reason = await findReason().catch((error: Error) => {
        if (isPassing(error)) return error.message;
        throw error;
      });
      if (reason === null) return;
      if (nowMs() > endMs) throw new Error(`${what} after ${PATIENCE_MS / 60_000} minutes: ${reason}`);
      await sleep(POLL_MS, undefined, aborted === null ? {} : { signal: aborted });
    }
  }

  /** Why the target is not quiet; null: it is. */
  async function findUnrest(): Promise<string | null> {
    const { unrest, replicas } = toDeploymentState(await api.get(deploymentPath));
    if (unrest !== null && /timed out progressing/.test(unrest)) throw new Error(unrest);
    if (unrest !== null) return unrest;
    const pods = await readPods();
    const leaving = pods.filter(isTerminating);
    if (leaving.length > 0) return `${leaving.length} pods are terminating`;
    return pods.length === replicas ? null : `${pods.length} pods of ${replicas} wanted`;
  }

  const untilQuiet = (aborted: AbortSignal | null) => until(findUnrest, 'not quiet', aborted);

  async function removeSafeguards(): Promise<void> {
    if (without.length === 0) return;
    const patch = toControlPatch(deployment, container, without);
    if (patch === null)
      throw new ControlNotApplicable(`Deployment ${name} has no ${nameControls(without)} to take away`);
    tell(`taking away ${nameControls(without)}, by a rollout`);
    undo.add(`the pod template without ${nameControls(without)}`, async () => {
      await api.patch(deploymentPath, 'json', [
        {
          op: 'replace',
          path: '/spec/template/spec/containers',
          value: await toOriginalContainers(),
        },
      ]);
      await untilQuiet(null);
    });
    await api.patch(deploymentPath, 'strategic', patch);
    await untilQuiet(signal);
  }

  /** As they were, but for the images: another one may have been kept meanwhile. */
  async function toOriginalContainers(): Promise<readonly Json[]> {
    const path = ['spec', 'template', 'spec', 'containers'] as const;
    const now = listAt(await api.get(deploymentPath), ...path);
    return listAt(deployment, ...path).map((original) => {
      const current = now.find(({ name: its }) => its === original.name);
      return { ...original, image: current?.image ?? original.image };
    });
  }

  /** The pods of this Deployment that have not ended: of its ReplicaSets, whatever else carries their labels. */
  async function readPods(): Promise<readonly Json[]> {
    const owners = listAt(await api.get(`${replicaSetsPath}?labelSelector=${selector}`), 'items')
      .filter((replicaSet) => isOwnedBy(replicaSet, [uid]))
      .map((replicaSet) => textAt(replicaSet, 'metadata', 'uid'));
    return listAt(await api.get(`${podsPath}?labelSelector=${selector}`), 'items').filter(
      (pod) =>
        isOwnedBy(pod, owners) && !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase') ?? ''),
    );
  }

  async function readServingPods(): Promise<readonly Json[]> {
    return (await readPods()).filter((pod) => !isTerminating(pod) && isReady(pod));
  }

  async function scaleTo(replicas: number): Promise<void> {
    if (hpa === undefined) await api.patch(`${deploymentPath}/scale`, 'merge', { spec: { replicas } });
    else {
      await api.patch(`${hpasPath}/${hpaName}`, 'merge', {
        spec: { minReplicas: replicas, maxReplicas: replicas },
      });
    }
  }

  async function untilReplicas(wanted: number, aborted: AbortSignal): Promise<void> {
    const findReason = async () => {
      const { replicas } = toDeploymentState(await api.get(deploymentPath));
      return replicas === wanted ? null : `${replicas} replicas are wanted by something else`;
    };
    await until(findReason, `not scaled to ${wanted}`, aborted);
    await untilQuiet(aborted);
  }

  async function evict(pod: string, aborted: AbortSignal): Promise<void> {
    let isTold = false;
    const findReason = async () => {
      try {
        await api.post(`${podsPath}/${pod}/eviction`, {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: pod, namespace },
        });
        return null;
      } catch (error) {
        const status = error instanceof ApiError ? error.status : null;
        if (status === 404) return null;
        if (status !== 429) throw error;
        if (!isTold) watch.mark(`the PodDisruptionBudget does not let ${pod} go yet`);
        isTold = true;
        return 'the PodDisruptionBudget does not allow it';
      }
    };
    await until(findReason, `${pod} not evicted`, aborted);
  }

  const disturbances: Record<Disturbance, (aborted: AbortSignal) => Promise<void>> = {
    rollout: async () => {
      const { image } = options;
      if (image === null) {
        await api.patch(deploymentPath, 'strategic', {
          spec: {
            template: {
              metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() } },
            },
          },
        });
        return;
      }
      const containers = (of: unknown) => ({
        spec: { template: { spec: { containers: [{ name: container, image: of }] } } },
      });
      const old = listAt(template, 'spec', 'containers').find(({ name: its }) => its === container)?.image;
      if (!options.isImageKept) {
        undo.add(`image ${image} instead of ${old}`, async () => {
          await api.patch(deploymentPath, 'strategic', containers(old));
          await untilQuiet(null);
        });
      }
      await api.patch(deploymentPath, 'strategic', containers(image));
      watch.mark(`to ${image}`);
    },

    scale: async (aborted) => {
      undo.add(`${before.replicas + options.scaleBy} replicas instead of ${before.replicas}`, () =>
        hpa === undefined
          ? scaleTo(before.replicas)
          : api.patch(`${hpasPath}/${hpaName}`, 'merge', {
              spec: {
                minReplicas: numberAt(hpa, 'spec', 'minReplicas') ?? 1,
                maxReplicas: numberAt(hpa, 'spec', 'maxReplicas') ?? 1,
              },
            }),
      );
      await scaleTo(before.replicas + options.scaleBy);
      await untilReplicas(before.replicas + options.scaleBy, aborted);
      watch.mark('scaled up');
      await sleep(SETTLE_MS, undefined, { signal: aborted });
      await scaleTo(before.replicas);
      await untilReplicas(before.replicas, aborted);
    },

    drain: async (aborted) => {
      const pods = await readServingPods();
      const node = options.node ?? toBusiestNode(pods);
      const leaving = pods.filter((pod) => textAt(pod, 'spec', 'nodeName') === node);
      if (leaving.length === 0) throw new Error(`node ${node} has no pod of Deployment ${name}`);
      const nodePath = `/api/v1/nodes/${node}`;
      const setCordoned = (isCordoned: boolean) =>
        api.patch(nodePath, 'merge', { spec: { unschedulable: isCordoned } });
      // A node that was cordoned before stays so.
      if (at(await api.get(nodePath), 'spec', 'unschedulable') !== true) {
        undo.add(`node ${node} cordoned`, () => setCordoned(false));
        await setCordoned(true);
        watch.mark(`${node} is cordoned`);
      }
      for (const pod of leaving) await evict(textAt(pod, 'metadata', 'name') ?? '', aborted);
      watch.mark(`the pods of ${node} are evicted`);
    },

    kill: async () => {
      const [pod] = await readServingPods();
      if (pod === undefined) throw new Error('no pod is ready');
      const victim = textAt(pod, 'metadata', 'name');
      watch.mark(`${victim} is deleted`);
      await api.remove(`${podsPath}/${victim}`, options.isForced ? { gracePeriodSeconds: 0 } : {});
    },

    run: options.run,
  };

  /** Not against its user's will, and not for ever. What is watched by then is watched until the end. */
  async function startWatching(): Promise<void> {
    signal.throwIfAborted();
    const stop = () => stopWatching.abort(signal.reason);
    signal.addEventListener('abort', stop);
    const tooLate = new ApiError(null, `not all could be listed in ${WATCH_TIMEOUT_MS / 1_000} s`);
    const timer = setTimeout(() => stopWatching.abort(tooLate), WATCH_TIMEOUT_MS);
    await watch.start().finally(() => {
      signal.removeEventListener('abort', stop);
      clearTimeout(timer);
    });
  }

  async function close(): Promise<readonly string[]> {
    stopWatching.abort();
    return undo.all();
  }

  try {
    await removeSafeguards();
    await startWatching();
  } catch (error) {
    const leftBehind = await close();
    if (leftBehind.length === 0) throw error;
    throw new NotUndone(`${(error as Error).message}; not undone: ${leftBehind.join(', ')}`);
  }

  return {
    name: `Deployment ${name} in ${namespace}`,
    url,
    events: watch.events,
    marks: watch.marks,
    gaps: watch.gaps,
    slackMs: SLACK_MS,
    podOf: () => null,
    disturb: async (aborted) => {
      await disturbances[disturbance](aborted);
      // A deletion takes a moment to show in the count of replicas.
      await sleep(POLL_MS, undefined, { signal: aborted });
      await untilQuiet(aborted);
    },
    confirm: watch.confirm,
    close,
  };
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

function describeBounds(hpa: Json): string {
  const bounds = `${numberAt(hpa, 'spec', 'minReplicas') ?? 1} to ${numberAt(hpa, 'spec', 'maxReplicas')}`;
  return `HPA ${textAt(hpa, 'metadata', 'name')} holds ${bounds}`;
}

function toBusiestNode(pods: readonly Json[]): string {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const node = textAt(pod, 'spec', 'nodeName') ?? '';
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

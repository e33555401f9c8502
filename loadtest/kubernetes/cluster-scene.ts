import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlId, nameControls } from '../prove/control.ts';
import type { Disturbance, Scene } from '../prove/scene.ts';
import { UsageError } from '../usage-error.ts';
import { type Api, ApiError } from './api.ts';
import { createClusterWatch } from './cluster-watch.ts';
import {
  isServiceOf,
  toControlPatch,
  toDeploymentState,
  toSelectorQuery,
  toServiceUrl,
} from './deployment.ts';
import { at, type Json, listAt, numberAt, textAt } from './json.ts';
import { findDenied, toPermissions } from './permission.ts';

export interface ClusterOptions {
  readonly namespace: string;
  readonly deployment: string;
  /** Null: the address of the Service that selects the pods. */
  readonly url: URL | null;
  readonly disturbance: Disturbance;
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
const QUIET_TIMEOUT_MS = 15 * 60_000;
/** For the load to reach the pods that `scale` added. */
const SETTLE_MS = 3_000;
const EVICTION_RETRY_MS = 1_000;
/** The kubelet reports the end of a container once a second, and the watch takes its time. */
const SLACK_MS = 1_500;

/**
 * Makes a Deployment ready for a proof: preflight, the control's patch, watches. On failure nothing is left behind.
 * @param tell told each step that takes a while, and what was found
 * @throws {UsageError} where the Deployment cannot be put to the test
 * @throws {ControlNotApplicable} where it does not have the safeguard
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
  const podsPath = inNamespace('/api/v1', 'pods');
  const nowMs = () => performance.now();

  const readDeployment = () =>
    api.get(deploymentPath).catch((error: ApiError) => {
      const isAbsent = error.status === 404;
      throw new UsageError(
        isAbsent ? `there is no Deployment ${name} in namespace ${namespace}` : error.message,
      );
    });
  await readDeployment();
  const hpa = listAt(
    await api.get(inNamespace('/apis/autoscaling/v2', 'horizontalpodautoscalers')),
    'items',
  ).find(
    (candidate) =>
      textAt(candidate, 'spec', 'scaleTargetRef', 'kind') === 'Deployment' &&
      textAt(candidate, 'spec', 'scaleTargetRef', 'name') === name,
  );
  const denied = await findDenied(
    api,
    namespace,
    toPermissions({ disturbance, hasControl: without.length > 0, hasHpa: hpa !== undefined }),
  );
  if (denied.length > 0) throw new UsageError(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
  const patienceMs = nowMs() + REST_TIMEOUT_MS;
  let deployment = await readDeployment();
  const { unrest } = toDeploymentState(deployment);
  if (unrest !== null) tell(`waiting for Deployment ${name} to come to rest: ${unrest}`);
  while (toDeploymentState(deployment).unrest !== null && nowMs() < patienceMs) {
    await sleep(POLL_MS, undefined, { signal });
    deployment = await readDeployment();
  }
  const before = toDeploymentState(deployment);
  if (before.unrest !== null) throw new UsageError(`Deployment ${name} is not at rest: ${before.unrest}`);
  if (before.replicas === 0) throw new UsageError(`Deployment ${name} has no replicas`);

  const container = textAt(deployment, 'spec', 'template', 'spec', 'containers', 0, 'name') ?? '';
  const selector = encodeURIComponent(toSelectorQuery(at(deployment, 'spec', 'selector')));
  const service = listAt(await api.get(inNamespace('/api/v1', 'services')), 'items').find((candidate) =>
    isServiceOf(candidate, at(deployment, 'spec', 'template')),
  );
  const url = options.url ?? (service === undefined ? null : toServiceUrl(service));
  if (url === null) throw new UsageError(`no Service of Deployment ${name} has an address: give --url`);

  tell(
    `Deployment ${name} in ${namespace}: ${before.replicas} replicas at rest, ${hpa === undefined ? 'no HPA' : describeBounds(hpa)}`,
  );

  const stopWatching = new AbortController();
  const watch = createClusterWatch(
    api,
    { namespace, deployment: name, container, selector, service: textAt(service, 'metadata', 'name'), nowMs },
    stopWatching.signal,
  );
  /** What takes back each change, in the order of the changes. */
  const undo: { readonly what: string; run(): Promise<unknown> }[] = [];

  async function undoAll(): Promise<readonly string[]> {
    stopWatching.abort();
    const leftBehind: string[] = [];
    for (const { what, run } of undo.splice(0).reverse()) {
      tell(`undoing: ${what}`);
      await run().catch((error: Error) => void leftBehind.push(`${what} (${error.message})`));
    }
    return leftBehind;
  }

  /** Why the target is not quiet; null: it is. */
  async function findUnrest(): Promise<string | null> {
    const { unrest, replicas } = toDeploymentState(await api.get(deploymentPath));
    const pods = listAt(await api.get(`${podsPath}?labelSelector=${selector}`), 'items');
    const live = pods.filter(
      (pod) => !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase') ?? ''),
    );
    return unrest ?? (live.length === replicas ? null : `${live.length} pods of ${replicas} wanted`);
  }

  async function untilQuiet(aborted: AbortSignal | null): Promise<void> {
    const endMs = nowMs() + QUIET_TIMEOUT_MS;
    for (;;) {
      aborted?.throwIfAborted();
      // An API server that does not answer for a moment says nothing about the target.
      const reason = await findUnrest().catch((error: Error) => {
        if (error instanceof ApiError && (error.status === null || error.status >= 500)) return error.message;
        throw error;
      });
      if (reason === null) return;
      if (/timed out progressing/.test(reason)) throw new Error(reason);
      if (nowMs() > endMs) throw new Error(`not quiet after ${QUIET_TIMEOUT_MS / 60_000} minutes: ${reason}`);
      await sleep(POLL_MS, undefined, aborted === null ? {} : { signal: aborted });
    }
  }

  async function removeSafeguards(): Promise<void> {
    if (without.length === 0) return;
    const patch = toControlPatch(deployment, container, without);
    if (patch === null)
      throw new ControlNotApplicable(`Deployment ${name} has no ${nameControls(without)} to take away`);
    undo.push({
      what: `the pod template without ${nameControls(without)}`,
      run: async () => {
        await api.patch(deploymentPath, 'json', [
          {
            op: 'replace',
            path: '/spec/template/spec/containers',
            value: at(deployment, 'spec', 'template', 'spec', 'containers'),
          },
        ]);
        await untilQuiet(null);
      },
    });
    tell(`taking away ${nameControls(without)}, by a rollout`);
    await api.patch(deploymentPath, 'strategic', patch);
    await untilQuiet(signal);
  }

  async function ownPods(): Promise<readonly Json[]> {
    const pods = listAt(await api.get(`${podsPath}?labelSelector=${selector}`), 'items');
    return pods.filter((pod) => textAt(pod, 'metadata', 'deletionTimestamp') === null);
  }

  async function scaleTo(replicas: number): Promise<void> {
    if (hpa === undefined) await api.patch(`${deploymentPath}/scale`, 'merge', { spec: { replicas } });
    else await api.patch(toHpaPath(hpa), 'merge', { spec: { minReplicas: replicas, maxReplicas: replicas } });
  }

  function toHpaPath(object: Json): string {
    return inNamespace(
      '/apis/autoscaling/v2',
      `horizontalpodautoscalers/${textAt(object, 'metadata', 'name')}`,
    );
  }

  async function untilReplicas(replicas: number, aborted: AbortSignal): Promise<void> {
    while (toDeploymentState(await api.get(deploymentPath)).replicas !== replicas) {
      await sleep(POLL_MS, undefined, { signal: aborted });
    }
    await untilQuiet(aborted);
  }

  async function evict(pod: Json, aborted: AbortSignal): Promise<void> {
    const podName = textAt(pod, 'metadata', 'name') ?? '';
    for (;;) {
      aborted.throwIfAborted();
      try {
        await api.post(`${podsPath}/${podName}/eviction`, {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: podName, namespace },
        });
        return;
      } catch (error) {
        const status = error instanceof ApiError ? error.status : null;
        if (status === 404) return;
        // 429: the PodDisruptionBudget does not allow it now.
        if (status !== 429) throw error;
        await sleep(EVICTION_RETRY_MS, undefined, { signal: aborted });
      }
    }
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
      const containers = (of: string | null) => ({
        spec: { template: { spec: { containers: [{ name: container, image: of }] } } },
      });
      const old = textAt(deployment, 'spec', 'template', 'spec', 'containers', 0, 'image');
      if (!options.isImageKept) {
        undo.push({
          what: `image ${image} instead of ${old}`,
          run: async () => {
            await api.patch(deploymentPath, 'strategic', containers(old));
            await untilQuiet(null);
          },
        });
      }
      await api.patch(deploymentPath, 'strategic', containers(image));
      watch.mark(`to ${image}`);
    },

    scale: async (aborted) => {
      undo.push({
        what: `${before.replicas} replicas`,
        run: () =>
          hpa === undefined
            ? scaleTo(before.replicas)
            : api.patch(toHpaPath(hpa), 'merge', {
                spec: {
                  minReplicas: numberAt(hpa, 'spec', 'minReplicas') ?? 1,
                  maxReplicas: numberAt(hpa, 'spec', 'maxReplicas') ?? 1,
                },
              }),
      });
      await scaleTo(before.replicas + options.scaleBy);
      await untilReplicas(before.replicas + options.scaleBy, aborted);
      watch.mark('scaled up');
      await sleep(SETTLE_MS, undefined, { signal: aborted });
      await scaleTo(before.replicas);
      await untilReplicas(before.replicas, aborted);
    },

    drain: async (aborted) => {
      const pods = await ownPods();
      const node = options.node ?? toBusiestNode(pods);
      const setCordoned = (isCordoned: boolean) =>
        api.patch(`/api/v1/nodes/${node}`, 'merge', { spec: { unschedulable: isCordoned } });
      undo.push({ what: `node ${node} cordoned`, run: () => setCordoned(false) });
      await setCordoned(true);
      watch.mark(`${node} is cordoned`);
      for (const pod of pods.filter((candidate) => textAt(candidate, 'spec', 'nodeName') === node)) {
        await evict(pod, aborted);
      }
      watch.mark(`the pods of ${node} are evicted`);
    },

    kill: async () => {
      const [pod] = await ownPods();
      const path = `${podsPath}/${textAt(pod, 'metadata', 'name')}`;
      await api.remove(path, options.isForced ? { gracePeriodSeconds: 0 } : {});
    },

    run: options.run,
  };

  try {
    await removeSafeguards();
    await watch.start();
  } catch (error) {
    const leftBehind = await undoAll();
    if (leftBehind.length === 0) throw error;
    throw new Error(`${(error as Error).message}; not undone: ${leftBehind.join(', ')}`);
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
    close: undoAll,
  };
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

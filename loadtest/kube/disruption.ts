import type { Clock } from '../cli/clock.ts';
import type { Disruption } from '../proof/scene.ts';
import { type Api, toApiStatus } from './api.ts';
import { findNamed } from './container.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import { type LiveDeployment, until } from './live-deployment.ts';
import { nameOf } from './object.ts';
import type { Undo } from './undo.ts';

export interface DisruptionOptions {
  /** `kill`: grace 0. */
  readonly isForced: boolean;
  /** `rollout`: to this image instead of a restart. */
  readonly image: string | null;
  /** `rollout`: leave the new image in place. */
  readonly isImageKept: boolean;
  /** `scale`: replicas to add. */
  readonly scaleBy: number;
  /** `drain`: null: the node with the most pods of the Deployment. */
  readonly node: string | null;
  /** `run`: what disrupts. Rejects where that does not come about. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

interface Surroundings {
  readonly api: Api;
  readonly undo: Undo;
  /** The container whose image a rollout changes. */
  readonly container: string;
  /** Puts a line on the timeline. */
  mark(text: string): void;
  readonly clock: Clock;
}

/** For the load to reach the pods that `scale` added. */
const SETTLE_MS = 3_000;

/** What is done to a Deployment. Each resolves when it is under way, and rejects with what did not come about. */
export function createDisruptions(
  deployment: LiveDeployment,
  options: DisruptionOptions,
  { api, undo, container, mark, clock }: Surroundings,
): Record<Disruption, (aborted: AbortSignal) => Promise<void>> {
  const { name, namespace, replicas } = deployment;
  const podsPath = `/api/v1/namespaces/${namespace}/pods`;

  async function setImage(image: unknown): Promise<void> {
    await deployment.patch('strategic', {
      spec: { template: { spec: { containers: [{ name: container, image }] } } },
    });
  }

  function imageOf(state: Json): string | undefined {
    const containers = new Field(state).get('spec', 'template', 'spec', 'containers');
    return findNamed(containers, container).get('image').text();
  }

  async function restart(): Promise<void> {
    const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
    await deployment.patch('strategic', { spec: { template: { metadata: { annotations } } } });
  }

  /** Tries again for as long as the PodDisruptionBudget forbids it. */
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
        const { message } = error as Error;
        const status = toApiStatus(error);
        if (status === 404) return null;
        // Its status is 500, as of faults that pass.
        if (/more than one PodDisruptionBudget/.test(message)) throw new Error(message);
        if (status !== 429) throw error;
        if (!isTold) mark(`the PodDisruptionBudget does not let ${pod} go yet`);
        isTold = true;
        return 'the PodDisruptionBudget does not allow it';
      }
    };
    await until(findReason, `${pod} not evicted`, aborted, clock);
  }

  /** A node that was cordoned before stays so. */
  async function cordon(node: string): Promise<void> {
    const path = `/api/v1/nodes/${node}`;
    if (new Field(await api.get(path)).get('spec', 'unschedulable').isTrue()) return;
    const set = (unschedulable: boolean) => api.patch(path, 'merge', { spec: { unschedulable } });
    undo.add(`node ${node} cordoned`, () => set(false));
    await set(true);
    mark(`${node} is cordoned`);
  }

  return {
    rollout: async () => {
      const { image } = options;
      if (image === null) return restart();
      const old = imageOf(deployment.original);
      if (!options.isImageKept) {
        undo.add(`image ${image} instead of ${old}`, async () => {
          // Somebody else's is not taken back.
          if (imageOf(await deployment.read()) === image) await setImage(old);
          await deployment.untilQuiet(null);
        });
      }
      await setImage(image);
      mark(`to ${image}`);
    },

    scale: async (aborted) => {
      const more = replicas + options.scaleBy;
      undo.add(`${more} replicas instead of ${replicas}`, deployment.scaleBack);
      await deployment.scaleTo(more);
      await deployment.untilScaledTo(more, aborted);
      mark('scaled up');
      await clock.pause(SETTLE_MS, aborted);
      aborted.throwIfAborted();
      await deployment.scaleTo(replicas);
      await deployment.untilScaledTo(replicas, aborted);
    },

    drain: async (aborted) => {
      const pods = await deployment.readServingPods();
      const node = options.node ?? toBusiestNode(pods);
      const leaving = pods.filter((pod) => pod.get('spec', 'nodeName').text() === node);
      if (leaving.length === 0) throw new Error(`node ${node} has no pod of Deployment ${name}`);
      await cordon(node);
      for (const pod of leaving) await evict(nameOf(pod), aborted);
      mark(`the pods of ${node} are evicted`);
    },

    kill: async () => {
      const [pod] = await deployment.readServingPods();
      if (pod === undefined) throw new Error('no pod is ready');
      const victim = nameOf(pod);
      mark(`${victim} is deleted`);
      await api.remove(`${podsPath}/${victim}`, options.isForced ? { gracePeriodSeconds: 0 } : {});
    },

    run: options.run,
  };
}

function toBusiestNode(pods: readonly Field[]): string {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const node = pod.get('spec', 'nodeName').text() ?? '';
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

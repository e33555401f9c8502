import type { Clock } from '../cli/clock.ts';
import type { Disruption } from '../proof/scene.ts';
import type { Api } from './api.ts';
import { findNamed } from './container.ts';
import { cordon, evict, toBusiestNode } from './drain.ts';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import type { LiveDeployment } from './live-deployment.ts';
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
  surroundings: Surroundings,
): Record<Disruption, (aborted: AbortSignal) => Promise<void>> {
  const { name, namespace, replicas } = deployment;
  const { api, undo, container, mark, clock } = surroundings;

  return {
    rollout: async () => {
      const { image } = options;
      if (image === null) return restart(deployment);
      const old = imageOf(deployment.original, container);
      if (!options.isImageKept) {
        undo.add(`image ${image} instead of ${old}`, async () => {
          // Somebody else's is not taken back.
          if (imageOf(await deployment.read(), container) === image)
            await setImage(deployment, container, old);
          await deployment.untilQuiet(null);
        });
      }
      await setImage(deployment, container, image);
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
      await cordon(node, surroundings);
      for (const pod of leaving) await evict(nameOf(pod), namespace, surroundings, aborted);
      mark(`the pods of ${node} are evicted`);
    },

    kill: async () => {
      const [pod] = await deployment.readServingPods();
      if (pod === undefined) throw new Error('no pod is ready');
      const victim = nameOf(pod);
      mark(`${victim} is deleted`);
      const path = `/api/v1/namespaces/${namespace}/pods/${victim}`;
      await api.remove(path, options.isForced ? { gracePeriodSeconds: 0 } : {});
    },

    run: options.run,
  };
}

async function restart(deployment: LiveDeployment): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  await deployment.patch('strategic', { spec: { template: { metadata: { annotations } } } });
}

async function setImage(deployment: LiveDeployment, container: string, image: unknown): Promise<void> {
  await deployment.patch('strategic', {
    spec: { template: { spec: { containers: [{ name: container, image }] } } },
  });
}

function imageOf(state: Json, container: string): string | undefined {
  const containers = new Field(state).get('spec', 'template', 'spec', 'containers');
  return findNamed(containers, container).get('image').text();
}

import type { Clock } from '../cli/clock.ts';
import type { Disruption } from '../proof/scene.ts';
import type { Api } from './api.ts';
import { cordon, evict, toBusiestNode } from './drain.ts';
import { type Json, listAt, textAt } from './json.ts';
import type { LiveWorkload } from './live-workload.ts';
import { nameOf } from './object.ts';
import { CONTAINERS } from './safeguard-containers.ts';
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
  /** `drain`: null: the node with the most pods of the workload. */
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

/** What is done to a workload. Each resolves when it is under way, and rejects with what did not come about. */
export function createDisruptions(
  workload: LiveWorkload,
  options: DisruptionOptions,
  surroundings: Surroundings,
): Record<Disruption, (aborted: AbortSignal) => Promise<void>> {
  const { kind, name, namespace, replicas } = workload;
  const { api, undo, container, mark, clock } = surroundings;

  return {
    rollout: async () => {
      const { image } = options;
      if (image === null) return restart(workload);
      const old = imageOf(listAt(workload.original, ...CONTAINERS), container);
      if (!options.isImageKept) {
        undo.add(`image ${image} instead of ${old}`, async () => {
          // Somebody else's is not taken back.
          const now = listAt(await workload.read(), ...CONTAINERS);
          if (imageOf(now, container) === image) await setImage(workload, container, old);
          await workload.untilRestored();
        });
      }
      await setImage(workload, container, image);
      mark(`to ${image}`);
    },

    scale: async (aborted) => {
      const more = replicas + options.scaleBy;
      undo.add(`${more} replicas instead of ${replicas}`, workload.scaleBack);
      await workload.scaleTo(more);
      await workload.untilScaledTo(more, aborted);
      mark('scaled up');
      await clock.pause(SETTLE_MS, aborted);
      aborted.throwIfAborted();
      await workload.scaleTo(replicas);
      await workload.untilScaledTo(replicas, aborted);
    },

    drain: async (aborted) => {
      const pods = await workload.readServingPods();
      const node = options.node ?? toBusiestNode(pods);
      const leaving = pods.filter((pod) => pod.get('spec', 'nodeName').text() === node);
      if (leaving.length === 0) throw new Error(`node ${node} has no pod of ${kind} ${name}`);
      await cordon(node, surroundings);
      for (const pod of leaving) await evict(nameOf(pod), namespace, surroundings, aborted);
      mark(`the pods of ${node} are evicted`);
    },

    kill: async () => {
      const [pod] = await workload.readServingPods();
      if (pod === undefined) throw new Error('no pod is ready');
      const victim = nameOf(pod);
      mark(`${victim} is deleted`);
      const path = `/api/v1/namespaces/${namespace}/pods/${victim}`;
      await api.remove(path, options.isForced ? { gracePeriodSeconds: 0 } : {});
    },

    run: options.run,
  };
}

/**
 * By a change of the pod template, as `kubectl rollout restart` makes it. A Rollout's own `spec.restartAt` would evict
 * its pods in place, beside its strategy, which is what is to be proven.
 */
async function restart(workload: LiveWorkload): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  await workload.patch({ spec: { template: { metadata: { annotations } } } });
}

async function setImage(workload: LiveWorkload, container: string, image: string | null): Promise<void> {
  await workload.changeContainers((now) =>
    now.map((each) => (each.name === container ? { ...each, image } : each)),
  );
}

function imageOf(containers: readonly Json[], container: string): string | null {
  return textAt(
    containers.find(({ name }) => name === container),
    'image',
  );
}

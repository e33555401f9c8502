import { type Clock, PROCESS_CLOCK } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import { nameRemovals, type Removal } from '../proof/safeguard.ts';
import { type Disruption, type Opening, type Scene, withLeftBehind } from '../proof/scene.ts';
import type { Api } from './api.ts';
import { toAutoscaler } from './autoscaler.ts';
import { createClusterWatch, startWatching, toPodNames, WATCH_SLACK_MS } from './cluster-watch.ts';
import { chooseContainer } from './container.ts';
import { toRemovalPatch } from './deployment.ts';
import { createDisruptions, type DisruptionOptions } from './disruption.ts';
import { Field } from './field.ts';
import { toFixPatch } from './fix-patch.ts';
import { type LiveDeployment, openDeployment } from './live-deployment.ts';
import type { KubeObject } from './object.ts';
import { findDenied, toPermissions, type Undertaking } from './permission.ts';
import { removeSafeguards } from './safeguard-removal.ts';
import { chooseWay, type Way } from './service.ts';
import { createUndo } from './undo.ts';

export interface ClusterOptions extends DisruptionOptions {
  readonly namespace: string;
  readonly deployment: string;
  /** Null: the one that serves, where that can be told. */
  readonly container: string | null;
  /** Null: the address of the Service that selects the pods. */
  readonly url: URL | null;
  /** Rejects with a Fault where nobody listens at the address. */
  readonly checkReachable: (url: URL) => Promise<void>;
  readonly disruption: Disruption;
  /** All that is to follow it, itself included: who is not allowed one of them does not get to begin. */
  readonly undertaking: Pick<Undertaking, 'disruptions' | 'hasControl'>;
  /** Safeguards to take away first. */
  readonly without: readonly Removal[];
}

/** A deletion takes a moment to show in the count of replicas. */
const COUNT_MS = 500;

/**
 * Makes a Deployment ready for a proof: preflight, the control's patch, watches. On failure nothing is left behind.
 * @param tell told each step that takes a while, and what was found
 * @throws {Fault} where the Deployment cannot be put to the test
 * @throws {Fault} with `leftBehind` where it failed, and what was changed by then could not be taken back
 */
export async function createClusterScene(
  api: Api,
  options: ClusterOptions,
  signal: AbortSignal,
  tell: (step: string) => void,
  clock: Clock = PROCESS_CLOCK,
): Promise<Opening> {
  const { namespace, deployment: name, without } = options;
  const deployment = await openDeployment(api, { namespace, name }, signal, tell, clock);
  const { container, service, url, targetPort } = await findTraffic(api, options, deployment, tell);

  const patch = without.length === 0 ? null : toRemovalPatch(deployment.original, container, without);
  if (without.length > 0 && patch === null) {
    return {
      kind: 'not-applicable',
      reason: `Deployment ${name} has no ${nameRemovals(without)} to take away`,
    };
  }

  const stopWatching = new AbortController();
  const watch = createClusterWatch(
    api,
    {
      namespace,
      deployment: name,
      container,
      selector: deployment.selector,
      service,
      port: targetPort,
      hpa: deployment.hpa?.name ?? null,
      clock,
    },
    stopWatching.signal,
  );
  const undo = createUndo(tell);
  const disrupt = createDisruptions(deployment, options, { api, undo, container, mark: watch.mark, clock })[
    options.disruption
  ];

  async function close(): Promise<readonly string[]> {
    stopWatching.abort();
    return undo.all();
  }

  try {
    if (patch !== null) await removeSafeguards(deployment, { container, without, patch }, undo, signal, tell);
    await startWatching(watch, stopWatching, signal);
  } catch (error) {
    throw withLeftBehind(error as Error, await close());
  }

  const scene: Scene = {
    name: `Deployment ${name} in ${namespace}`,
    url,
    events: watch.events,
    marks: watch.marks,
    get gaps() {
      return watch.gaps.map(({ text }) => text);
    },
    slackMs: WATCH_SLACK_MS,
    ...toPodNames(watch),
    toPatch: (change) => toFixPatch(deployment.original, container, change),
    disrupt: async (aborted) => {
      await disrupt(aborted);
      await clock.pause(COUNT_MS, aborted);
      await deployment.untilQuiet(aborted);
    },
    confirm: watch.confirm,
    close,
  };
  return { kind: 'open', scene };
}

/** The container that serves, and how the load reaches it. */
interface Traffic extends Way {
  readonly container: string;
}

/** @throws {Fault} where that cannot be told, where somebody may not disrupt it, or nobody listens */
async function findTraffic(
  api: Api,
  options: ClusterOptions,
  { name, namespace, original, hpa, replicas }: LiveDeployment,
  tell: (step: string) => void,
): Promise<Traffic> {
  const template = new Field(original).get('spec', 'template');
  const container = chooseContainer(template, options.container);
  const services = new Field(await api.get(`/api/v1/namespaces/${namespace}/services`)).get('items').items();
  const way = chooseWay(services, template, options.url);
  const needed = toPermissions({ ...options.undertaking, hasHpa: hpa !== null });
  const denied = await findDenied(api, namespace, needed);
  if (denied.length > 0) throw new Fault(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
  await options.checkReachable(way.url);
  tell(
    `Deployment ${name} in ${namespace}: ${replicas} replicas at rest, container ${container}, ${way.service === null ? 'no Service' : `Service ${way.service}`}, ${hpa === null ? 'no HPA' : describeBounds(hpa)}`,
  );
  return { ...way, container };
}

function describeBounds(hpa: KubeObject): string {
  const { min, max } = toAutoscaler(hpa);
  return `HPA ${hpa.name} holds ${min} to ${max}`;
}

import { type Clock, PROCESS_CLOCK } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import type { Settlement } from '../engine/settlement.ts';
import { nameRemovals, type Removal } from '../proof/safeguard.ts';
import { type Disruption, type Opening, type Scene, withLeftBehind } from '../proof/scene.ts';
import { type Api, toApiFault } from './api.ts';
import { toAutoscaler } from './autoscaler.ts';
import { createClusterWatch } from './cluster-watch.ts';
import { chooseContainer } from './container.ts';
import { toRemovalPatch, toRestoredContainers } from './deployment.ts';
import { createDisruptions, type DisruptionOptions } from './disruption.ts';
import { Field } from './field.ts';
import { type Json, textAt } from './json.ts';
import { openDeployment } from './live-deployment.ts';
import type { KubeObject } from './object.ts';
import { findDenied, toPermissions, type Undertaking } from './permission.ts';
import { chooseWay } from './service.ts';
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

/** For everything to be listed once. */
const WATCH_TIMEOUT_MS = 60_000;
/** The kubelet reports the end of a container once a second, and the watch takes its time. */
const SLACK_MS = 1_500;
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
  const { hpa, selector } = deployment;
  const template = new Field(deployment.original).get('spec', 'template');
  const container = chooseContainer(template, options.container);
  const services = new Field(await api.get(`/api/v1/namespaces/${namespace}/services`)).get('items').items();
  const { service, url, targetPort } = chooseWay(services, template, options.url);
  const needed = toPermissions({ ...options.undertaking, hasHpa: hpa !== null });
  const denied = await findDenied(api, namespace, needed);
  if (denied.length > 0) throw new Fault(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
  await options.checkReachable(url);
  tell(
    `Deployment ${name} in ${namespace}: ${deployment.replicas} replicas at rest, container ${container}, ${service === null ? 'no Service' : `Service ${service}`}, ${hpa === null ? 'no HPA' : describeBounds(hpa)}`,
  );

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
      selector,
      service,
      port: targetPort,
      hpa: hpa?.name ?? null,
      clock,
    },
    stopWatching.signal,
  );
  const undo = createUndo(tell);
  const disrupt = createDisruptions(deployment, options, { api, undo, container, mark: watch.mark, clock })[
    options.disruption
  ];

  async function removeSafeguards(patch: Json): Promise<void> {
    tell(`taking away ${nameRemovals(without)}, by a rollout`);
    undo.add(`the pod template without ${nameRemovals(without)}`, async () => {
      const now = await deployment.read();
      await deployment.patch('json', [
        // Refused with 409 where somebody has changed it since it was read: then all of this is done anew.
        {
          op: 'replace',
          path: '/metadata/resourceVersion',
          value: textAt(now, 'metadata', 'resourceVersion'),
        },
        {
          op: 'replace',
          path: '/spec/template/spec/containers',
          value: toRestoredContainers(now, deployment.original, container, without),
        },
      ]);
      await deployment.untilQuiet(null);
    });
    await deployment.patch('strategic', patch);
    await deployment.untilQuiet(signal);
  }

  /** Not against its user's will, and not for ever. What is watched by then is watched until the end. */
  async function startWatching(): Promise<void> {
    signal.throwIfAborted();
    const stop = () => stopWatching.abort(signal.reason);
    signal.addEventListener('abort', stop);
    const tooLate = toApiFault(null, `not all could be listed in ${WATCH_TIMEOUT_MS / 1_000} s`);
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
    if (patch !== null) await removeSafeguards(patch);
    await startWatching();
  } catch (error) {
    throw withLeftBehind(error as Error, await close());
  }

  const scene: Scene = {
    name: `Deployment ${name} in ${namespace}`,
    url,
    events: watch.events,
    marks: watch.marks,
    gaps: watch.gaps,
    slackMs: SLACK_MS,
    podOf: (settlement, startMs) => {
      const address = settlement.connection?.remoteAddress ?? null;
      return address === null ? null : watch.podAt(address, startMs + toOpeningMs(settlement));
    },
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

/** When its connection was opened, or began to be: whoever has the address later on was not reached by it. */
function toOpeningMs({ connection, sentMs, endMs }: Settlement): number {
  if (connection === null) return endMs;
  return sentMs === null ? endMs - connection.setupMs : sentMs - connection.ageMs;
}

function describeBounds(hpa: KubeObject): string {
  const { min, max } = toAutoscaler(hpa);
  return `HPA ${hpa.name} holds ${min} to ${max}`;
}

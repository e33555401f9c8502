import { type Clock, PROCESS_CLOCK } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import { nameRemovals, type Removal } from '../proof/safeguard.ts';
import { type Disruption, type Opening, type Scene, withLeftBehind } from '../proof/scene.ts';
import type { Api } from './api.ts';
import { toAutoscaler } from './autoscaler.ts';
import { createClusterWatch, startWatching, toPodNames, WATCH_SLACK_MS } from './cluster-watch.ts';
import { chooseContainer } from './container.ts';
import type { DirectProbeOptions } from './direct-probes.ts';
import { createDisruptions, type DisruptionOptions } from './disruption.ts';
import { Field } from './field.ts';
import { toFixPatch } from './fix-patch.ts';
import { toPodName } from './incarnation.ts';
import type { Json } from './json.ts';
import { type LiveWorkload, openWorkload } from './live-workload.ts';
import { type KubeObject, nameOf } from './object.ts';
import { findDenied, toPermissions, type Undertaking } from './permission.ts';
import { toReducedContainers } from './safeguard-containers.ts';
import { removeSafeguards } from './safeguard-removal.ts';
import { chooseWay, type Way } from './service.ts';
import { createUndo } from './undo.ts';
import { isReplacedByRollout, WORKLOADS, type WorkloadName } from './workload-kind.ts';

export interface ClusterOptions extends DisruptionOptions {
  readonly namespace: string;
  readonly workload: WorkloadName;
  /** The Service to send the load to; null: the one that selects the pods. */
  readonly service: string | null;
  /** Null: the one that serves, where that can be told. */
  readonly container: string | null;
  /** Null: the address of that Service. */
  readonly url: URL | null;
  /** Rejects with a Fault where nobody listens at the address. */
  readonly checkReachable: (url: URL) => Promise<void>;
  /** How pods are probed directly under a load on this address; null: they are not. */
  readonly toProbes: ((url: URL) => DirectProbeOptions) | null;
  readonly disruption: Disruption;
  /** All that is to follow it, itself included: who is not allowed one of them does not get to begin. */
  readonly undertaking: Omit<Undertaking, 'kind' | 'hasHpa'>;
  /** Safeguards to take away first. */
  readonly without: readonly Removal[];
}

/** A deletion takes a moment to show in the count of replicas. */
const COUNT_MS = 500;

/**
 * Makes a workload ready for a proof: preflight, the control's patch, watches. On failure nothing is left behind.
 * @param tell told each step that takes a while, and what was found
 * @throws {Fault} where the workload cannot be put to the test
 * @throws {Fault} with `leftBehind` where it failed, and what was changed by then could not be taken back
 */
export async function createClusterScene(
  api: Api,
  options: ClusterOptions,
  signal: AbortSignal,
  tell: (step: string) => void,
  clock: Clock = PROCESS_CLOCK,
): Promise<Opening> {
  const { namespace, without } = options;
  const workload = await openWorkload(api, { namespace, ...options.workload }, signal, tell, clock);
  const { kind, name } = workload;
  const { container, service, selector, url, targetPort } = await findTraffic(api, options, workload, tell);

  const reduced = without.length === 0 ? null : toReducedContainers(workload.original, container, without);
  if (without.length > 0 && reduced === null) {
    return {
      kind: 'not-applicable',
      reason: `${kind} ${name} has no ${nameRemovals(without)} to take away`,
    };
  }

  const stopWatching = new AbortController();
  const watch = createClusterWatch(
    api,
    {
      namespace,
      workload: options.workload,
      uid: workload.uid,
      container,
      selector: workload.selector,
      podSelector: selector ?? workload.selector,
      service,
      port: targetPort,
      hpa: workload.hpa?.name ?? null,
      direct: options.toProbes?.(url) ?? null,
      clock,
    },
    stopWatching.signal,
  );
  const undo = createUndo(tell);
  const disrupt = createDisruptions(workload, options, { api, undo, container, mark: watch.mark, clock })[
    options.disruption
  ];

  async function close(): Promise<readonly string[]> {
    stopWatching.abort();
    return undo.all();
  }

  try {
    if (reduced !== null) {
      await removeSafeguards(workload, { container, without, reduced }, undo, signal, tell);
    }
    await startWatching(watch, stopWatching, signal);
    tell(await watch.startProbes());
  } catch (error) {
    throw withLeftBehind(error as Error, await close());
  }

  const scene: Scene = {
    name: `${kind} ${name} in ${namespace}`,
    url,
    events: watch.events,
    marks: watch.marks,
    get gaps() {
      return watch.gaps.map(({ text }) => text);
    },
    slackMs: WATCH_SLACK_MS,
    surgeAdvice: WORKLOADS[kind].toSurge(new Field(workload.original)).advice,
    ...toPodNames(watch),
    isTarget: (pod) =>
      watch.isOwn(pod) &&
      (options.disruption !== 'rollout' ||
        isReplacedByRollout(workload, new Field(workload.original), toPodName(pod))),
    toPatch: (change) => toFixPatch(workload, container, change),
    disrupt: async (aborted) => {
      await disrupt(aborted);
      await clock.pause(COUNT_MS, aborted);
      await workload.untilQuiet(aborted);
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
  { kind, name, namespace, original, hpa, replicas }: LiveWorkload,
  tell: (step: string) => void,
): Promise<Traffic> {
  const template = new Field(original).get('spec', 'template');
  const container = chooseContainer(template, options.container);
  const services = new Field(await api.get(`/api/v1/namespaces/${namespace}/services`)).get('items').items();
  const candidates = services.filter((each) => isTrafficService(options, original, nameOf(each)));
  const way = chooseWay(candidates, template, options.url);
  checkChanges(options, original);
  const needed = toPermissions({ kind, ...options.undertaking, hasHpa: hpa !== null });
  const denied = await findDenied(api, namespace, needed);
  if (denied.length > 0) throw new Fault(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
  await options.checkReachable(way.url);
  tell(
    `${kind} ${name} in ${namespace}: ${replicas} replicas at rest, container ${container}, ${way.service === null ? 'no Service' : `Service ${way.service}`}, ${hpa === null ? 'no HPA' : describeBounds(hpa)}`,
  );
  return { ...way, container };
}

/** Only the one that was named; else any but what shows the next version of a Rollout before its time. */
function isTrafficService({ service }: ClusterOptions, workload: Json, name: string): boolean {
  if (service !== null) return name === service;
  const strategy = new Field(workload).get('spec', 'strategy');
  const previews = [strategy.get('blueGreen', 'previewService'), strategy.get('canary', 'canaryService')];
  return previews.every((preview) => preview.text() !== name);
}

/** @throws {Fault} that says why one of the disruptions, or the control, cannot be made on that kind of workload */
function checkChanges({ workload: { kind, name }, undertaking }: ClusterOptions, original: Json): void {
  const { disruptions, hasControl } = undertaking;
  for (const change of [...disruptions, ...(hasControl ? (['template'] as const) : [])]) {
    const refusal = WORKLOADS[kind].toRefusal(change, new Field(original));
    if (refusal === null) continue;
    throw new Fault(`no ${change === 'template' ? 'control' : change} of ${kind} ${name}: ${refusal}`);
  }
}

function describeBounds(hpa: KubeObject): string {
  const { min, max } = toAutoscaler(hpa);
  return `HPA ${hpa.name} holds ${min} to ${max}`;
}

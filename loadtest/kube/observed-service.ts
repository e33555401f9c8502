import type { Clock } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import type { ObservedTarget } from '../observe/observed-target.ts';
import type { Api } from './api.ts';
import { isScaleTarget, toScaleTarget } from './autoscaler.ts';
import { createClusterWatch, startWatching, toPodNames, WATCH_SLACK_MS } from './cluster-watch.ts';
import { chooseContainer } from './container.ts';
import type { DirectProbeOptions } from './direct-probes.ts';
import { findServedWorkload } from './disrupted-target.ts';
import { Field } from './field.ts';
import { type Json, numberAt } from './json.ts';
import { nameOf, toListItems } from './object.ts';
import { findDenied, type Permission, TO_FIND_WORKLOADS, toObserverPermissions } from './permission.ts';
import { toSelectorQuery } from './selector.ts';
import { serviceSelector, toWays, type Way } from './service.ts';
import { toCollectionPath, WORKLOADS } from './workload-kind.ts';

export interface ObservedServiceOptions {
  readonly namespace: string;
  readonly service: string;
  /** Null: the one that serves, where that can be told. */
  readonly container: string | null;
  /** Null: the address of the Service. */
  readonly url: URL | null;
  /** Does it leave word at the workload of what was lost? */
  readonly tellsEvents: boolean;
  /** Rejects with a Fault where nobody listens at the address. */
  readonly checkReachable: (url: URL) => Promise<void>;
  /** How pods are probed directly under a load on this address; null: they are not. */
  readonly toProbes: ((url: URL) => DirectProbeOptions) | null;
}

/**
 * Finds the workload behind a Service, and watches it without touching it.
 * @param tell told what was found
 * @throws {Fault} where the Service cannot be observed
 */
export async function openObservedService(
  api: Api,
  options: ObservedServiceOptions,
  signal: AbortSignal,
  tell: (step: string) => void,
  clock: Clock,
): Promise<ObservedTarget> {
  const { namespace, tellsEvents } = options;
  await checkAllowed(api, namespace, TO_FIND_WORKLOADS);
  const service = await findService(api, options);
  const way = toWay(service, options.url);
  const { kind, name } = await findServedWorkload(
    api,
    namespace,
    service,
    () => 'give a Service that leads to one of them',
  );
  await checkAllowed(api, namespace, toObserverPermissions({ kind, hasHpa: false, tellsEvents }));
  const workload = new Field(await api.get(`${toCollectionPath(kind, namespace)}/${name}`));
  const container = chooseContainer(workload.get('spec', 'template'), options.container);
  const hpas = toListItems(
    await api.get(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`),
    'HorizontalPodAutoscaler',
  );
  const hpa = hpas.find((each) => isScaleTarget(toScaleTarget(each), { kind, name })) ?? null;
  if (hpa !== null) {
    await checkAllowed(api, namespace, toObserverPermissions({ kind, hasHpa: true, tellsEvents }));
  }
  await options.checkReachable(way.url);
  const selector = encodeURIComponent(toSelectorQuery(workload.get('spec', 'selector')));
  const stopWatching = new AbortController();
  const watch = createClusterWatch(
    api,
    {
      namespace,
      workload: { kind, name },
      uid: workload.get('metadata', 'uid').text() ?? '',
      container,
      selector,
      podSelector: selector,
      service: options.service,
      port: way.targetPort,
      hpa: hpa?.name ?? null,
      direct: options.toProbes?.(way.url) ?? null,
      clock,
    },
    stopWatching.signal,
  );
  await startWatching(watch, stopWatching, signal).catch((error: Error) => {
    stopWatching.abort();
    throw error;
  });
  tell(
    `Service ${options.service} in ${namespace} leads to ${kind} ${name}, container ${container}${hpa === null ? '' : `, which HPA ${hpa.name} scales`}`,
  );
  tell(await watch.startProbes());
  return {
    name: `Service ${options.service} in ${namespace}`,
    url: way.url,
    slackMs: WATCH_SLACK_MS,
    get surgeAdvice() {
      return WORKLOADS[kind].toSurge(new Field(watch.workload ?? workload.value)).advice;
    },
    get events() {
      return watch.events;
    },
    get gaps() {
      return watch.gaps;
    },
    get changes() {
      return watch.changes;
    },
    get wanted() {
      return watch.workload === null ? 0 : (numberAt(watch.workload, ...WORKLOADS[kind].wanted) ?? null);
    },
    revisionOf: watch.revisionOf,
    ...toPodNames(watch),
    isTarget: watch.isOwn,
    confirm: watch.confirm,
    forget: watch.forgetPast,
    tell: async (note) => {
      await api.post(`/api/v1/namespaces/${namespace}/events`, toLossEvent(workload, note));
    },
    close: () => stopWatching.abort(),
  };
}

async function checkAllowed(api: Api, namespace: string, needed: readonly Permission[]): Promise<void> {
  const denied = await findDenied(api, namespace, needed);
  if (denied.length > 0) throw new Fault(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
}

async function findService(api: Api, { namespace, service: name }: ObservedServiceOptions): Promise<Field> {
  const list = await api.get(`/api/v1/namespaces/${namespace}/services`);
  const services = new Field(list).get('items').items();
  const found = services.find((service) => nameOf(service) === name);
  if (found !== undefined) return found;
  const names = services.map(nameOf).join(', ');
  throw new Fault(
    `there is no Service ${name} in namespace ${namespace}${names === '' ? '' : `: there is ${names}`}`,
  );
}

function toWay(service: Field, url: URL | null): Pick<Way, 'url' | 'targetPort'> {
  const name = nameOf(service);
  if (serviceSelector(service) === undefined) {
    throw new Fault(`Service ${name} has no selector: it leads to no pods that could be observed`);
  }
  const ways = toWays(service);
  if (url !== null) {
    return {
      url,
      targetPort: (ways.find((way) => way.url.origin === url.origin) ?? ways[0])?.targetPort ?? null,
    };
  }
  const [way, ...others] = ways;
  if (way === undefined) {
    const why =
      service.get('spec', 'clusterIP').text() === 'None'
        ? 'is headless: it has no address'
        : 'has no address';
    throw new Fault(`Service ${name} ${why}; name one that leads to its pods with --url`);
  }
  if (others.length > 0) {
    const list = ways.map((each) => each.url.origin).join(', ');
    throw new Fault(`several addresses lead to Service ${name}: choose one with --url: ${list}`);
  }
  return way;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
function toLossEvent(workload: Field, message: string): Json {
  const now = new Date().toISOString();
  const namespace = workload.get('metadata', 'namespace').text() ?? '';
  const name = nameOf(workload);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${name}.`, namespace },
    type: 'Warning',
    reason: 'RequestsLost',
    message: message.slice(0, MAX_MESSAGE),
    involvedObject: {
      apiVersion: workload.get('apiVersion').text() ?? '',
      kind: workload.get('kind').text() ?? '',
      name,
      namespace,
      uid: workload.get('metadata', 'uid').text() ?? '',
      resourceVersion: workload.get('metadata', 'resourceVersion').text() ?? '',
    },
    source: { component: 'dropless' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}

/** The API server takes no more. */
const MAX_MESSAGE = 1_024;

import type { Clock } from '../cli/clock.ts';
import type { Mark } from '../proof/scene.ts';
import type { PodEvent } from '../proof/timeline.ts';
import type { Api } from './api.ts';
import { Field } from './field.ts';
import { type Json, numberAt, textAt } from './json.ts';
import { nameOf } from './object.ts';
import { ownerUids } from './owner.ts';
import { canWatchNodes } from './permission.ts';
import { createPodObserver } from './pod-observer.ts';
import { startWatch, type Watch } from './watch.ts';

interface WatchedDeployment {
  readonly namespace: string;
  readonly deployment: string;
  readonly container: string;
  /** Of its pods, as a query takes it. */
  readonly selector: string;
  /** Null: no Service selects its pods, and a pod that is ready is taken for an endpoint. */
  readonly service: string | null;
  /** Of the pods, where the traffic goes, as a number or by its name; null: not known. */
  readonly port: number | string | null;
  /** Null: none scales it. */
  readonly hpa: string | null;
  readonly clock: Clock;
}

/** Everything around one Deployment that a proof has to know of, from `start` on. */
export interface ClusterWatch {
  readonly events: readonly PodEvent[];
  readonly marks: readonly Mark[];
  /** Why events may be missing or stamped late. */
  readonly gaps: readonly string[];
  mark(text: string): void;
  /** The pod that had this IP address at that time, or had it last; null: it is none of a pod that is watched. */
  podAt(address: string, atMs: number): string | null;
  /** Resolves when all is known as it is now. */
  start(): Promise<void>;
  /** Holds what is known against fresh lists. */
  confirm(): Promise<void>;
}

type OnChange = (change: 'seen' | 'deleted', object: Json, atMs: number) => void;

/** Resources of which only those of the Deployment are watched. */
const OWN: readonly string[] = [
  'pods',
  'replicasets',
  'deployments',
  'horizontalpodautoscalers',
  'endpointslices',
];

const CONFIRM_MS = 5_000;

/** Watches pods, endpoints, nodes, ReplicaSets, HPAs and warnings until the signal is aborted. */
export function createClusterWatch(
  api: Api,
  { namespace, deployment, container, selector, service, port, hpa, clock }: WatchedDeployment,
  signal: AbortSignal,
): ClusterWatch {
  const events: PodEvent[] = [];
  const marks: Mark[] = [];
  const gaps: string[] = [];
  const watches: Watch[] = [];
  /** What is of the Deployment, and the Service of its endpoints, by uid: what it is warned of is told. */
  const own = new Set<string>();
  /** Warnings of others, by uid: a warning may come before what it is about. */
  const foreign = new Map<string, Mark[]>();
  const observer = createPodObserver(
    (event) => {
      events.push(event);
      const endpoint = service === null ? toEndpointEvent(event) : null;
      if (endpoint !== null) events.push(endpoint);
    },
    container,
    port,
  );
  let isSynced = false;

  const mark = (text: string) => void marks.push({ atMs: clock.nowMs(), text });

  async function watch(group: string, resource: string, query: string, onChange: OnChange): Promise<void> {
    const scope = resource === 'nodes' ? '' : `/namespaces/${namespace}`;
    const started = startWatch(
      api,
      `${group}${scope}/${resource}${query === '' ? '' : `?${query}`}`,
      {
        clock,
        random: Math.random,
        onGap: (reason) => void gaps.push(reason),
        onChange: (change, object) => {
          if (OWN.includes(resource)) adopt(textAt(object, 'metadata', 'uid'));
          if (resource === 'endpointslices') {
            for (const uid of ownerUids(new Field(object))) adopt(uid);
          }
          onChange(change, object, clock.nowMs());
        },
      },
      signal,
    );
    await started.synced;
    watches.push(started);
  }

  /** Marks each change of a number. */
  function markNumber(path: readonly string[], toSubject: (name: string) => string): OnChange {
    const told = new Map<string, number>();
    return (_, object) => {
      const name = nameOf(new Field(object));
      const value = numberAt(object, ...path) ?? 0;
      if (isSynced && told.get(name) !== value) mark(`${toSubject(name)} wants ${value}`);
      told.set(name, value);
    };
  }

  const markWarning: OnChange = (change, object) => {
    if (!isSynced || change === 'deleted') return;
    const about = textAt(object, 'involvedObject', 'name');
    const uid = textAt(object, 'involvedObject', 'uid') ?? '';
    const text = `${textAt(object, 'reason')} ${about}: ${textAt(object, 'message')}`;
    if (own.has(uid)) mark(text);
    else foreign.set(uid, [...(foreign.get(uid) ?? []), { atMs: clock.nowMs(), text }]);
  };

  function adopt(uid: string | null): void {
    if (uid === null || own.has(uid)) return;
    own.add(uid);
    marks.push(...(foreign.get(uid) ?? []));
    foreign.delete(uid);
  }

  return {
    events,
    marks,
    gaps,
    mark,
    podAt: observer.podAt,
    async start() {
      // Who may not see nodes can prove all but the loss of one.
      const hasNodes = await canWatchNodes(api);
      if (!hasNodes) mark('nodes cannot be watched: the loss of one would not be told');
      // Pods before the others, so that a node or an endpoint finds the pods it speaks of.
      await watch('/api/v1', 'pods', `labelSelector=${selector}`, observer.onPod);
      const ofService = encodeURIComponent(`kubernetes.io/service-name=${service}`);
      await Promise.all([
        service === null
          ? null
          : watch(
              '/apis/discovery.k8s.io/v1',
              'endpointslices',
              `labelSelector=${ofService}`,
              observer.onEndpointSlice,
            ),
        watch(
          '/apis/apps/v1',
          'deployments',
          `fieldSelector=metadata.name%3D${deployment}`,
          markNumber(['spec', 'replicas'], (name) => `Deployment ${name}`),
        ),
        watch(
          '/apis/apps/v1',
          'replicasets',
          `labelSelector=${selector}`,
          markNumber(['spec', 'replicas'], (name) => name),
        ),
        hpa === null
          ? null
          : watch(
              '/apis/autoscaling/v2',
              'horizontalpodautoscalers',
              `fieldSelector=metadata.name%3D${hpa}`,
              markNumber(['status', 'desiredReplicas'], (name) => `HPA ${name}`),
            ),
        watch('/api/v1', 'events', 'fieldSelector=type%3DWarning', markWarning),
        hasNodes ? watch('/api/v1', 'nodes', '', observer.onNode) : null,
      ]);
      isSynced = true;
    },
    async confirm() {
      await Promise.all(watches.map((each) => each.confirm(CONFIRM_MS)));
    },
  };
}

/** Where no slice tells it: what is ready, and not told to end, gets traffic. */
function toEndpointEvent({ kind, atMs, pod }: PodEvent): PodEvent | null {
  if (kind === 'ready') return { atMs, pod, kind: 'endpoint-added' };
  const isEnd = kind === 'unready' || kind === 'terminating' || kind === 'exited' || kind === 'gone';
  return isEnd ? { atMs, pod, kind: 'endpoint-removed' } : null;
}

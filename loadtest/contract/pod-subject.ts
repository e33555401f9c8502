import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../cli/fault.ts';
import type { Api } from '../kube/api.ts';
import { chooseContainer } from '../kube/container.ts';
import { at, type Json, listAt, numberAt } from '../kube/json.ts';
import { findDenied } from '../kube/permission.ts';
import { toPreStopMs } from '../kube/pod-observer.ts';
import { startWatch } from '../kube/watch.ts';
import { toTarget } from '../load/target-url.ts';
import type { Subject } from './observation.ts';

interface PodOptions {
  readonly url: URL;
  readonly pod: string;
  /** Undefined: that of the pod's annotation, or the only one. */
  readonly container: string | undefined;
}

const NEEDED = ['get', 'list', 'watch', 'delete'].map((verb) => ({ verb, group: '', resource: 'pods' }));

/**
 * A running pod, told to end by its deletion: SIGTERM comes when the preStop of its container is over.
 * @throws {Fault} where it cannot be watched and deleted
 */
export async function createPodSubject(
  api: Api,
  namespace: string,
  { url, pod, container: wanted }: PodOptions,
  signal: AbortSignal,
): Promise<Subject> {
  const denied = await findDenied(api, namespace, NEEDED);
  if (denied.length > 0) throw new Fault(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const object = await api.get(`${pods}/${pod}`);
  const container = chooseContainer(object, wanted ?? null);
  const watching = new AbortController();
  const ofPod = `${pods}?fieldSelector=metadata.name%3D${pod}`;
  const stop = () => watching.abort(signal.reason);
  signal.addEventListener('abort', stop);
  const { synced, exited } = watchExit(api, ofPod, container, watching.signal);
  // Before anything is done to it: an end that nobody sees would be taken for none.
  await synced.finally(() => signal.removeEventListener('abort', stop));
  const { host, port } = toTarget(url, { ca: null, isVerified: true });
  return {
    name: `pod ${pod} at ${url.href}`,
    address: { host, port },
    // The kubelet hears of the deletion, and begins and ends preStop, so much later at most.
    sigtermWithinMs: 1_000,
    prepare: async () => {
      await api.remove(`${pods}/${pod}`, {});
      await sleep(toPreStopMs(object, container), undefined, { signal });
    },
    terminate: async () => {},
    exited,
    lastLines: async () => [],
    destroy: async () => watching.abort(),
  };
}

/** `exited` resolves with the end of the container, or with the pod's deletion where that is not told. */
function watchExit(
  api: Api,
  path: string,
  container: string,
  signal: AbortSignal,
): { readonly synced: Promise<void>; readonly exited: Subject['exited'] } {
  let tellExit: (exit: Awaited<Subject['exited']>) => void = () => {};
  const exited: Subject['exited'] = new Promise((resolve) => {
    tellExit = resolve;
  });
  const onChange = (change: 'seen' | 'deleted', pod: Json) => {
    const status = listAt(pod, 'status', 'containerStatuses').find(({ name }) => name === container);
    const ended = at(status, 'state', 'terminated');
    if (ended !== undefined) tellExit({ code: numberAt(ended, 'exitCode'), signal: null });
    else if (change === 'deleted') tellExit({ code: null, signal: 'deletion' });
  };
  const hooks = { nowMs: () => performance.now(), random: Math.random, onGap: () => {}, onChange };
  return { synced: startWatch(api, path, hooks, signal).synced, exited };
}

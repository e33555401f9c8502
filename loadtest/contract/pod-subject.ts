import { setTimeout as sleep } from 'node:timers/promises';
import { PROCESS_CLOCK } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import type { Api } from '../kube/api.ts';
import { chooseContainer, findNamed } from '../kube/container.ts';
import { Field } from '../kube/field.ts';
import { toGraceSeconds } from '../kube/grace-period.ts';
import type { Json } from '../kube/json.ts';
import { findDenied } from '../kube/permission.ts';
import { toPreStop, untilSigtermMs } from '../kube/pre-stop.ts';
import { startWatch } from '../kube/watch.ts';
import { type TargetAccess, toTarget } from '../load/target-url.ts';
import type { Subject } from './observation.ts';

interface PodOptions {
  readonly url: URL;
  /** How it is connected to. */
  readonly access: TargetAccess;
  readonly pod: string;
  /** Undefined: the one named by the pod's annotation, or the only one. */
  readonly container: string | undefined;
}

const NEEDED = ['get', 'list', 'watch', 'delete'].map((verb) => ({ verb, group: '', resource: 'pods' }));

/**
 * A running pod, terminated by its deletion: SIGTERM comes when the preStop of its container is over.
 * @throws {Fault} where it cannot be watched and deleted
 */
export async function createPodSubject(
  api: Api,
  namespace: string,
  { url, access, pod, container: wanted }: PodOptions,
  signal: AbortSignal,
): Promise<Subject> {
  const denied = await findDenied(api, namespace, NEEDED);
  if (denied.length > 0) throw new Fault(`not allowed in namespace ${namespace}: ${denied.join(', ')}`);
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const object = new Field(await api.get(`${pods}/${pod}`));
  const container = chooseContainer(object, wanted ?? null);
  const preStop = toPreStop(findNamed(object.get('spec', 'containers'), container));
  const preStopMs = untilSigtermMs(preStop, 1_000 * toGraceSeconds(object.get('spec')));
  if (preStopMs === null) {
    const why = preStop.kind === 'unknown' ? preStop.why : '';
    throw new Fault(
      `the length of preStop of container ${container} is not known (${why}), so neither is the time of SIGTERM: use a pod whose preStop is lifecycle.preStop.sleep`,
    );
  }
  const watching = new AbortController();
  const ofPod = `${pods}?fieldSelector=metadata.name%3D${pod}`;
  const stop = () => watching.abort(signal.reason);
  signal.addEventListener('abort', stop);
  const { synced, exited } = watchExit(api, ofPod, container, watching.signal);
  // Before anything is done to the pod: an exit that nobody sees would count as none.
  await synced.finally(() => signal.removeEventListener('abort', stop));
  return {
    name: `pod ${pod} at ${url.href}`,
    address: toTarget(url, access),
    // The most by which the kubelet may lag in learning of the deletion and in running preStop.
    sigtermWithinMs: 1_000,
    prepare: async () => {
      await api.remove(`${pods}/${pod}`, {});
      await sleep(preStopMs, undefined, { signal });
    },
    terminate: async () => {},
    exited,
    lastLines: async () => [],
    destroy: async () => watching.abort(),
  };
}

/** `exited` resolves with the exit of the container, or with the pod's deletion if no exit is reported. */
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
    const status = findNamed(new Field(pod).get('status', 'containerStatuses'), container);
    const ended = status.get('state', 'terminated');
    if (ended.exists) tellExit({ code: ended.get('exitCode').number() ?? null, signal: null });
    else if (change === 'deleted') tellExit({ code: null, signal: 'deletion' });
  };
  const hooks = { clock: PROCESS_CLOCK, random: Math.random, onGap: () => {}, onChange };
  return { synced: startWatch(api, path, hooks, signal).synced, exited };
}

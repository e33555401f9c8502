import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, type ApiError, createApi } from '../kubernetes/api.ts';
import { at, type Json, listAt, numberAt } from '../kubernetes/json.ts';
import { readAccess } from '../kubernetes/kubeconfig.ts';
import { toPreStopMs } from '../kubernetes/pod-observer.ts';
import { startWatch } from '../kubernetes/watch.ts';
import { UsageError } from '../usage-error.ts';
import type { Subject } from './observation.ts';

interface PodOptions {
  readonly url: URL;
  readonly pod: string;
  readonly namespace: string | undefined;
  readonly context: string | undefined;
}

/** A running pod, told to end by its deletion: SIGTERM comes when its preStop is over. */
export async function openPodSubject(
  { url, pod, namespace, context }: PodOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Subject> {
  const access = await readAccess({ context: context ?? null, env });
  if (access === null) throw new UsageError('no cluster is configured: set KUBECONFIG');
  const api = createApi(access);
  const pods = `/api/v1/namespaces/${namespace ?? access.namespace}/pods`;
  const object = await api.get(`${pods}/${pod}`).catch((error: ApiError) => {
    throw new UsageError(error.message);
  });
  const watching = new AbortController();
  const exited = watchExit(api, `${pods}?fieldSelector=metadata.name%3D${pod}`, watching.signal);
  // Whoever waits for it hears of it; before that, nothing is to end by it.
  exited.catch(() => {});
  return {
    address: { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) },
    // The kubelet hears of the deletion, and begins and ends preStop, so much later at most.
    sigtermWithinMs: 1_000,
    prepare: async () => {
      await api.remove(`${pods}/${pod}`, {});
      await sleep(toPreStopMs(object, null));
    },
    terminate: async () => {},
    exited,
    destroy: async () => watching.abort(),
  };
}

/** Resolves with the end of the pod's first container, or with its deletion where that is not told. */
async function watchExit(
  api: Api,
  path: string,
  signal: AbortSignal,
): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    const onChange = (change: 'seen' | 'deleted', pod: Json) => {
      const ended = at(listAt(pod, 'status', 'containerStatuses')[0], 'state', 'terminated');
      if (ended !== undefined) resolve({ code: numberAt(ended, 'exitCode'), signal: null });
      else if (change === 'deleted') resolve({ code: null, signal: 'deletion' });
    };
    const hooks = { nowMs: () => performance.now(), random: Math.random, onGap: () => {}, onChange };
    startWatch(api, path, hooks, signal).synced.catch(reject);
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, type ApiError, createApi } from '../kubernetes/api.ts';
import { at, type Json, listAt, numberAt } from '../kubernetes/json.ts';
import { readAccess } from '../kubernetes/kubeconfig.ts';
import { toPreStopMs } from '../kubernetes/pod-observer.ts';
import { UsageError } from '../usage-error.ts';
import type { Subject } from './observation.ts';

interface PodOptions {
  readonly url: URL;
  readonly pod: string;
  readonly namespace: string | undefined;
  readonly context: string | undefined;
}

const POLL_MS = 100;

/** A running pod, told to end by its deletion: SIGTERM comes when its preStop is over. */
export async function openPodSubject(
  { url, pod, namespace, context }: PodOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Subject> {
  const access = await readAccess({ context: context ?? null, env });
  if (access === null) throw new UsageError('no cluster is configured: set KUBECONFIG');
  const api = createApi(access);
  const path = `/api/v1/namespaces/${namespace ?? access.namespace}/pods/${pod}`;
  const object = await api.get(path).catch((error: ApiError) => {
    throw new UsageError(error.message);
  });
  const uid = at(object, 'metadata', 'uid');
  const watching = new AbortController();
  return {
    address: { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) },
    // The kubelet hears of the deletion, and preStop begins and ends, within this.
    noticeMs: 1_000,
    prepare: async () => {
      await api.remove(path, {});
      await sleep(toPreStopMs(object, null));
    },
    terminate: async () => {},
    exited: awaitExit(api, path, uid, watching.signal),
    destroy: async () => watching.abort(),
  };
}

async function awaitExit(
  api: Api,
  path: string,
  uid: unknown,
  signal: AbortSignal,
): Promise<{ code: number | null; signal: string | null }> {
  let last: Json | null = null;
  while (!signal.aborted) {
    const now: Json | null = await api.get(path).catch((error: ApiError) => {
      if (error.status === 404) return null;
      throw error;
    });
    if (now !== null && at(now, 'metadata', 'uid') === uid) last = now;
    const ended = at(listAt(last, 'status', 'containerStatuses')[0], 'state', 'terminated');
    if (ended !== undefined) return { code: numberAt(ended, 'exitCode'), signal: null };
    if (now === null) return { code: null, signal: 'deletion' };
    await sleep(POLL_MS);
  }
  return { code: null, signal: null };
}

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../cli/fault.ts';
import { type Api, createApi } from './api.ts';
import { readAccess } from './kubeconfig.ts';
import { findPodAccess } from './pod-access.ts';

type Surroundings = Readonly<Record<string, string | undefined>>;

/** A cluster that can be asked. */
export interface Cluster {
  readonly api: Api;
  /** The one asked for, or that of the context. */
  readonly namespace: string;
}

/** Which cluster, as kubectl's flags say it. */
export interface ClusterChoice {
  /** Of the kubeconfig; undefined: the current one. */
  readonly context: string | undefined;
  /** Undefined: $KUBECONFIG, or ~/.kube/config. */
  readonly kubeconfig: string | undefined;
  readonly namespace: string | undefined;
}

/**
 * The cluster that kubectl would use; in a pod that has neither flags nor a kubeconfig, the one that it runs in.
 * @throws {Fault} where there is none, or the kubeconfig cannot be used
 */
export async function openCluster(
  { context, kubeconfig, namespace }: ClusterChoice,
  env: Surroundings,
): Promise<Cluster> {
  const isChosen = context !== undefined || kubeconfig !== undefined || (await hasKubeconfig(env));
  const found = isChosen
    ? await readAccess({ context: context ?? null, kubeconfig, env })
    : await findPodAccess({ env });
  if (found === null) throw new Fault('no cluster is configured: give --kubeconfig FILE, or set KUBECONFIG');
  return { api: createApi(found), namespace: namespace ?? found.namespace };
}

/** As kubectl finds it: a kubeconfig comes before the ServiceAccount of the pod. */
async function hasKubeconfig({ KUBECONFIG = '', HOME = '' }: Surroundings): Promise<boolean> {
  if (KUBECONFIG !== '') return true;
  if (HOME === '') return false;
  return access(join(HOME, '.kube/config')).then(
    () => true,
    () => false,
  );
}

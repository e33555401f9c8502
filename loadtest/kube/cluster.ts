import { Fault } from '../cli/fault.ts';
import { type Api, createApi } from './api.ts';
import { readAccess } from './kubeconfig.ts';

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

/** @throws {Fault} where there is none, or the kubeconfig cannot be used */
export async function openCluster(
  { context, kubeconfig, namespace }: ClusterChoice,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Cluster> {
  const access = await readAccess({ context: context ?? null, kubeconfig, env });
  if (access === null) throw new Fault('no cluster is configured: give --kubeconfig FILE, or set KUBECONFIG');
  return { api: createApi(access), namespace: namespace ?? access.namespace };
}

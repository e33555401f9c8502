import { UsageError } from '../cli/usage-error.ts';
import { type Api, createApi } from './api.ts';
import { readAccess } from './kubeconfig.ts';

/** A cluster that can be asked. */
export interface Cluster {
  readonly api: Api;
  /** That of the context, where no other is wanted. */
  readonly namespace: string;
}

/**
 * The cluster of a context of the kubeconfig.
 *
 * @param context undefined: the current one
 * @throws {UsageError} where there is none, or the kubeconfig cannot be used
 */
export async function openCluster(
  context: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Cluster> {
  const access = await readAccess({ context: context ?? null, env });
  if (access === null) throw new UsageError('no cluster is configured: set KUBECONFIG');
  return { api: createApi(access), namespace: access.namespace };
}

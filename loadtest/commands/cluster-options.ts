import { Fault } from '../cli/fault.ts';
import { group, type OptionValues, optional, refine, text } from '../cli/option.ts';
import type { World } from '../cli/world.ts';
import { type Api, createApi } from '../kube/api.ts';
import { readAccess } from '../kube/kubeconfig.ts';

/** Where in which cluster a target is, as kubectl takes it. */
const CLUSTER_OPTIONS = {
  namespace: refine(optional(text('NAME', 'Namespace of the target'), 'that of the context'), {
    short: 'n',
  }),
  context: optional(text('NAME', 'Context of the kubeconfig'), 'the current one'),
  kubeconfig: optional(text('FILE', 'The kubeconfig'), '$KUBECONFIG, or ~/.kube/config'),
};

type ClusterOptions = OptionValues<typeof CLUSTER_OPTIONS>;

/** @param target the positional without which they say nothing, for example `TYPE/NAME` */
export function toClusterOptions(target: string): typeof CLUSTER_OPTIONS {
  return group('Target', CLUSTER_OPTIONS, { needs: [target] });
}

/** @throws {Fault} where there is no cluster to reach */
export async function connect(
  { context, kubeconfig, namespace }: ClusterOptions,
  { env }: World,
): Promise<{ readonly api: Api; readonly namespace: string }> {
  const access = await readAccess({ context: context ?? null, kubeconfig, env });
  if (access === null) throw new Fault('no cluster is configured: give --kubeconfig FILE, or set KUBECONFIG');
  return { api: createApi(access), namespace: namespace ?? access.namespace };
}

import { group, inputFile, optional, refine, text } from '../cli/option.ts';

/** The cluster and namespace of a target, as kubectl takes them. */
const CLUSTER_OPTIONS = {
  namespace: refine(optional(text('NAME', 'Namespace of the target'), 'the one of the context'), {
    short: 'n',
  }),
  context: optional(text('NAME', 'Context of the kubeconfig'), 'the current one'),
  kubeconfig: optional(inputFile('The kubeconfig'), '$KUBECONFIG, or ~/.kube/config'),
};

/** @param target the positional that these flags need, for example `TYPE/NAME` */
export function toClusterOptions(target: string): typeof CLUSTER_OPTIONS {
  return group('Target', CLUSTER_OPTIONS, { needs: [target] });
}

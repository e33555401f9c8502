import { group, optional, refine, text } from '../cli/option.ts';

/** Where in which cluster a target is, as kubectl takes it. */
const CLUSTER_OPTIONS = {
  namespace: refine(optional(text('NAME', 'Namespace of the target'), 'that of the context'), {
    short: 'n',
  }),
  context: optional(text('NAME', 'Context of the kubeconfig'), 'the current one'),
  kubeconfig: optional(text('FILE', 'The kubeconfig'), '$KUBECONFIG, or ~/.kube/config'),
};

/** @param target the positional without which they say nothing, for example `TYPE/NAME` */
export function toClusterOptions(target: string): typeof CLUSTER_OPTIONS {
  return group('Target', CLUSTER_OPTIONS, { needs: [target] });
}

import type { Field } from './field.ts';

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination */
const DEFAULT_SECONDS = 30;

/** From the deletion of a pod until SIGKILL, by its spec, in seconds. It is counted from the start of preStop. */
export function toGraceSeconds(podSpec: Field): number {
  return podSpec.get('terminationGracePeriodSeconds').number() ?? DEFAULT_SECONDS;
}

/** The state that the controller wants. */
export interface Desired {
  readonly replicas: number;
  /** Incremented by every change of the pod template. */
  readonly revision: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** What the controller sees of a pod. Lists are ordered oldest first. */
export interface PodView {
  readonly name: string;
  readonly revision: number;
  readonly isTerminating: boolean;
  /** Ready, and for at least minReadySeconds. */
  readonly isAvailable: boolean;
}

export interface Actions {
  /** How many pods of the newest revision to start. */
  readonly start: number;
  /** Names of the pods to terminate. */
  readonly terminate: readonly string[];
}

/**
 * One step of a Deployment with strategy RollingUpdate: never more than replicas + maxSurge pods, terminating ones
 * not counted, and never fewer than replicas − maxUnavailable available ones.
 * Follows pkg/controller/deployment/rolling.go of Kubernetes.
 */
export function toActions(desired: Desired, pods: readonly PodView[]): Actions {
  const { replicas, revision, maxSurge, maxUnavailable } = desired;
  const active = pods.filter((pod) => !pod.isTerminating);
  const current = active.filter((pod) => pod.revision === revision);
  const old = active.filter((pod) => pod.revision !== revision);

  const room = old.length === 0 ? replicas : replicas + maxSurge - old.length;
  const start = Math.max(0, Math.min(replicas, room) - current.length);

  const minAvailable = replicas - maxUnavailable;
  const removable = active.length - minAvailable - current.filter((pod) => !pod.isAvailable).length;
  const failing = old.filter((pod) => !pod.isAvailable).slice(0, Math.max(0, removable));
  const spare = active.filter((pod) => pod.isAvailable).length - minAvailable;
  const replaced = old
    .filter((pod) => pod.isAvailable)
    .slice(0, Math.max(0, Math.min(spare, removable - failing.length)));

  // Of surplus pods, those that do not serve go first, then the youngest, as the ReplicaSet ranks them.
  const surplus = [...current]
    .reverse()
    .sort((a, b) => Number(a.isAvailable) - Number(b.isAvailable))
    .slice(0, Math.max(0, current.length - replicas));
  return { start, terminate: [...failing, ...replaced, ...surplus].map(({ name }) => name) };
}

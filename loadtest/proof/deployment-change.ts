/** What a manifest can mend; null: that is to stay as it is. */
export interface DeploymentChange {
  /** From the deletion of a pod to SIGTERM: `lifecycle.preStop.sleep`. Whole seconds. */
  readonly preStopMs: number | null;
  /** `terminationGracePeriodSeconds`. Whole seconds. */
  readonly graceMs: number | null;
  /** New pods first, and then the old ones go: maxSurge 1, maxUnavailable 0. */
  readonly isSurged: boolean;
}

export const NO_CHANGE: DeploymentChange = { preStopMs: null, graceMs: null, isSurged: false };

/** Up to whole seconds, in ms: manifests know no others. */
export function toWholeSeconds(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000;
}

/** The most of each; null: nothing is to change. */
export function mergeChanges(changes: readonly (DeploymentChange | null)[]): DeploymentChange | null {
  const all = changes.filter((change) => change !== null);
  const longest = (key: 'preStopMs' | 'graceMs') => {
    const times = all.flatMap(({ [key]: ms }) => ms ?? []);
    return times.length === 0 ? null : Math.max(...times);
  };
  if (all.length === 0) return null;
  return {
    preStopMs: longest('preStopMs'),
    graceMs: longest('graceMs'),
    isSurged: all.some(({ isSurged }) => isSurged),
  };
}

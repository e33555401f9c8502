/** What a manifest can mend; null: that is to stay as it is. */
export interface ManifestChange {
  /** From the deletion of a pod to SIGTERM: `lifecycle.preStop.sleep`. Whole seconds. */
  readonly preStopMs: number | null;
  /** `terminationGracePeriodSeconds`. Whole seconds. */
  readonly graceMs: number | null;
  /** New pods first, and then the old ones go: maxSurge 1, maxUnavailable 0. */
  readonly isSurged: boolean;
}

/** What to do for more pods in a rollout, where the workload can. */
export const SURGE_ADVICE = 'Set maxUnavailable to 0 and maxSurge to at least 1.';

export const NO_CHANGE: ManifestChange = { preStopMs: null, graceMs: null, isSurged: false };

/** Up to whole seconds, in ms: manifests know no others. */
export function toWholeSeconds(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000;
}

/** The most of each; null: nothing is to change. */
export function mergeChanges(changes: readonly (ManifestChange | null)[]): ManifestChange | null {
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

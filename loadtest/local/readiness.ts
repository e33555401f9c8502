/** The result of a pod's probes so far. */
export interface Readiness {
  readonly isReady: boolean;
  /** Consecutive. */
  readonly failures: number;
}

/** One success makes a pod ready; `failureThreshold` failures in a row make it unready, as the kubelet counts them. */
export function toReadiness(before: Readiness, isSuccess: boolean, failureThreshold: number): Readiness {
  const failures = isSuccess ? 0 : before.failures + 1;
  return { isReady: isSuccess || (before.isReady && failures < failureThreshold), failures };
}

import type { Pod } from './pod.ts';

/** The pods that get traffic: those that are ready and not terminating. */
export function toEndpoints(pods: Iterable<Pod>): readonly { readonly pod: string; readonly port: number }[] {
  return [...pods].flatMap(({ name, replica, readyMs, isTerminating }) =>
    replica !== null && readyMs !== null && !isTerminating ? [{ pod: name, port: replica.port }] : [],
  );
}

/** Which names are new, and which are gone. */
export function toChanges(
  before: readonly string[],
  now: readonly string[],
): { readonly added: readonly string[]; readonly removed: readonly string[] } {
  return {
    added: now.filter((name) => !before.includes(name)),
    removed: before.filter((name) => !now.includes(name)),
  };
}

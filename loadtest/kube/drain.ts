import type { Clock } from '../cli/clock.ts';
import { type Api, toApiStatus } from './api.ts';
import { Field } from './field.ts';
import { until } from './live-workload.ts';
import type { Undo } from './undo.ts';

interface DrainSurroundings {
  readonly api: Api;
  readonly undo: Undo;
  /** Puts a line on the timeline. */
  mark(text: string): void;
  readonly clock: Clock;
}

/** Keeps new pods off the node. A node that was cordoned before stays so when all is taken back. */
export async function cordon(
  node: string,
  { api, undo, mark }: Omit<DrainSurroundings, 'clock'>,
): Promise<void> {
  const path = `/api/v1/nodes/${node}`;
  if (new Field(await api.get(path)).get('spec', 'unschedulable').isTrue()) return;
  const set = (unschedulable: boolean) => api.patch(path, 'merge', { spec: { unschedulable } });
  undo.add(`node ${node} cordoned`, () => set(false));
  await set(true);
  mark(`${node} is cordoned`);
}

/** Tries again for as long as the PodDisruptionBudget forbids it. */
export async function evict(
  pod: string,
  namespace: string,
  { api, mark, clock }: Omit<DrainSurroundings, 'undo'>,
  aborted: AbortSignal,
): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  let isTold = false;
  const findReason = async () => {
    try {
      await api.post(`/api/v1/namespaces/${namespace}/pods/${pod}/eviction`, eviction);
      return null;
    } catch (error) {
      const verdict = judgeRefusal(error as Error);
      if (verdict === 'gone') return null;
      if (verdict === 'never') throw new Error((error as Error).message);
      if (verdict === 'unknown') throw error;
      if (!isTold) mark(`the PodDisruptionBudget does not let ${pod} go yet`);
      isTold = true;
      return 'the PodDisruptionBudget does not allow it';
    }
  };
  await until(findReason, `${pod} not evicted`, aborted, clock);
}

/**
 * What a failed eviction says: the pod has gone by itself, may go later, or never by this way; `unknown`: nothing of it.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/#how-api-initiated-eviction-works
 */
export function judgeRefusal(error: Error): 'gone' | 'later' | 'never' | 'unknown' {
  const status = toApiStatus(error);
  if (status === 404) return 'gone';
  // Its status is 500, as of faults that pass.
  if (/more than one PodDisruptionBudget/.test(error.message)) return 'never';
  return status === 429 ? 'later' : 'unknown';
}

/** The node with the most of these pods, the first of several; '': there are none. */
export function toBusiestNode(pods: readonly Field[]): string {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const node = pod.get('spec', 'nodeName').text() ?? '';
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

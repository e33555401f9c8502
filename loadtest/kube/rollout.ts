import type { KubeObject } from './object.ts';
import { toPods } from './quantity.ts';

interface RollingUpdate {
  readonly maxUnavailable: number;
  readonly maxSurge: number;
}

/**
 * How many pods a Deployment's rolling update may lack and have in addition, for a number of replicas; undefined
 * for what is not updated that way.
 *
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
 */
export function toRollingUpdate(object: KubeObject, replicas: number): RollingUpdate | undefined {
  const strategy = object.root.get('spec', 'strategy');
  if (object.kind !== 'Deployment' || (strategy.get('type').text() ?? 'RollingUpdate') !== 'RollingUpdate') {
    return undefined;
  }
  const given = (key: string) => strategy.get('rollingUpdate', key).scalar() ?? '25%';
  const maxUnavailable = toPods(given('maxUnavailable'), replicas, 'down') ?? 0;
  const maxSurge = toPods(given('maxSurge'), replicas, 'up') ?? 0;
  // Where rounding leaves neither, the controller takes one pod away: else nothing could ever move.
  return maxUnavailable === 0 && maxSurge === 0
    ? { maxUnavailable: 1, maxSurge }
    : { maxUnavailable, maxSurge };
}

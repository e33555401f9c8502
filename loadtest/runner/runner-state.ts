import { findCondition } from '../kube/conditions.ts';
import type { Field } from '../kube/field.ts';
import { RUNNER_CONTAINER } from './runner-objects.ts';

/** Where the pod of a runner stands. */
export type RunnerState =
  | { readonly kind: 'waiting'; readonly why: string }
  /** It will not start: `why` has the words of Kubernetes. */
  | { readonly kind: 'stuck'; readonly why: string }
  | { readonly kind: 'running'; readonly pod: string }
  | { readonly kind: 'ended'; readonly pod: string; readonly why: string };

/** What a kubelet reports of a container that will not start whatever it tries; `ErrImagePull` comes before the back-off. */
const STUCK = [
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
];
/** How long a scheduler may find no room: an autoscaler may add a node meanwhile. */
const ROOM_MS = 60_000;

/**
 * @param pod null: there is none yet
 * @param refusals why the controller of Jobs could make no pod, from its events
 * @param waitedMs since the Job may have one
 */
export function toRunnerState(pod: Field | null, refusals: readonly string[], waitedMs: number): RunnerState {
  if (pod === null) {
    const refusal = refusals.at(-1);
    return refusal === undefined
      ? { kind: 'waiting', why: 'its pod is not made yet' }
      : { kind: 'stuck', why: refusal };
  }
  const name = pod.get('metadata', 'name').text() ?? '';
  const status = pod
    .get('status', 'containerStatuses')
    .items()
    .find((each) => each.get('name').text() === RUNNER_CONTAINER);
  const terminated = status?.get('state', 'terminated');
  if (terminated?.exists) {
    const reason = terminated.get('reason').text() ?? 'it ended';
    return { kind: 'ended', pod: name, why: `${reason}, exit code ${terminated.get('exitCode').number()}` };
  }
  const phase = pod.get('status', 'phase').text();
  if (phase === 'Failed' || phase === 'Succeeded') {
    const reason = pod.get('status', 'reason').text() ?? phase;
    return { kind: 'ended', pod: name, why: pod.get('status', 'message').text() ?? reason };
  }
  if (status?.get('state', 'running').exists) return { kind: 'running', pod: name };
  const waiting = status?.get('state', 'waiting');
  const reason = waiting?.get('reason').text();
  const why = [reason, waiting?.get('message').text()].filter((text) => text !== undefined).join(': ');
  if (reason !== undefined && STUCK.includes(reason)) return { kind: 'stuck', why };
  const scheduled = findCondition(pod, 'PodScheduled');
  if (scheduled?.get('status').text() === 'False') {
    const unscheduled = `no node has room: ${scheduled.get('message').text() ?? ''}`;
    return waitedMs > ROOM_MS ? { kind: 'stuck', why: unscheduled } : { kind: 'waiting', why: unscheduled };
  }
  return { kind: 'waiting', why: why === '' ? 'its pod is not started yet' : why };
}

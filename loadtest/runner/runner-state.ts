import { findCondition, isReady } from '../kube/conditions.ts';
import type { Field } from '../kube/field.ts';
import { UNSTARTABLE } from '../kube/own-pods.ts';
import { RUNNER_CONTAINER } from './runner-objects.ts';

/** Where the pod of a runner stands. */
export type RunnerState =
  | { readonly kind: 'waiting'; readonly why: string }
  /** It will not start: `why` has the words of Kubernetes. */
  | { readonly kind: 'stuck'; readonly why: string }
  | { readonly kind: 'running'; readonly pod: string }
  /** It ran when its node was heard of last. */
  | { readonly kind: 'unheard'; readonly pod: string; readonly node: string }
  | { readonly kind: 'ended'; readonly pod: string; readonly why: string };

/** Waits that end ours; a workload under proof may get over the last two. */
const STUCK = new Set([...UNSTARTABLE, 'CreateContainerError', 'RunContainerError']);
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
  if (status?.get('state', 'running').exists) {
    const node = pod.get('spec', 'nodeName').text() ?? '';
    return isUnheard(pod) ? { kind: 'unheard', pod: name, node } : { kind: 'running', pod: name };
  }
  const waiting = status?.get('state', 'waiting');
  const reason = waiting?.get('reason').text();
  const why = [reason, waiting?.get('message').text()].filter((text) => text !== undefined).join(': ');
  if (reason !== undefined && STUCK.has(reason)) return { kind: 'stuck', why };
  const scheduled = findCondition(pod, 'PodScheduled');
  if (scheduled?.get('status').text() === 'False') {
    const unscheduled = `no node has room: ${scheduled.get('message').text() ?? ''}`;
    return waitedMs > ROOM_MS ? { kind: 'stuck', why: unscheduled } : { kind: 'waiting', why: unscheduled };
  }
  return { kind: 'waiting', why: why === '' ? 'its pod is not started yet' : why };
}

/**
 * Is nothing heard of its kubelet? A container that runs and has no readiness probe makes its pod ready; it is the
 * node's controller that says otherwise: https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
 */
function isUnheard(pod: Field): boolean {
  const ready = findCondition(pod, 'Ready')?.get('status').text() ?? 'True';
  return ready !== 'True' || pod.get('status', 'phase').text() === 'Unknown';
}

/** For a node to come back: after 40 to 50 s of silence its controller tells that it is not heard. */
const RETURN_MS = 60_000;
/** For a runner that works on where only its kubelet is dead: to take back what it did, and to hand its reports over. */
const LAST_WORDS_MS = 60_000;

/**
 * What to do about a runner that is not heard.
 * @param node null: it may not be read
 */
export function toUnheardStep(unheardMs: number, node: Field | null): 'wait' | 'ask it to end' | 'give up' {
  if (node !== null && isReady(node)) return 'wait';
  if (unheardMs <= RETURN_MS) return 'wait';
  return unheardMs <= RETURN_MS + LAST_WORDS_MS ? 'ask it to end' : 'give up';
}

/**
 * Is this node known to be down, so that nobody there will say that a pod has ended?
 * @param node null: it may not be read
 */
export function isDown(node: Field | null): boolean {
  return node !== null && !isReady(node);
}

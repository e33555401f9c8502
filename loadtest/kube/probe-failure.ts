import type { ProbeFailure } from '../proof/timeline.ts';
import { type Json, textAt } from './json.ts';

/** Of which container of which pod. */
export interface ContainerProbeFailure extends ProbeFailure {
  readonly podUid: string;
  readonly container: string;
}

/**
 * The failure of a probe that an event tells; null: it tells something else. One failure of a startup probe is none: it
 * fails for as long as the container starts.
 *
 * The messages are those of the kubelet: `computePodActions()` in pkg/kubelet/kuberuntime/kuberuntime_manager.go
 * and `probe()` in pkg/kubelet/prober/prober.go.
 */
export function toProbeFailure(event: Json): ContainerProbeFailure | null {
  const reason = textAt(event, 'reason');
  const message = textAt(event, 'message') ?? '';
  const podUid = textAt(event, 'involvedObject', 'uid');
  const [, container] =
    /^spec\.containers\{(.+)\}$/.exec(textAt(event, 'involvedObject', 'fieldPath') ?? '') ?? [];
  if (podUid === null || container === undefined) return null;
  const [, probe] = /^Container \S+ failed (liveness|startup) probe/.exec(message) ?? [];
  if (reason === 'Killing' && (probe === 'liveness' || probe === 'startup')) {
    return { podUid, container, probe, isKill: true };
  }
  return reason === 'Unhealthy' && message.startsWith('Liveness probe ')
    ? { podUid, container, probe: 'liveness', isKill: false }
    : null;
}

import type { Clock } from '../cli/clock.ts';
import type { ContainerExit, PodEvent } from '../proof/timeline.ts';
import type { Pod, PodTemplate } from './pod.ts';
import { type Readiness, toReadiness } from './readiness.ts';
import { probeReadiness } from './readiness-probe.ts';
import { type Replica, startReplica } from './replica.ts';
import type { Tasks } from './tasks.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type Happening = DistributiveOmit<PodEvent, 'atMs'>;

interface KubeletWorld {
  readonly clock: Clock;
  readonly tasks: Tasks;
  emit(happening: Happening): void;
  /** A pod has become ready or unready. */
  onReadiness(pod: Pod): void;
  /** Its process has ended. */
  onExited(pod: Pod, replica: Replica, exit: Omit<ContainerExit, 'atMs'>): Promise<void>;
}

/** Runs, probes and ends the processes of pods. */
export interface Kubelet {
  start(pod: Pod): void;
  /**
   * Terminates a pod, once: preStop, SIGTERM and, at the end of its grace period, SIGKILL. Grace period 0 is
   * SIGKILL at once.
   */
  terminate(pod: Pod, graceMs: number): void;
}

export function createKubelet(template: PodTemplate, world: KubeletWorld): Kubelet {
  const { clock, tasks, emit } = world;

  async function run(pod: Pod): Promise<void> {
    const env = {
      ...template.env,
      POD_NAME: pod.name,
      NODE_NAME: pod.node,
      APP_VERSION: pod.version,
    };
    const replica = await startReplica(template.command, env, template.pidOne);
    pod.replica = replica;
    emit({ kind: 'started', pod: pod.name });
    // Terminated before it had a process to signal: nothing to wait for.
    if (tasks.isClosing || pod.isTerminating) replica.destroy();
    tasks.run(probe(pod, replica));
    const exit = await replica.exited;
    emit({ kind: 'exited', pod: pod.name, ...exit });
    replica.destroy();
    await world.onExited(pod, replica, exit);
  }

  async function probe(pod: Pod, replica: Replica): Promise<void> {
    const { readiness } = template;
    let isRunning = true;
    let state: Readiness = { isReady: false, failures: 0 };
    void replica.exited.then(() => {
      isRunning = false;
    });
    while (isRunning && !pod.isTerminating && !tasks.isClosing) {
      const { isSuccess, seen } =
        readiness === null
          ? { isSuccess: true, seen: 'nothing' }
          : await probeReadiness(replica.port, readiness.path, readiness.timeoutMs);
      if (!isRunning || pod.isTerminating || pod.isFrozen) return;
      pod.seen = seen;
      const before = state;
      state = toReadiness(before, isSuccess, readiness?.failureThreshold ?? 0);
      if (state.isReady !== before.isReady) tell(pod, state.isReady);
      if (readiness === null) return;
      await tasks.pause(readiness.periodMs);
    }
  }

  function tell(pod: Pod, isReady: boolean): void {
    pod.readyMs = isReady ? clock.nowMs() : null;
    emit({ kind: isReady ? 'ready' : 'unready', pod: pod.name });
    world.onReadiness(pod);
  }

  async function end(pod: Pod, graceMs: number, preStopMs: number): Promise<void> {
    const deadline = tasks.pause(graceMs);
    if (graceMs > 0) {
      await tasks.pause(preStopMs);
      if (pod.replica !== null) emit({ kind: 'sigterm', pod: pod.name });
      pod.replica?.signal('SIGTERM');
    }
    await Promise.race([deadline, pod.replica?.exited]);
    pod.replica?.destroy();
  }

  return {
    start: (pod) => tasks.run(run(pod)),
    terminate(pod, graceMs) {
      if (pod.isTerminating) return;
      pod.isTerminating = true;
      const preStopMs = Math.min(template.preStopMs, graceMs);
      emit({ kind: 'terminating', pod: pod.name, graceMs, preStopMs });
      tasks.run(end(pod, graceMs, preStopMs));
    },
  };
}

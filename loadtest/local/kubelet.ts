import type { Clock } from '../cli/clock.ts';
import type { ContainerExit, PodEvent } from '../proof/timeline.ts';
import type { Pod, PodTemplate } from './pod.ts';
import { type PreStopHook, runPreStop } from './pre-stop-hook.ts';
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
  /** Tells what is worth a line on the timeline. */
  mark(text: string): void;
  /** A pod has become ready or unready. */
  onReadiness(pod: Pod): void;
  /** Its process has ended. */
  onExited(pod: Pod, replica: Replica, exit: Pick<ContainerExit, 'code' | 'signal'>): Promise<void>;
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
    const replica = await startReplica(template.command, env, template);
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
    await tasks.pause(readiness?.initialDelayMs ?? 0);
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

  async function end(pod: Pod, graceMs: number): Promise<void> {
    const { preStop } = template;
    const deadline = tasks.pause(graceMs);
    if (graceMs > 0) {
      if (preStop.kind === 'sleep') await tasks.pause(Math.min(preStop.ms, graceMs));
      else if (pod.replica !== null) await runHook(preStop, pod.name, pod.replica, deadline);
      if (pod.replica !== null) emit({ kind: 'sigterm', pod: pod.name });
      pod.replica?.signal('SIGTERM');
    }
    await Promise.race([deadline, pod.replica?.exited]);
    pod.replica?.destroy();
  }

  /** Until it is over, its pod has exited, or the grace period has. */
  async function runHook(
    hook: PreStopHook,
    pod: string,
    replica: Replica,
    deadline: Promise<void>,
  ): Promise<void> {
    const cutOff = new AbortController();
    const isCutOff = Promise.race([deadline, replica.exited]).then(() => cutOff.abort());
    const failure = await Promise.race([runPreStop(hook, replica, cutOff.signal), isCutOff]);
    if (typeof failure === 'string' && !cutOff.signal.aborted)
      world.mark(`preStop of ${pod} failed: ${failure}`);
  }

  return {
    start: (pod) => tasks.run(run(pod)),
    terminate(pod, graceMs) {
      if (pod.isTerminating) return;
      pod.isTerminating = true;
      const { preStop } = template;
      const preStopMs = preStop.kind === 'sleep' ? Math.min(preStop.ms, graceMs) : null;
      emit({ kind: 'terminating', pod: pod.name, graceMs, preStopMs: graceMs === 0 ? 0 : preStopMs });
      tasks.run(end(pod, graceMs));
    },
  };
}

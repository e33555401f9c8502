import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';
import type { PodEvent } from '../proof/timeline.ts';
import { createBalancer } from './balancer.ts';
import { probeReadiness } from './readiness-probe.ts';
import { destroyOnExit, type Replica, startReplica } from './replica.ts';
import { toActions } from './rolling.ts';
import { createWaiters } from './waiters.ts';

/** The Deployment, the cluster and the network between them, scaled down to one machine. */
export interface FleetOptions {
  /** Run by `sh -c "exec COMMAND"`; it must listen on $PORT. */
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly minReadyMs: number;
  /** Null: no readiness probe, so that a pod is ready as soon as its process runs. */
  readonly readiness: {
    readonly path: string;
    readonly periodMs: number;
    /** Failures in a row that make a ready pod unready. */
    readonly failureThreshold: number;
  } | null;
  readonly preStopMs: number;
  /** From the deletion, preStop included, until SIGKILL. */
  readonly graceMs: number;
  /** How much later than the controller the balancer learns of endpoints. */
  readonly propagationMs: number;
  /** One way, between clients and pods. */
  readonly latencyMs: number;
  /** How long a silent node goes unnoticed. */
  readonly nodeGraceMs: number;
  /** How long it may take until one more pod is ready [60 s]. */
  readonly progressDeadlineMs?: number;
}

export interface Fleet {
  readonly url: string;
  /** Names of the pods that are not terminating, oldest first. */
  readonly pods: readonly string[];
  /** The pod that a client's connection from this port led to at that time. */
  podOf(clientPort: number, atMs: number): string | null;
  /** Replaces every pod by one of this version. */
  rollout(version: string): void;
  scale(replicas: number): void;
  /** Takes no new pods on the node and evicts those on it, one at a time, as a PDB with maxUnavailable 1 allows. */
  drain(node: string, signal: AbortSignal): Promise<void>;
  uncordon(node: string): void;
  /** With force: grace 0, killed at once. */
  kill(pod: string, options: { force: boolean }): void;
  /** The node's pods fall silent; the controller notices after `nodeGraceMs`. */
  powerOff(node: string): void;
  /**
   * Resolves when every wanted pod is available, none is terminating and the balancer knows it. Rejects with a
   * `Fault` where that will not come about.
   */
  settled(signal: AbortSignal): Promise<void>;
  /** Ends every process. */
  close(): Promise<void>;
}

/** Starting and failing this often in a row, a version will not come up. */
const MAX_CRASHES = 5;
const PROGRESS_DEADLINE_MS = 60_000;
const NODES = ['node-1', 'node-2'] as const;

interface Pod {
  readonly name: string;
  readonly revision: number;
  readonly version: string;
  readonly node: string;
  replica: Replica | null;
  readyMs: number | null;
  /** What its last probe saw, in words. */
  seen: string;
  isTerminating: boolean;
  isFrozen: boolean;
}

/**
 * Starts the fleet and waits until it is settled.
 * @throws {Fault} where the command does not come up
 */
export async function createFleet(
  options: FleetOptions,
  hooks: { nowMs(): number; onEvent(event: PodEvent): void; signal: AbortSignal },
): Promise<Fleet> {
  const balancer = await createBalancer({ ...options, nowMs: hooks.nowMs });
  const pods = new Set<Pod>();
  const cordoned = new Set<string>();
  const waiters = createWaiters();
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  let desired = { replicas: options.replicas, revision: 1, version: 'v1' };
  let serial = 0;
  let crashes = 0;
  let failure: Fault | null = null;
  let published = '';
  /** The most pods that were available since something was last done to the fleet; -1: none were counted yet. */
  let mostAvailable = -1;
  let stall: NodeJS.Timeout | undefined;

  const emit = (event: DistributiveOmit<PodEvent, 'atMs'>) =>
    hooks.onEvent({ ...event, atMs: hooks.nowMs() } as PodEvent);
  const isAvailable = (pod: Pod) =>
    pod.readyMs !== null && !pod.isTerminating && hooks.nowMs() - pod.readyMs >= options.minReadyMs;

  /** Whatever changed: act on it as the controller would, publish the endpoints, and wake who waits. */
  function reconcile(): void {
    if (closing.signal.aborted) return;
    while (act());
    publish();
    watchProgress();
    waiters.wakeAll();
  }

  /** One step. Each makes room for the next, since a pod that terminates does not count. */
  function act(): boolean {
    const actions = toActions(
      { ...options, ...desired },
      [...pods].map((pod) => ({ ...pod, isAvailable: isAvailable(pod) })),
    );
    for (const pod of [...pods].filter(({ name }) => actions.terminate.includes(name))) {
      terminate(pod, options.graceMs);
    }
    const started = failure === null ? actions.start : 0;
    for (let n = 0; n < started; n += 1) start();
    return actions.terminate.length + started > 0;
  }

  /** Gives up where the number of available pods does not grow in time, as a Deployment does. */
  function watchProgress(): void {
    const wanted = [...pods].filter((pod) => !pod.isTerminating && pod.revision === desired.revision);
    const available = wanted.filter(isAvailable).length;
    if (available <= mostAvailable && available < desired.replicas && stall !== undefined) return;
    clearTimeout(stall);
    stall = undefined;
    mostAvailable = available;
    if (available >= desired.replicas) return;
    const { progressDeadlineMs = PROGRESS_DEADLINE_MS, minReadyMs } = options;
    stall = setTimeout(() => {
      failure ??= toStall(progressDeadlineMs);
      waiters.wakeAll();
    }, progressDeadlineMs + minReadyMs);
  }

  function toStall(deadlineMs: number): Fault {
    const late = [...pods].find(
      (pod) => !pod.isTerminating && pod.revision === desired.revision && !isAvailable(pod),
    );
    const { readiness, minReadyMs } = options;
    const found =
      late?.readyMs != null
        ? `it is ready, and for less than ${formatDuration(minReadyMs)} at a time`
        : readiness === null
          ? 'it does not go on running'
          : `the last probe of ${readiness.path} saw ${late?.seen ?? 'nothing'}`;
    return toFailure(
      `does not get ready as ${desired.version} within ${formatDuration(deadlineMs)}: ${found}`,
      late?.replica?.log ?? [],
    );
  }

  function toFailure(what: string, log: readonly string[]): Fault {
    return new Fault([`the command ${JSON.stringify(options.command)} ${what}`, ...log].join('\n  '));
  }

  /** What was done to the fleet begins to count anew. */
  function beginProgress(): void {
    mostAvailable = -1;
  }

  function publish(): void {
    const endpoints = [...pods].flatMap(({ name, replica, readyMs, isTerminating }) =>
      replica !== null && readyMs !== null && !isTerminating ? [{ pod: name, port: replica.port }] : [],
    );
    const names = endpoints.map(({ pod }) => pod);
    const before = published.split(' ').filter((name) => name !== '');
    if (names.join(' ') === published) return;
    for (const pod of names) if (!before.includes(pod)) emit({ kind: 'endpoint-added', pod });
    for (const pod of before) if (!names.includes(pod)) emit({ kind: 'endpoint-removed', pod });
    published = names.join(' ');
    balancer.publish(endpoints);
  }

  function start(): void {
    serial += 1;
    const load = (node: string) => [...pods].filter((pod) => pod.node === node).length;
    const [node = NODES[0]] = NODES.filter((name) => !cordoned.has(name)).sort((a, b) => load(a) - load(b));
    const pod: Pod = {
      name: `pod-${serial}`,
      revision: desired.revision,
      version: desired.version,
      node,
      replica: null,
      readyMs: null,
      seen: 'nothing yet',
      isTerminating: false,
      isFrozen: false,
    };
    pods.add(pod);
    emit({
      kind: 'scheduled',
      pod: pod.name,
      version: pod.version,
      node,
      isProbed: options.readiness !== null,
    });
    track(run(pod));
  }

  async function run(pod: Pod): Promise<void> {
    const replica = await startReplica(options.command, {
      ...options.env,
      POD_NAME: pod.name,
      NODE_NAME: pod.node,
      APP_VERSION: pod.version,
    });
    pod.replica = replica;
    emit({ kind: 'started', pod: pod.name });
    // Terminated before it had a process to signal: nothing to wait for.
    if (closing.signal.aborted || pod.isTerminating) replica.destroy();
    track(probe(pod, replica));
    const exit = await replica.exited;
    emit({ kind: 'exited', pod: pod.name, ...exit });
    replica.destroy();
    if (!pod.isTerminating) crashes = pod.readyMs === null ? crashes + 1 : 0;
    emit({ kind: 'gone', pod: pod.name });
    pods.delete(pod);
    if (crashes >= MAX_CRASHES) {
      await replica.logged;
      failure ??= toFailure(
        `ends with ${exit.signal ?? `code ${exit.code}`} before it is ready`,
        replica.log,
      );
    }
    reconcile();
  }

  async function probe(pod: Pod, replica: Replica): Promise<void> {
    const { readiness, minReadyMs } = options;
    let isRunning = true;
    let failures = 0;
    void replica.exited.then(() => {
      isRunning = false;
    });
    while (isRunning && !pod.isTerminating && !closing.signal.aborted) {
      const { isSuccess, seen } =
        readiness === null
          ? { isSuccess: true, seen: 'nothing' }
          : await probeReadiness(replica.port, readiness.path);
      if (!isRunning || pod.isTerminating || pod.isFrozen) return;
      pod.seen = seen;
      failures = isSuccess ? 0 : failures + 1;
      const ready = isSuccess || (pod.readyMs !== null && failures < (readiness?.failureThreshold ?? 0));
      if (ready !== (pod.readyMs !== null)) {
        pod.readyMs = ready ? hooks.nowMs() : null;
        emit({ kind: ready ? 'ready' : 'unready', pod: pod.name });
        reconcile();
        if (ready) track(pause(minReadyMs + 1).then(reconcile));
      }
      if (readiness === null) return;
      await pause(readiness.periodMs);
    }
  }

  /** What the kubelet does with a pod that is deleted. */
  function terminate(pod: Pod, graceMs: number): void {
    if (pod.isTerminating) return;
    pod.isTerminating = true;
    beginProgress();
    const preStopMs = Math.min(options.preStopMs, graceMs);
    emit({ kind: 'terminating', pod: pod.name, graceMs, preStopMs });
    track(end(pod, graceMs, preStopMs));
  }

  async function end(pod: Pod, graceMs: number, preStopMs: number): Promise<void> {
    const deadline = sleep(graceMs, undefined, { signal: closing.signal }).catch(() => {});
    if (graceMs > 0) {
      await pause(preStopMs);
      if (pod.replica !== null) emit({ kind: 'sigterm', pod: pod.name });
      pod.replica?.signal('SIGTERM');
    }
    await Promise.race([deadline, pod.replica?.exited]);
    pod.replica?.destroy();
  }

  function pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: closing.signal }).catch(() => {});
  }

  /** Nothing of the fleet outlives `close`. */
  function track(work: Promise<void>): void {
    running.add(work);
    void work.finally(() => running.delete(work));
  }

  async function until(isTrue: () => boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (failure !== null) throw failure;
      if (isTrue()) return;
      await waiters.next(signal);
    }
  }

  function isSettled(): boolean {
    return (
      pods.size === desired.replicas &&
      [...pods].every((pod) => isAvailable(pod) && !pod.isFrozen && pod.revision === desired.revision)
    );
  }

  async function close(): Promise<void> {
    closing.abort();
    clearTimeout(stall);
    for (const { replica } of pods) replica?.destroy();
    while (running.size > 0) await Promise.all(running);
    await balancer.close();
    releaseExit();
  }

  function isOn(node: string): (pod: Pod) => boolean {
    return (pod) => pod.node === node && !pod.isTerminating;
  }

  const fleet: Fleet = {
    url: `http://127.0.0.1:${balancer.port}`,
    get pods() {
      return [...pods].filter((pod) => !pod.isTerminating).map(({ name }) => name);
    },
    podOf: balancer.podOf,
    rollout(version) {
      desired = { ...desired, revision: desired.revision + 1, version };
      beginProgress();
      reconcile();
    },
    scale(replicas) {
      desired = { ...desired, replicas };
      beginProgress();
      reconcile();
    },
    async drain(node, signal) {
      cordoned.add(node);
      for (;;) {
        const pod = [...pods].find(isOn(node));
        if (pod === undefined) return;
        await until(() => [...pods].filter(isAvailable).length >= desired.replicas, signal);
        terminate(pod, options.graceMs);
        reconcile();
      }
    },
    uncordon: (node) => void cordoned.delete(node),
    kill(name, { force }) {
      const pod = [...pods].find((candidate) => candidate.name === name);
      if (pod === undefined) throw new Fault(`there is no ${name}`);
      terminate(pod, force ? 0 : options.graceMs);
      reconcile();
    },
    powerOff(node) {
      cordoned.add(node);
      const lost = [...pods].filter(isOn(node));
      for (const pod of lost) {
        pod.isFrozen = true;
        pod.replica?.signal('SIGSTOP');
      }
      const notice = () => {
        for (const pod of lost) {
          emit({ kind: 'node-lost', pod: pod.name });
          terminate(pod, 0);
        }
        reconcile();
      };
      track(pause(options.nodeGraceMs).then(notice));
    },
    async settled(signal) {
      await until(isSettled, signal);
      await balancer.settled(signal);
    },
    close,
  };
  const releaseExit = destroyOnExit(() => [...pods].map(({ replica }) => replica));
  reconcile();
  try {
    await fleet.settled(hooks.signal);
  } catch (error) {
    await close();
    throw error;
  }
  return fleet;
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

import type { Clock } from '../cli/clock.ts';
import { formatDuration } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';
import type { ContainerExit, PodEvent } from '../proof/timeline.ts';
import { type Balancer, createBalancer } from './balancer.ts';
import { toChanges, toEndpoints } from './endpoints.ts';
import { createKubelet, type Happening, type Kubelet } from './kubelet.ts';
import type { Pod, PodTemplate } from './pod.ts';
import { destroyOnExit, type Replica } from './replica.ts';
import { toActions } from './rolling.ts';
import { createRolloutProgress, explainLateness, type RolloutProgress } from './rollout-progress.ts';
import { chooseNode } from './scheduler.ts';
import { createTasks, type Tasks } from './tasks.ts';
import { createWaiters } from './waiters.ts';

/** The Deployment, the cluster and the network between them, scaled down to one machine. */
export interface FleetOptions extends PodTemplate {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly minReadyMs: number;
  /** From the deletion until SIGKILL, preStop included. */
  readonly graceMs: number;
  /** How much later than the controller the balancer learns of removed endpoints. */
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
  /** Cordons the node and evicts its pods one at a time, as a PDB with maxUnavailable 1 allows. */
  drain(node: string, signal: AbortSignal): Promise<void>;
  uncordon(node: string): void;
  /** Deletes a pod; with force: grace period 0, killed at once. */
  kill(pod: string, options: { force: boolean }): void;
  /** The node's pods fall silent; the controller notices after `nodeGraceMs`. */
  powerOff(node: string): void;
  /**
   * Resolves when every wanted pod is available, none is terminating and the balancer knows it. Rejects with a
   * `Fault` where that will not happen.
   */
  settled(signal: AbortSignal): Promise<void>;
  /** Ends every process. */
  close(): Promise<void>;
}

/** A version that starts and fails this often in a row will not come up. */
const MAX_CRASHES = 5;
const PROGRESS_DEADLINE_MS = 60_000;
const NODES = ['node-1', 'node-2'] as const;

interface FleetWorld {
  readonly clock: Clock;
  onEvent(event: PodEvent): void;
  /** Told what is worth a line on the timeline and is no event. */
  onMark?(text: string): void;
}

/**
 * Starts the fleet and waits until it is settled, or the signal is aborted.
 * @throws {Fault} where the command does not come up
 */
export async function createFleet(
  options: FleetOptions,
  world: FleetWorld & { readonly signal: AbortSignal },
): Promise<Fleet> {
  const balancer = await createBalancer({ ...options, nowMs: world.clock.nowMs });
  const fleet = new LocalFleet(options, world, balancer);
  fleet.scale(options.replicas);
  try {
    await fleet.settled(world.signal);
  } catch (error) {
    await fleet.close();
    throw error;
  }
  return fleet;
}

/** The controllers: on every change they reconcile the current with the wanted state. */
class LocalFleet implements Fleet {
  readonly podOf: Fleet['podOf'];
  readonly #options: FleetOptions;
  readonly #world: FleetWorld;
  readonly #balancer: Balancer;
  readonly #tasks: Tasks;
  readonly #kubelet: Kubelet;
  readonly #progress: RolloutProgress;
  readonly #waiters = createWaiters();
  readonly #pods = new Set<Pod>();
  readonly #cordoned = new Set<string>();
  readonly #releaseExit = destroyOnExit(() => [...this.#pods].map(({ replica }) => replica));
  readonly #deadlineMs: number;
  #desired: { readonly replicas: number; readonly revision: number; readonly version: string };
  #serial = 0;
  /** Consecutive exits before a pod was ready. */
  #crashes = 0;
  #failure: Fault | null = null;
  /** The pods last published to the balancer. */
  #published: readonly string[] = [];

  constructor(options: FleetOptions, world: FleetWorld, balancer: Balancer) {
    const { clock } = world;
    this.#options = options;
    this.#world = world;
    this.#balancer = balancer;
    this.podOf = balancer.podOf;
    this.#desired = { replicas: options.replicas, revision: 1, version: 'v1' };
    this.#tasks = createTasks(clock);
    this.#deadlineMs = options.progressDeadlineMs ?? PROGRESS_DEADLINE_MS;
    this.#progress = createRolloutProgress(this.#deadlineMs + options.minReadyMs, clock, () => {
      this.#fail(this.#toStall());
      this.#waiters.wakeAll();
    });
    this.#kubelet = createKubelet(options, {
      clock,
      tasks: this.#tasks,
      emit: (happening) => this.#emit(happening),
      mark: (text) => world.onMark?.(text),
      onReadiness: (pod) => this.#onReadiness(pod),
      onExited: (pod, replica, exit) => this.#onExited(pod, replica, exit),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#balancer.port}`;
  }

  get pods(): readonly string[] {
    return [...this.#pods].filter((pod) => !pod.isTerminating).map(({ name }) => name);
  }

  rollout(version: string): void {
    this.#desired = { ...this.#desired, revision: this.#desired.revision + 1, version };
    this.#progress.begin();
    this.#reconcile();
  }

  scale(replicas: number): void {
    this.#desired = { ...this.#desired, replicas };
    this.#progress.begin();
    this.#reconcile();
  }

  async drain(node: string, signal: AbortSignal): Promise<void> {
    this.#cordoned.add(node);
    for (;;) {
      const [pod] = this.#podsOn(node);
      if (pod === undefined) return;
      await this.#until(() => this.#countAvailable([...this.#pods]) >= this.#desired.replicas, signal);
      this.#terminate(pod, this.#options.graceMs);
      this.#reconcile();
    }
  }

  uncordon(node: string): void {
    this.#cordoned.delete(node);
  }

  kill(name: string, { force }: { force: boolean }): void {
    const pod = [...this.#pods].find((candidate) => candidate.name === name);
    if (pod === undefined) throw new Fault(`there is no ${name}`);
    this.#terminate(pod, force ? 0 : this.#options.graceMs);
    this.#reconcile();
  }

  powerOff(node: string): void {
    this.#cordoned.add(node);
    const lost = this.#podsOn(node);
    for (const pod of lost) {
      pod.isFrozen = true;
      pod.replica?.signal('SIGSTOP');
    }
    this.#tasks.later(this.#options.nodeGraceMs, () => {
      for (const pod of lost) {
        this.#emit({ kind: 'node-lost', pod: pod.name });
        this.#terminate(pod, 0);
      }
      this.#reconcile();
    });
  }

  async settled(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#isSettled(), signal);
    await this.#balancer.settled(signal);
  }

  async close(): Promise<void> {
    this.#tasks.stop();
    this.#progress.close();
    for (const { replica } of this.#pods) replica?.destroy();
    await this.#tasks.ended();
    await this.#balancer.close();
    this.#releaseExit();
  }

  /** On any change: acts as the controller would, publishes the endpoints, and wakes the waiters. */
  #reconcile(): void {
    if (this.#tasks.isClosing) return;
    while (this.#act());
    this.#publish();
    this.#progress.see(this.#countAvailable(this.#wanted()), this.#desired.replicas);
    this.#waiters.wakeAll();
  }

  /** One step. Each makes room for the next, since a terminating pod does not count. */
  #act(): boolean {
    const pods = [...this.#pods];
    const actions = toActions(
      { ...this.#options, ...this.#desired },
      pods.map((pod) => ({ ...pod, isAvailable: this.#isAvailable(pod) })),
    );
    for (const pod of pods)
      if (actions.terminate.includes(pod.name)) this.#terminate(pod, this.#options.graceMs);
    const started = this.#failure === null ? actions.start : 0;
    for (let n = 0; n < started; n += 1) this.#start();
    return actions.terminate.length + started > 0;
  }

  #start(): void {
    this.#serial += 1;
    const { revision, version } = this.#desired;
    const name = `pod-${this.#serial}`;
    const node = chooseNode(
      NODES,
      this.#cordoned,
      [...this.#pods].map((pod) => pod.node),
    );
    const pod: Pod = {
      name,
      revision,
      version,
      node,
      replica: null,
      readyMs: null,
      seen: 'nothing yet',
      isTerminating: false,
      isFrozen: false,
    };
    this.#pods.add(pod);
    this.#emit({ kind: 'scheduled', pod: name, version, node, isProbed: this.#options.readiness !== null });
    this.#kubelet.start(pod);
  }

  #terminate(pod: Pod, graceMs: number): void {
    if (pod.isTerminating) return;
    this.#progress.begin();
    this.#kubelet.terminate(pod, graceMs);
  }

  #publish(): void {
    const endpoints = toEndpoints(this.#pods);
    const names = endpoints.map(({ pod }) => pod);
    const { added, removed } = toChanges(this.#published, names);
    if (added.length + removed.length === 0) return;
    for (const pod of added) this.#emit({ kind: 'endpoint-added', pod });
    for (const pod of removed) this.#emit({ kind: 'endpoint-removed', pod });
    this.#published = names;
    this.#balancer.publish(endpoints);
  }

  #onReadiness(pod: Pod): void {
    this.#reconcile();
    if (pod.readyMs !== null) this.#tasks.later(this.#options.minReadyMs + 1, () => this.#reconcile());
  }

  async #onExited(
    pod: Pod,
    replica: Replica,
    { code, signal }: Pick<ContainerExit, 'code' | 'signal'>,
  ): Promise<void> {
    if (!pod.isTerminating) this.#crashes = pod.readyMs === null ? this.#crashes + 1 : 0;
    this.#emit({ kind: 'gone', pod: pod.name });
    this.#pods.delete(pod);
    if (this.#crashes >= MAX_CRASHES) {
      await replica.logged;
      this.#fail(this.#toError(`exits with ${signal ?? `code ${code}`} before it is ready`, replica.log));
    }
    this.#reconcile();
  }

  #isAvailable({ readyMs, isTerminating }: Pod): boolean {
    return (
      readyMs !== null && !isTerminating && this.#world.clock.nowMs() - readyMs >= this.#options.minReadyMs
    );
  }

  #countAvailable(pods: readonly Pod[]): number {
    return pods.filter((pod) => this.#isAvailable(pod)).length;
  }

  /** The pods of the newest revision that are to stay. */
  #wanted(): readonly Pod[] {
    return [...this.#pods].filter((pod) => !pod.isTerminating && pod.revision === this.#desired.revision);
  }

  #podsOn(node: string): readonly Pod[] {
    return [...this.#pods].filter((pod) => pod.node === node && !pod.isTerminating);
  }

  #isSettled(): boolean {
    const { replicas, revision } = this.#desired;
    return (
      this.#pods.size === replicas &&
      [...this.#pods].every((pod) => this.#isAvailable(pod) && !pod.isFrozen && pod.revision === revision)
    );
  }

  async #until(isTrue: () => boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#failure !== null) throw this.#failure;
      if (isTrue()) return;
      await this.#waiters.next(signal);
    }
  }

  /** Only the first failure counts. */
  #fail(error: Fault): void {
    this.#failure ??= error;
  }

  #toStall(): Fault {
    const late = this.#wanted().find((pod) => !this.#isAvailable(pod));
    const { readiness, minReadyMs } = this.#options;
    const within = formatDuration(this.#deadlineMs);
    return this.#toError(
      `does not become ready as ${this.#desired.version} within ${within}: ${explainLateness(late, readiness, minReadyMs)}`,
      late?.replica?.log ?? [],
    );
  }

  #toError(what: string, log: readonly string[]): Fault {
    return new Fault([`the command ${JSON.stringify(this.#options.command)} ${what}`, ...log].join('\n  '));
  }

  #emit(happening: Happening): void {
    this.#world.onEvent({ ...happening, atMs: this.#world.clock.nowMs() } as PodEvent);
  }
}

import { SURGE_ADVICE } from '../proof/manifest-change.ts';
import type { Disruption } from '../proof/scene.ts';
import { findCondition, isReady, isTerminating } from './conditions.ts';
import { toContainers } from './container.ts';
import type { Field } from './field.ts';
import type { Json } from './json.ts';
import { nameOf } from './object.ts';

/** A workload as far as a proof reads it. */
interface WorkloadState {
  /** Pods wanted. */
  readonly replicas: number;
  /** Why it is not at rest; null: it is. */
  readonly unrest: string | null;
  /** It will not come to rest by itself. */
  readonly isStuck: boolean;
}

/** What is to be done to a workload: a disruption, or `template`, a change of its pod template. */
type Change = Disruption | 'template';

/** All that differs between the kinds of workloads that can be proven. */
interface WorkloadType {
  readonly group: 'apps' | 'argoproj.io';
  readonly version: 'v1' | 'v1alpha1';
  /** By the name of the API, plural. */
  readonly resource: string;
  /** What kubectl takes for it, the shortest first. */
  readonly words: readonly [string, ...string[]];
  /** Are its pods owned by ReplicaSets, and these by it? */
  readonly hasReplicaSets: boolean;
  /** The label in which old and new pods of a rollout differ. */
  readonly versionLabel: string;
  /** Where the number of pods wanted stands. */
  readonly wanted: readonly [string, string];
  readonly toState: (workload: Field) => WorkloadState;
  /** How a rollout replaces its pods, for the documents. */
  readonly replacement: string;
  /** Why the change cannot be made, whatever is at rest, and what can be done instead; null: it can. */
  readonly toRefusal: (change: Change, workload: Field) => string | null;
  readonly toSurge: (workload: Field) => Surge;
}

/** How a workload gets new pods before its old ones go. */
interface Surge {
  /** Fields of its spec that bring it about; null: it cannot be, or is so already. */
  readonly spec: Json | null;
  /** What to do for more pods in a rollout, in one sentence. */
  readonly advice: string;
}

/** The registry of kinds: paths, permissions, rest, owners, and what cannot be done to them. */
export const WORKLOADS = {
  Deployment: {
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    words: ['deploy', 'deployment', 'deployments'],
    hasReplicaSets: true,
    versionLabel: 'pod-template-hash',
    wanted: ['spec', 'replicas'],
    replacement: 'by its strategy',
    toState: toDeploymentState,
    toRefusal: () => null,
    toSurge: (workload) => toSurge(workload.get('spec', 'strategy', 'rollingUpdate'), { strategy: SURGING }),
  },
  StatefulSet: {
    group: 'apps',
    version: 'v1',
    resource: 'statefulsets',
    words: ['sts', 'statefulset', 'statefulsets'],
    hasReplicaSets: false,
    versionLabel: 'controller-revision-hash',
    wanted: ['spec', 'replicas'],
    replacement:
      'one at a time from the highest ordinal down to its partition; each pod comes back under its name, and is called `web-0 (2)` the second time',
    toState: toStatefulSetState,
    toRefusal: (change, workload) => {
      if (!isTemplateChange(change)) return null;
      if (isOnDelete(workload)) return ON_DELETE;
      return countUpdated(workload) > 0
        ? null
        : `its partition ${toPartition(workload)} lets no pod be updated: lower spec.updateStrategy.rollingUpdate.partition`;
    },
    toSurge: () => ({
      spec: null,
      advice:
        'A StatefulSet ends each pod before its successor starts: add replicas, so that the others carry the load.',
    }),
  },
  DaemonSet: {
    group: 'apps',
    version: 'v1',
    resource: 'daemonsets',
    words: ['ds', 'daemonset', 'daemonsets'],
    hasReplicaSets: false,
    versionLabel: 'controller-revision-hash',
    wanted: ['status', 'desiredNumberScheduled'],
    replacement: 'node by node; with `maxSurge`, the new pod comes first',
    toState: toDaemonSetState,
    toRefusal: (change, workload) => {
      if (change === 'scale') return 'it has one pod for each node, and no number of replicas to change';
      if (change === 'drain') {
        return 'a drain leaves its pods where they are, as kubectl drain --ignore-daemonsets does: prove rollout or kill';
      }
      return isTemplateChange(change) && isOnDelete(workload) ? ON_DELETE : null;
    },
    toSurge: (workload) =>
      toContainers(workload.get('spec', 'template', 'spec')).some(hasHostPort)
        ? {
            spec: null,
            advice:
              'Two pods of a DaemonSet cannot share a hostPort: serve without one, and set maxUnavailable to 0 and maxSurge to 1.',
          }
        : toSurge(workload.get('spec', 'updateStrategy', 'rollingUpdate'), { updateStrategy: SURGING }),
  },
  Rollout: {
    group: 'argoproj.io',
    version: 'v1alpha1',
    resource: 'rollouts',
    words: ['rollout', 'rollouts', 'ro'],
    hasReplicaSets: true,
    versionLabel: 'rollouts-pod-template-hash',
    wanted: ['spec', 'replicas'],
    replacement:
      'by its steps (canary), or by the switch of its active Service (blueGreen); not by `spec.restartAt`, which evicts pods beside the strategy',
    toState: toRolloutState,
    toRefusal: toRolloutRefusal,
    toSurge: (workload) => {
      const { canary, blueGreen } = toStrategy(workload);
      return blueGreen.exists
        ? {
            spec: null,
            advice: 'A blueGreen Rollout has all new pods before it switches to them: add replicas.',
          }
        : toSurge(canary, { strategy: { canary: SURGING.rollingUpdate } });
    },
  },
} as const satisfies Record<string, WorkloadType>;

export type WorkloadKind = keyof typeof WORKLOADS;

/** A workload of a namespace. */
export interface WorkloadName {
  readonly kind: WorkloadKind;
  readonly name: string;
}

/** The path at the API server of all workloads of that kind in a namespace. */
export function toCollectionPath(kind: WorkloadKind, namespace: string): string {
  const { group, version, resource } = WORKLOADS[kind];
  return `/apis/${group}/${version}/namespaces/${namespace}/${resource}`;
}

/**
 * Does a rollout replace this pod? All but those of a StatefulSet whose ordinals are below its partition.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions
 */
export function isReplacedByRollout({ kind }: WorkloadName, workload: Field, pod: string): boolean {
  if (kind !== 'StatefulSet') return true;
  const ordinal = /-(\d+)$/.exec(pod)?.[1];
  return ordinal === undefined || Number(ordinal) >= toPartition(workload);
}

/**
 * Pods that hold a change back for ever. A StatefulSet waits until each of its pods is ready before it replaces one, even
 * one of a template that never will be: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
 */
export function findObstacles(name: WorkloadName, workload: Field, pods: readonly Field[]): readonly Field[] {
  const { isObserved } = toCounted(workload, 0);
  if (name.kind !== 'StatefulSet' || !isObserved || isOnDelete(workload)) return [];
  const newest = workload.get('status', 'updateRevision').text();
  const { versionLabel } = WORKLOADS.StatefulSet;
  return pods.filter(
    (pod) =>
      !isReady(pod) &&
      !isTerminating(pod) &&
      pod.get('metadata', 'labels', versionLabel).text() !== newest &&
      isReplacedByRollout(name, workload, nameOf(pod)),
  );
}

const SURGING = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

/** @param limits that the strategy has now */
function toSurge(limits: Field, spec: Json): Surge {
  // The API server takes no two limits of 0.
  const isSurging = /^0+%?$/.test(String(limits.get('maxUnavailable').scalar() ?? ''));
  return isSurging
    ? { spec: null, advice: 'Each new pod comes before an old one goes already: add replicas.' }
    : { spec, advice: SURGE_ADVICE };
}

function hasHostPort(container: Field): boolean {
  const ports = container.get('ports').items();
  return ports.some((port) => port.get('hostPort').exists);
}

const ON_DELETE =
  'its updateStrategy is OnDelete, so that a changed template replaces no pod: set RollingUpdate, or prove kill';

function isTemplateChange(change: Change): boolean {
  return change === 'template' || change === 'rollout';
}

function isOnDelete(workload: Field): boolean {
  return workload.get('spec', 'updateStrategy', 'type').text() === 'OnDelete';
}

function toPartition(workload: Field): number {
  return workload.get('spec', 'updateStrategy', 'rollingUpdate', 'partition').number() ?? 0;
}

/** How many pods of a StatefulSet are at or above its partition. Ordinals need not start at 0. */
function countUpdated(workload: Field): number {
  const start = workload.get('spec', 'ordinals', 'start').number() ?? 0;
  const end = start + (workload.get('spec', 'replicas').number() ?? 1);
  return Math.max(0, end - Math.max(start, toPartition(workload)));
}

interface Counted {
  readonly replicas: number;
  readonly isObserved: boolean;
  /** Each count of the status that is not as it should be. */
  faultsOf(wanted: Readonly<Record<string, number>>): readonly string[];
}

function toCounted(workload: Field, replicas: number): Counted {
  const status = workload.get('status');
  const generation = workload.get('metadata', 'generation').number() ?? 0;
  // A Rollout's is a text.
  const isObserved = Number(status.get('observedGeneration').scalar() ?? 0) >= generation;
  return {
    replicas,
    isObserved,
    faultsOf: (wanted) => [
      ...(isObserved ? [] : ['its controller has not seen the last change']),
      ...Object.entries(wanted).flatMap(([name, number]) => {
        const counted = status.get(name).number() ?? 0;
        return counted === number ? [] : [`${counted} ${name} of ${number} wanted`];
      }),
    ],
  };
}

function toState(replicas: number, faults: readonly string[], isStuck = false): WorkloadState {
  return { replicas, unrest: faults.length === 0 ? null : faults.join(', '), isStuck };
}

/** At rest is: the newest template observed, and every replica of it updated, available and alone. */
function toDeploymentState(deployment: Field): WorkloadState {
  const replicas = toReplicas(deployment);
  const { isObserved, faultsOf } = toCounted(deployment, replicas);
  const isPaused = deployment.get('spec', 'paused').isTrue();
  const progress = findCondition(deployment, 'Progressing');
  // Of an older template it says nothing.
  const isHeldUp = isObserved && progress?.get('status').text() === 'False';
  const isTooLate = isHeldUp && progress?.get('reason').text() === 'ProgressDeadlineExceeded';
  const faults = [
    ...(isPaused ? [PAUSED] : []),
    ...faultsOf({ updatedReplicas: replicas, availableReplicas: replicas, replicas }),
    ...(isHeldUp ? [progress?.get('message').text() ?? 'it makes no progress'] : []),
  ];
  return toState(replicas, faults, isPaused || isTooLate);
}

/** With a partition, the pods below it may be of an older template, or not. */
function toStatefulSetState(statefulSet: Field): WorkloadState {
  const replicas = toReplicas(statefulSet);
  const { faultsOf } = toCounted(statefulSet, replicas);
  const updated = statefulSet.get('status', 'updatedReplicas').number() ?? 0;
  const least = isOnDelete(statefulSet) ? 0 : countUpdated(statefulSet);
  return toState(replicas, [
    ...faultsOf({ availableReplicas: replicas, replicas }),
    ...(updated >= least ? [] : [`${updated} updatedReplicas of ${least} wanted`]),
  ]);
}

function toDaemonSetState(daemonSet: Field): WorkloadState {
  const replicas = daemonSet.get('status', 'desiredNumberScheduled').number() ?? 0;
  const { faultsOf } = toCounted(daemonSet, replicas);
  return toState(
    replicas,
    faultsOf({
      ...(isOnDelete(daemonSet) ? {} : { updatedNumberScheduled: replicas }),
      currentNumberScheduled: replicas,
      numberAvailable: replicas,
    }),
  );
}

/**
 * Its controller sums it up as a phase: https://argo-rollouts.readthedocs.io/en/stable/features/specification/
 * A step that pauses for a time is such a phase, too, and passes.
 */
function toRolloutState(rollout: Field): WorkloadState {
  const replicas = toReplicas(rollout);
  const { isObserved, faultsOf } = toCounted(rollout, replicas);
  const isPaused = rollout.get('spec', 'paused').isTrue();
  const phase = rollout.get('status', 'phase').text() ?? 'of no phase yet';
  const message = rollout.get('status', 'message').text() ?? '';
  // Of an older template they say nothing.
  const isDegraded = isObserved && phase === 'Degraded';
  const isUndecided = isObserved && phase === 'Paused' && message === 'InconclusiveAnalysisRun';
  const faults = [
    ...(isPaused ? [PAUSED] : []),
    ...(phase === 'Healthy' || isPaused ? [] : [`it is ${phase}${message === '' ? '' : ` (${message})`}`]),
    ...faultsOf({ availableReplicas: replicas, replicas }),
  ];
  return toState(replicas, faults, isPaused || isDegraded || isUndecided);
}

function toRolloutRefusal(change: Change, rollout: Field): string | null {
  const reference = rollout.get('spec', 'workloadRef');
  if (reference.exists) {
    return `its pod template is that of ${reference.get('kind').text()} ${reference.get('name').text()} (spec.workloadRef), which cannot be read or changed through it`;
  }
  if (!isTemplateChange(change)) return null;
  const { canary, blueGreen } = toStrategy(rollout);
  const steps = canary.get('steps').items();
  const endless = steps.findIndex(
    (step) => step.get('pause').exists && !step.get('pause', 'duration').exists,
  );
  if (endless >= 0) {
    return `its canary pauses at step ${endless + 1} until somebody promotes it: give that pause a duration, or promote it by prove run --do`;
  }
  const isPromoted =
    !blueGreen.get('autoPromotionEnabled').isFalse() ||
    (blueGreen.get('autoPromotionSeconds').number() ?? 0) > 0;
  return isPromoted
    ? null
    : 'it waits until somebody promotes it: set autoPromotionEnabled or autoPromotionSeconds, or promote it by prove run --do';
}

function toStrategy(rollout: Field) {
  const strategy = rollout.get('spec', 'strategy');
  return { canary: strategy.get('canary'), blueGreen: strategy.get('blueGreen') };
}

const PAUSED = 'it is paused';

function toReplicas(workload: Field): number {
  return workload.get('spec', 'replicas').number() ?? 1;
}

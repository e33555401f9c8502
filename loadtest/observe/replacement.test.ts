import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodEvent, ProbeFailure } from '../proof/timeline.ts';
import { toReplaced, type WorkloadChange } from './replacement.ts';

const FROM_MS = 1_000;

type Step = PodEvent extends infer E ? (E extends PodEvent ? Omit<E, 'pod' | 'atMs'> : never) : never;

const there = (pod: string, version = 'v1', node = 'n1'): PodEvent[] => [
  { atMs: 0, pod, kind: 'scheduled', version, node, isProbed: true },
  { atMs: 1, pod, kind: 'ready' },
  { atMs: 2, pod, kind: 'endpoint-added' },
];
const at = (atMs: number, pod: string, step: Step): PodEvent => ({ atMs, pod, ...step });
const added = (atMs: number, pod: string, version = 'v1') =>
  at(atMs, pod, { kind: 'scheduled', version, node: 'n1', isProbed: true });
const removed = (atMs: number, pod: string, graceMs = 30_000) =>
  at(atMs, pod, { kind: 'terminating', graceMs, preStopMs: 0 });
const disrupted = (atMs: number, pod: string, reason: string) => at(atMs, pod, { kind: 'disrupted', reason });
const failed = (atMs: number, pod: string, failure: Partial<ProbeFailure> = {}) =>
  at(atMs, pod, { kind: 'probe-failed', probe: 'liveness', isKill: false, ...failure });
const exited = (atMs: number, pod: string, code: number, isOomKilled = false) =>
  at(atMs, pod, { kind: 'exited', code, signal: null, isOomKilled });
const replicas = (atMs: number, from: number, to: number, by: string | null): WorkloadChange => ({
  atMs,
  kind: 'replicas',
  from,
  to,
  by,
});
const template = (atMs: number, what: string, by: string | null): WorkloadChange => ({
  atMs,
  kind: 'template',
  what,
  by,
});

interface Case {
  readonly what: string;
  readonly events: readonly PodEvent[];
  readonly changes?: readonly WorkloadChange[];
  /** Reason, text, pods. */
  readonly expected: readonly (readonly [string, string, string])[];
}

const CASES: readonly Case[] = [
  {
    what: 'nothing',
    events: there('a'),
    expected: [],
  },
  {
    what: 'a restart that surges',
    events: [
      ...there('a'),
      ...there('b'),
      added(1_100, 'c', 'v2'),
      removed(1_200, 'a'),
      at(1_300, 'a', { kind: 'gone' }),
      added(1_400, 'd', 'v2'),
      removed(1_500, 'b'),
    ],
    changes: [template(900, 'restart', 'kubectl-rollout')],
    expected: [['rollout', 'rollout to revision 2 (restart) by kubectl-rollout', 'c a d b']],
  },
  {
    what: 'a rollout that takes a pod away first, of a revision without a number',
    events: [...there('a'), removed(1_100, 'a'), added(1_200, 'b', 'v3')],
    changes: [template(1_000, 'image web:1 to web:2', null)],
    expected: [['rollout', 'rollout to v3 (image web:1 to web:2)', 'a b']],
  },
  {
    what: 'an undo before the first pod was replaced',
    events: [...there('a'), added(1_100, 'b', 'v2'), removed(1_500, 'b')],
    expected: [['rollout', 'rollout to revision 2', 'b']],
  },
  {
    what: 'replicas added by kubectl',
    events: [...there('a'), added(1_100, 'b'), added(1_100, 'c')],
    changes: [replicas(1_050, 1, 3, 'kubectl')],
    expected: [['scale-up', 'scale from 1 to 3 by kubectl', 'b c']],
  },
  {
    what: 'replicas removed by an HPA, in two steps',
    events: [...there('a'), ...there('b'), ...there('c'), removed(1_100, 'b'), removed(1_900, 'c')],
    changes: [replicas(1_050, 3, 2, 'HPA web'), replicas(1_800, 2, 1, 'HPA web')],
    expected: [['scale-down', 'scale from 3 to 1 by HPA web', 'b c']],
  },
  {
    what: 'replicas added by kubectl, and taken back by an HPA',
    events: [...there('a'), added(1_100, 'b'), removed(9_000, 'b')],
    changes: [replicas(1_050, 1, 2, 'kubectl'), replicas(8_900, 2, 1, 'HPA web')],
    expected: [
      ['scale-up', 'scale from 1 to 2 by kubectl', 'b'],
      ['scale-down', 'scale from 2 to 1 by HPA web', 'b'],
    ],
  },
  {
    what: 'more pods deleted than the scale asks for',
    events: [...there('a'), ...there('b'), removed(1_100, 'a'), removed(1_200, 'b'), added(1_300, 'c')],
    changes: [replicas(1_050, 2, 1, 'kubectl')],
    expected: [
      ['scale-down', 'scale from 2 to 1 by kubectl', 'a'],
      ['deletion', 'deletion', 'b'],
    ],
  },
  {
    what: 'a scale long before',
    events: [...there('a'), removed(20_000, 'a'), added(20_100, 'b')],
    changes: [replicas(-9_001, 2, 1, 'kubectl')],
    expected: [['deletion', 'deletion', 'a']],
  },
  {
    what: 'an eviction',
    events: [
      ...there('a'),
      disrupted(1_050, 'a', 'EvictionByEvictionAPI'),
      removed(1_100, 'a'),
      added(1_200, 'b'),
    ],
    expected: [['eviction', 'eviction, as by a drain', 'a']],
  },
  {
    what: 'a taint on a node that lives',
    events: [...there('a'), disrupted(1_050, 'a', 'DeletionByTaintManager'), removed(1_100, 'a')],
    expected: [['eviction', 'eviction by a taint', 'a']],
  },
  {
    what: 'an eviction by the kubelet, whose pod stays as an object until somebody deletes it',
    events: [
      ...there('a'),
      disrupted(1_050, 'a', 'TerminationByKubelet'),
      exited(1_100, 'a', 137),
      at(1_100, 'a', { kind: 'gone' }),
      added(1_200, 'b'),
      at(9_000, 'a', { kind: 'gone' }),
    ],
    expected: [['eviction', 'eviction by the kubelet', 'a']],
  },
  {
    what: 'a disruption of a kind that is not known here',
    events: [...there('a'), disrupted(1_050, 'a', 'Whim'), removed(1_100, 'a')],
    expected: [['eviction', 'disruption Whim', 'a']],
  },
  {
    what: 'a preemption',
    events: [...there('a'), disrupted(1_050, 'a', 'PreemptionByScheduler'), removed(1_100, 'a')],
    expected: [['preemption', 'preemption by a pod of higher priority', 'a']],
  },
  {
    what: 'a deletion',
    events: [...there('a'), removed(1_100, 'a'), added(1_200, 'b')],
    expected: [['deletion', 'deletion', 'a']],
  },
  {
    what: 'a deletion by force that is told in one step',
    events: [...there('a'), at(1_100, 'a', { kind: 'gone' }), added(1_200, 'b')],
    expected: [['deletion', 'deletion without a grace period', 'a']],
  },
  {
    what: 'a deletion by force that is told in two',
    events: [...there('a'), removed(1_100, 'a', 0), at(1_101, 'a', { kind: 'gone' }), added(1_200, 'b')],
    expected: [['deletion', 'deletion without a grace period', 'a']],
  },
  {
    what: 'a crash',
    events: [...there('a'), at(1_099, 'a', { kind: 'unready' }), exited(1_100, 'a', 3)],
    expected: [['crash', 'crash with exit code 3', 'a']],
  },
  {
    what: 'the kernel',
    events: [...there('a'), exited(1_100, 'a', 137, true)],
    expected: [['out-of-memory', 'out of memory', 'a']],
  },
  {
    what: 'a liveness probe, up to a minute before',
    events: [...there('a'), failed(1_100, 'a'), exited(61_100, 'a', 137)],
    expected: [['liveness-probe', 'liveness probe failed', 'a']],
  },
  {
    what: 'a liveness probe that failed long before a crash',
    events: [...there('a'), failed(1_100, 'a'), exited(61_101, 'a', 1)],
    expected: [['crash', 'crash with exit code 1', 'a']],
  },
  {
    what: 'a kill for a probe, however long the grace period, and a crash soon after it',
    events: [
      ...there('a'),
      failed(1_100, 'a', { probe: 'startup', isKill: true }),
      // Told late.
      failed(1_101, 'a'),
      exited(301_100, 'a', 0),
      exited(301_400, 'a', 1),
    ],
    expected: [
      ['liveness-probe', 'startup probe failed', 'a'],
      ['crash', 'crash with exit code 1', 'a'],
    ],
  },
  {
    what: 'an exit that a node tells once it is back',
    events: [
      ...there('a', 'v1', 'n2'),
      at(1_100, 'a', { kind: 'node-lost' }),
      exited(90_000, 'a', 255),
      at(90_000, 'a', { kind: 'ready' }),
      exited(99_000, 'a', 3),
    ],
    expected: [
      ['node-lost', 'node n2 lost', 'a'],
      ['crash', 'crash with exit code 3', 'a'],
    ],
  },
  {
    what: 'an exit that was asked for',
    events: [...there('a'), removed(1_100, 'a'), exited(2_000, 'a', 0), at(2_001, 'a', { kind: 'gone' })],
    expected: [['deletion', 'deletion', 'a']],
  },
  {
    what: 'a lost node',
    events: [...there('a', 'v1', 'n2'), ...there('b'), at(1_100, 'a', { kind: 'node-lost' })],
    expected: [['node-lost', 'node n2 lost', 'a']],
  },
  {
    what: 'the pods of a lost node, taken away minutes later',
    events: [
      ...there('a', 'v1', 'n2'),
      at(500, 'a', { kind: 'node-lost' }),
      disrupted(1_050, 'a', 'DeletionByTaintManager'),
      removed(1_100, 'a'),
      added(1_200, 'b'),
    ],
    expected: [['node-lost', 'node n2 lost', 'a']],
  },
  {
    what: 'a pod that was there only once the node was removed',
    events: [...there('a'), disrupted(1_050, 'a', 'DeletionByPodGC'), at(1_100, 'a', { kind: 'gone' })],
    expected: [['node-lost', 'the node is no longer there', 'a']],
  },
  {
    what: 'several reasons at once, in the order of the times',
    events: [
      ...there('a'),
      ...there('b'),
      ...there('c'),
      exited(1_100, 'c', 1),
      disrupted(1_150, 'b', 'EvictionByEvictionAPI'),
      removed(1_200, 'b'),
      removed(1_300, 'a'),
      added(1_400, 'd', 'v2'),
    ],
    expected: [
      ['crash', 'crash with exit code 1', 'c'],
      ['eviction', 'eviction, as by a drain', 'b'],
      ['rollout', 'rollout to revision 2', 'a d'],
    ],
  },
  {
    what: 'a pod that nobody is known to have asked for',
    events: [...there('a'), added(1_100, 'b')],
    expected: [['unknown', 'pods were added', 'b']],
  },
];

describe('toReplaced()', () => {
  for (const { what, events, changes = [], expected } of CASES) {
    test(what, () => {
      const replaced = toReplaced({
        events,
        fromMs: FROM_MS,
        changes,
        revisionOf: (version) => (version === 'v2' ? '2' : null),
      });
      assert.deepEqual(
        replaced.map(({ reason, text, pods }) => [reason, text, pods.join(' ')]),
        expected,
      );
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from '../kube/field.ts';
import { toRunnerState } from './runner-state.ts';

const pod = (status: object) => new Field({ metadata: { name: 'p' }, status });
const container = (state: object) => pod({ containerStatuses: [{ name: 'dropless', state }] });
const waiting = (reason: string) => container({ waiting: { reason, message: 'why' } });
const unscheduled = pod({
  conditions: [{ type: 'PodScheduled', status: 'False', message: '0/2 nodes are available' }],
});

describe('toRunnerState()', () => {
  for (const [what, given, refusals, waitedMs, expected] of [
    ['no pod yet', null, [], 0, { kind: 'waiting', why: 'its pod is not made yet' }],
    ['a quota', null, ['exceeded quota: q'], 0, { kind: 'stuck', why: 'exceeded quota: q' }],
    ['a pod without a status', pod({}), [], 0, { kind: 'waiting', why: 'its pod is not started yet' }],
    [
      'an image being pulled',
      waiting('ContainerCreating'),
      [],
      0,
      { kind: 'waiting', why: 'ContainerCreating: why' },
    ],
    ['a first failed pull', waiting('ErrImagePull'), [], 0, { kind: 'waiting', why: 'ErrImagePull: why' }],
    ['no such image', waiting('ImagePullBackOff'), [], 0, { kind: 'stuck', why: 'ImagePullBackOff: why' }],
    [
      'no room',
      unscheduled,
      [],
      60_000,
      { kind: 'waiting', why: 'no node has room: 0/2 nodes are available' },
    ],
    [
      'no room for a minute',
      unscheduled,
      [],
      60_001,
      { kind: 'stuck', why: 'no node has room: 0/2 nodes are available' },
    ],
    ['a running container', container({ running: {} }), [], 0, { kind: 'running', pod: 'p' }],
    [
      'one that was killed',
      container({ terminated: { reason: 'OOMKilled', exitCode: 137 } }),
      [],
      0,
      { kind: 'ended', pod: 'p', why: 'OOMKilled, exit code 137' },
    ],
    [
      'an evicted pod',
      pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory' }),
      [],
      0,
      { kind: 'ended', pod: 'p', why: 'The node was low on memory' },
    ],
  ] as const) {
    test(what, () => {
      assert.deepEqual(toRunnerState(given, refusals, waitedMs), expected);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findCondition } from '../kube/conditions.ts';
import { Field } from '../kube/field.ts';
import { isDown, toRunnerState, toUnheardStep } from './runner-state.ts';

const pod = (status: object) => new Field({ metadata: { name: 'p' }, status });
const container = (state: object) => pod({ containerStatuses: [{ name: 'dropless', state }] });
const waiting = (reason: string) => container({ waiting: { reason, message: 'why' } });
const running = (ready: string, phase = 'Running') =>
  new Field({
    metadata: { name: 'p' },
    spec: { nodeName: 'n' },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready }],
      containerStatuses: [{ name: 'dropless', state: { running: {} } }],
    },
  });
const node = (ready: string) => new Field({ status: { conditions: [{ type: 'Ready', status: ready }] } });
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
    ['one that is ready', running('True'), [], 0, { kind: 'running', pod: 'p' }],
    ['one on a node that is not heard', running('False'), [], 0, { kind: 'unheard', pod: 'p', node: 'n' }],
    ['one whose pod is Unknown', running('True', 'Unknown'), [], 0, { kind: 'unheard', pod: 'p', node: 'n' }],
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

describe('toUnheardStep()', () => {
  for (const [unheardMs, of, expected] of [
    [0, node('Unknown'), 'wait'],
    [60_000, node('Unknown'), 'wait'],
    [60_001, node('Unknown'), 'ask it to end'],
    [120_000, node('False'), 'ask it to end'],
    [120_001, node('Unknown'), 'give up'],
    [60_001, null, 'ask it to end'],
    [120_001, null, 'give up'],
    [999_999, node('True'), 'wait'],
  ] as const) {
    const ready =
      of === null ? 'may not be read' : `is ready: ${findCondition(of, 'Ready')?.get('status').text()}`;
    test(`after ${unheardMs} ms, its node ${ready}: ${expected}`, () => {
      assert.equal(toUnheardStep(unheardMs, of), expected);
    });
  }
});

describe('isDown()', () => {
  for (const [of, expected] of [
    [node('True'), false],
    [node('False'), true],
    [node('Unknown'), true],
    [null, false],
  ] as const) {
    test(`${JSON.stringify(of)}: ${expected}`, () => assert.equal(isDown(of), expected));
  }
});

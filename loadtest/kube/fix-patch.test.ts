import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { NO_CHANGE } from '../proof/manifest-change.ts';
import { toFixPatch } from './fix-patch.ts';
import type { Json } from './json.ts';
import type { WorkloadKind } from './workload-kind.ts';

const toDeployment = (preStop?: Json): Json => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    template: {
      spec: {
        containers: [
          { name: 'proxy' },
          { name: 'app', ...(preStop === undefined ? {} : { lifecycle: { preStop } }) },
        ],
      },
    },
  },
});
const toTarget = (preStop?: Json, kind: WorkloadKind = 'Deployment') => ({
  kind,
  name: 'web',
  original: toDeployment(preStop),
});
const change = { preStopMs: 12_000, graceMs: 45_000, isSurged: true };

describe('toFixPatch()', () => {
  for (const [what, preStop] of [
    ['no hook', undefined],
    ['a sleep', { sleep: { seconds: 5 } }],
    ['a command that only waits', { exec: { command: ['sh', '-c', 'sleep 5'] } }],
  ] as const) {
    test(`sets all that is to change, over ${what}`, () => {
      assert.deepEqual(parse(toFixPatch(toTarget(preStop), 'app', change)), {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: {
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          template: {
            spec: {
              terminationGracePeriodSeconds: 45,
              containers: [
                {
                  name: 'app',
                  lifecycle: {
                    preStop: { exec: null, httpGet: null, tcpSocket: null, sleep: { seconds: 12 } },
                  },
                },
              ],
            },
          },
        },
      });
    });
  }

  for (const command of [['sh', '-c', 'sleep 5 && nginx -s quit'], ['/drain.sh']]) {
    test(`leaves a hook alone that does more than wait: ${command.join(' ')}`, () => {
      const text = toFixPatch(toTarget({ exec: { command } }), 'app', change);
      assert.match(
        text,
        /^# The preStop hook of container app does more than wait: make it 12 s long yourself\.$/m,
      );
      assert.equal(parse(text).spec.template.spec.containers, undefined);
      assert.equal(parse(text).spec.template.spec.terminationGracePeriodSeconds, 45);
    });
  }

  test('says nothing about what is to stay', () => {
    assert.deepEqual(parse(toFixPatch(toTarget(), 'app', { ...NO_CHANGE, isSurged: true })).spec, {
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
  });

  for (const [kind, spec, comment] of [
    [
      'DaemonSet',
      { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
      null,
    ],
    ['StatefulSet', {}, /^# A StatefulSet ends each pod before its successor starts/],
  ] as const) {
    test(`surges as a ${kind} can`, () => {
      const text = toFixPatch(toTarget(undefined, kind), 'app', { ...NO_CHANGE, isSurged: true });
      const patch = parse(text);
      assert.deepEqual([patch.kind, patch.spec], [kind, spec]);
      if (comment === null) assert.doesNotMatch(text, /^#/);
      else assert.match(text, comment);
    });
  }

  test('is a JSON patch for a custom resource, which keeps the rest of a list', () => {
    const add = (path: string, value: unknown) => ({ op: 'add', path, value });
    const text = toFixPatch(toTarget({ sleep: { seconds: 5 } }, 'Rollout'), 'app', change);
    assert.deepEqual(parse(text), [
      add('/spec/strategy/canary/maxSurge', 1),
      add('/spec/strategy/canary/maxUnavailable', 0),
      add('/spec/template/spec/terminationGracePeriodSeconds', 45),
      add('/spec/template/spec/containers/1/lifecycle', { preStop: { sleep: { seconds: 12 } } }),
    ]);
  });
});

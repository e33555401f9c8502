import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { NO_CHANGE } from '../proof/deployment-change.ts';
import { toFixPatch } from './fix-patch.ts';
import type { Json } from './json.ts';

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
const change = { preStopMs: 12_000, graceMs: 45_000, isSurged: true };

describe('toFixPatch()', () => {
  for (const [what, preStop] of [
    ['no hook', undefined],
    ['a sleep', { sleep: { seconds: 5 } }],
    ['a command that only waits', { exec: { command: ['sh', '-c', 'sleep 5'] } }],
  ] as const) {
    test(`sets all that is to change, over ${what}`, () => {
      assert.deepEqual(parse(toFixPatch(toDeployment(preStop), 'app', change)), {
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
      const text = toFixPatch(toDeployment({ exec: { command } }), 'app', change);
      assert.match(
        text,
        /^# The preStop hook of container app does more than wait: make it 12 s long yourself\.$/m,
      );
      assert.equal(parse(text).spec.template.spec.containers, undefined);
      assert.equal(parse(text).spec.template.spec.terminationGracePeriodSeconds, 45);
    });
  }

  test('says nothing about what is to stay', () => {
    assert.deepEqual(parse(toFixPatch(toDeployment(), 'app', { ...NO_CHANGE, isSurged: true })).spec, {
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
  });
});

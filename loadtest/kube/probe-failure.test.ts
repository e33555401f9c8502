import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toProbeFailure } from './probe-failure.ts';

/** As the kubelet of Kubernetes 1.35 writes it. */
const event = (reason: string, message: string, fieldPath = 'spec.containers{web}') => ({
  apiVersion: 'v1',
  kind: 'Event',
  type: reason === 'Killing' ? 'Normal' : 'Warning',
  reason,
  message,
  involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-1-a', uid: 'u1', fieldPath },
  source: { component: 'kubelet', host: 'n1' },
  reportingComponent: 'kubelet',
  count: 1,
});

describe('toProbeFailure()', () => {
  const failure = { podUid: 'u1', container: 'web', probe: 'liveness', isKill: false };
  for (const [reason, message, expected] of [
    ['Killing', 'Container web failed liveness probe, will be restarted', { ...failure, isKill: true }],
    [
      'Killing',
      'Container web failed startup probe, will be restarted',
      { ...failure, probe: 'startup', isKill: true },
    ],
    ['Killing', 'Stopping container web', null],
    ['Killing', 'Container web definition changed, will be restarted', null],
    ['Unhealthy', 'Liveness probe failed: HTTP probe failed with statuscode: 500', failure],
    ['Unhealthy', 'Liveness probe errored and resulted in unknown state: rpc error', failure],
    ['Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503', null],
    ['Unhealthy', 'Startup probe failed: dial tcp 10.244.1.7:3000: connect: connection refused', null],
    ['ProbeWarning', 'Liveness probe warning: Probe terminated redirects', null],
    ['BackOff', 'Back-off restarting failed container web in pod web-1-a_shop(u1)', null],
  ] as const) {
    test(`${reason}: ${message}`, () => assert.deepEqual(toProbeFailure(event(reason, message)), expected));
  }

  test('tells the container, and nothing of what is none', () => {
    const message = 'Container proxy failed liveness probe, will be restarted';
    const containerOf = (path: string) => toProbeFailure(event('Killing', message, path))?.container;
    assert.deepEqual(['spec.containers{proxy}', 'spec.initContainers{proxy}', ''].map(containerOf), [
      'proxy',
      undefined,
      undefined,
    ]);
  });
});

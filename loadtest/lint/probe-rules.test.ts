import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseManifests } from '../kube/object.ts';
import { patchExemplar } from './exemplar.ts';
import { PROBE_RULES } from './probe-rules.ts';
import { runRules } from './rule.ts';
import { createInventory } from './workload.ts';

describe('liveness-is-readiness', () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    // What liveness asks, beside a readiness of 5 s × 2 on the same path; whether that is found.
    ['less patient', '{ httpGet: { path: /up, port: http }, periodSeconds: 3, failureThreshold: 3 }', true],
    ['as patient', '{ httpGet: { path: /up, port: http }, periodSeconds: 5, failureThreshold: 2 }', true],
    ['more patient', '{ httpGet: { path: /up, port: http }, periodSeconds: 11, failureThreshold: 1 }', false],
    [
      'by the number of the port',
      '{ httpGet: { path: /up, port: 8080 }, periodSeconds: 5, failureThreshold: 2 }',
      true,
    ],
    [
      'of another path',
      '{ httpGet: { path: /other, port: http }, periodSeconds: 5, failureThreshold: 2 }',
      false,
    ],
    ['by TCP', '{ httpGet: null, tcpSocket: { port: http }, periodSeconds: 5, failureThreshold: 2 }', false],
    [
      'of a readiness path, ever so patient',
      '{ httpGet: { path: /api/readyz, port: http }, periodSeconds: 60 }',
      true,
    ],
    ['of a path that only begins so', '{ httpGet: { path: /readers, port: http } }', false],
  ];
  for (const [what, livenessProbe, isFound] of table) {
    test(`${isFound ? 'finds' : 'allows'} a liveness ${what}`, () => {
      const patch = `{ kind: Deployment, spec: { template: { spec: { containers: [{ name: web, livenessProbe: ${livenessProbe}, readinessProbe: { httpGet: { path: /up } } }] } } } }`;
      const inventory = createInventory(parseManifests(patchExemplar(patch), 'test'));
      const found = runRules(PROBE_RULES, inventory).map(({ rule }) => rule.id);
      assert.equal(found.includes('liveness-is-readiness'), isFound);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toEnvironment } from './environment.ts';
import { parseManifests } from './object.ts';

const CONFIG_MAP = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { LAME_DUCK_MS: "3000", DRAIN_TIMEOUT_MS: "9000" }
`;

describe('toEnvironment()', () => {
  test('lets env win over envFrom, adds prefixes and follows references', () => {
    const objects = parseManifests(CONFIG_MAP, 'test');
    const [container] = parseManifests(
      `
apiVersion: v1
kind: Container
envFrom: [{ prefix: APP_, configMapRef: { name: settings } }, { configMapRef: { name: absent } }]
env:
  - { name: APP_LAME_DUCK_MS, value: "1" }
  - { name: DRAIN, valueFrom: { configMapKeyRef: { name: settings, key: DRAIN_TIMEOUT_MS } } }
  - { name: TOKEN, valueFrom: { secretKeyRef: { name: secret, key: token } } }
`,
      'test',
    );
    assert.ok(container !== undefined);
    assert.deepEqual(Object.fromEntries(toEnvironment(objects, '', container.root)), {
      APP_LAME_DUCK_MS: '1',
      APP_DRAIN_TIMEOUT_MS: '9000',
      DRAIN: '9000',
    });
  });

  test('puts in the variables that came before', () => {
    const text =
      'env: [{ name: A, value: a }, { name: B, value: "$(A)-$(C)-$$(A)-$" }, { name: C, value: c }]';
    const [container] = parseManifests(`{ apiVersion: v1, kind: Container, ${text} }`, 'test');
    assert.ok(container !== undefined);
    assert.equal(toEnvironment([], '', container.root).get('B'), 'a-$(C)-$(A)-$');
  });
});

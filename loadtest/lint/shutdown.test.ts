import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { DRAIN_SETTINGS, parseSeconds } from './drain-setting.ts';
import { parseManifests } from './manifest.ts';
import { toEnvironment, toShutdown } from './shutdown.ts';
import { createInventory } from './workload.ts';

const CONFIG_MAP = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { LAME_DUCK_MS: "3000", DRAIN_TIMEOUT_MS: "9000" }
`;

function shutdownOf(container: string) {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { template: { spec: { containers: [{ ports: [{ containerPort: 80 }], ...parse(container) }] } } },
  };
  const inventory = createInventory(
    parseManifests(`${JSON.stringify(deployment)}\n---\n${CONFIG_MAP}`, 'test'),
  );
  const [workload] = inventory.workloads;
  const [first] = workload?.serving ?? [];
  assert.ok(workload !== undefined && first !== undefined);
  const { preStop, ...rest } = toShutdown(inventory, workload, first);
  return { preStop: preStop === undefined ? 'none' : preStop.seconds, ...rest };
}

describe('toShutdown()', () => {
  const none = { preStop: 'none', lameDuckSeconds: undefined, drainSeconds: undefined, acceptsSeconds: 0 };
  const hook = (exec: string, seconds: number | undefined) =>
    [
      `{ lifecycle: { preStop: { exec: { command: ${exec} } } } }`,
      { ...none, preStop: seconds, acceptsSeconds: seconds },
    ] as const;
  const table: readonly (readonly [string, object])[] = [
    ['{}', none],
    ['{ lifecycle: { preStop: { sleep: { seconds: 0 } } } }', { ...none, preStop: 0, acceptsSeconds: 0 }],
    ['{ lifecycle: { preStop: { sleep: { seconds: 5 } } } }', { ...none, preStop: 5, acceptsSeconds: 5 }],
    hook('[sleep, "7"]', 7),
    hook('[/bin/sleep, "1m"]', 60),
    hook('[sh, -c, "sleep 0.5; nginx -s quit"]', 0.5),
    hook('[sh, -c, "nginx -s quit && sleep 3 && sleep 2"]', 5),
    hook('[/drain]', undefined),
    hook('[sh, -c, "nosleep 3"]', undefined),
    [
      '{ lifecycle: { preStop: { httpGet: { path: /drain, port: 80 } } } }',
      { ...none, preStop: undefined, acceptsSeconds: undefined },
    ],
    [
      '{ env: [{ name: LAME_DUCK_MS, value: "500" }, { name: DRAIN_TIMEOUT_MS, value: "0" }] }',
      { ...none, lameDuckSeconds: 0.5, drainSeconds: 0, acceptsSeconds: 0.5 },
    ],
    [
      '{ envFrom: [{ configMapRef: { name: settings } }] }',
      { ...none, lameDuckSeconds: 3, drainSeconds: 9, acceptsSeconds: 3 },
    ],
    ['{ args: [netexec, --delay-shutdown=30] }', { ...none, lameDuckSeconds: 30, acceptsSeconds: 30 }],
    ['{ command: [./podinfo, --server-shutdown-timeout, 1m30s] }', { ...none, drainSeconds: 90 }],
    [
      '{ args: [--entryPoints.web.transport.lifeCycle.requestAcceptGraceTimeout=10, --entryPoints.tls.transport.lifeCycle.requestAcceptGraceTimeout=20] }',
      { ...none, lameDuckSeconds: 20, acceptsSeconds: 20 },
    ],
    [
      '{ lifecycle: { preStop: { sleep: { seconds: 5 } } }, env: [{ name: LAME_DUCK_MS, value: "2000" }] }',
      { ...none, preStop: 5, lameDuckSeconds: 2, acceptsSeconds: 7 },
    ],
  ];
  for (const [container, expected] of table) {
    test(`reads ${container}`, () => assert.deepEqual(shutdownOf(container), expected));
  }

  test('knows only settings that somebody can look up', () => {
    for (const { source } of DRAIN_SETTINGS) assert.match(source, /^(https:\/\/\S+|README\.md)$/);
  });
});

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
});

describe('parseSeconds()', () => {
  const table: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['1500', 1.5],
    ['250ms', 0.25],
    ['30s', 30],
    ['1m30s', 90],
    ['1h', 3_600],
    ['', undefined],
    ['soon', undefined],
    ['5 s', undefined],
  ];
  for (const [text, seconds] of table) {
    test(`reads ${JSON.stringify(text)} as ${seconds}`, () =>
      assert.equal(parseSeconds(text, 'ms'), seconds));
  }
});

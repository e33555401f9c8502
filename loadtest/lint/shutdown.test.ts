import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseManifests } from '../kube/object.ts';
import { DRAIN_SETTINGS, parseSeconds } from './drain-setting.ts';
import { patchExemplar } from './exemplar.ts';
import { runRules } from './rule.ts';
import { LINT_RULES } from './rules.ts';
import { toAccepting, toShutdown } from './shutdown.ts';
import { isSwallowing } from './shutdown-rules.ts';
import { createInventory } from './workload.ts';

const CONFIG_MAP = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { LAME_DUCK_MS: "3000", DRAIN_TIMEOUT_MS: "9000" }
`;

const COREFILE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: coredns }
data:
  Corefile: |
    .:53 {
        health {
          lameduck 4s
        }
    }
`;

const VOLUMES = [
  { name: 'config', configMap: { name: 'coredns' } },
  { name: 'projected', projected: { sources: [{ configMap: { name: 'coredns' } }] } },
  { name: 'other', configMap: { name: 'settings' } },
];

function shutdownOf(container: string) {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      template: {
        spec: {
          volumes: VOLUMES,
          containers: [{ ports: [{ containerPort: 80 }], ...parse(container) }],
        },
      },
    },
  };
  const inventory = createInventory(
    parseManifests([JSON.stringify(deployment), CONFIG_MAP, COREFILE].join('\n---\n'), 'test'),
  );
  const [workload] = inventory.workloads;
  const [first] = workload?.serving ?? [];
  assert.ok(workload !== undefined && first !== undefined);
  const { preStop, preStopSeconds, ...rest } = toShutdown(inventory, workload, first);
  return { preStop: preStop.kind === 'none' ? 'none' : preStopSeconds, ...rest };
}

describe('toShutdown()', () => {
  const none = { preStop: 'none', lameDuckSeconds: undefined, drainSeconds: undefined, acceptsSeconds: 0 };
  const hook = (exec: string, seconds: number | undefined) =>
    [
      `{ lifecycle: { preStop: { exec: { command: ${exec} } } } }`,
      { ...none, preStop: seconds, acceptsSeconds: seconds },
    ] as const;
  const ends = (exec: string, seconds: number | undefined, acceptsSeconds: number) =>
    [
      `{ lifecycle: { preStop: { exec: { command: ${exec} } } } }`,
      { ...none, preStop: seconds, acceptsSeconds },
    ] as const;
  const table: readonly (readonly [string, object])[] = [
    ['{}', none],
    ['{ lifecycle: { preStop: { sleep: { seconds: 0 } } } }', { ...none, preStop: 0, acceptsSeconds: 0 }],
    ['{ lifecycle: { preStop: { sleep: { seconds: 5 } } } }', { ...none, preStop: 5, acceptsSeconds: 5 }],
    hook('[sleep, "7"]', 7),
    hook('[/bin/sleep, "1m"]', 60),
    hook('[sh, -c, "sleep 0.5; nginx -s quit"]', 0.5),
    hook('[sh, -c, "sleep 3 && sleep 2"]', 5),
    ends('[sh, -c, "nginx -s quit && sleep 3"]', 3, 0),
    ends('[sh, -c, "sleep 1; nginx -s quit; sleep 3"]', 4, 1),
    ends('[/usr/sbin/nginx, -s, quit]', 0, 0),
    ends('[nginx, -c, /etc/nginx.conf, -s, stop]', 0, 0),
    ends('[kill, -s, TERM, "1"]', 0, 0),
    ends('[sh, -c, "kill -QUIT $(cat /run/nginx.pid)"]', 0, 0),
    ends('[sh, -c, "pkill java; sleep 20"]', 20, 0),
    hook('[sh, -c, "kill -0 1; sleep 3"]', 3),
    hook('[sh, -c, "kill -HUP 1; sleep 3"]', 3),
    hook('[nginx, -s, reload]', 0),
    hook('[/skill, -9]', undefined),
    hook('[/drain]', undefined),
    hook('[/wait-shutdown]', undefined),
    hook('[sh, -c, "sleep 10 || true"]', 10),
    hook('[sh, -c, "sleep 15 &"]', 0),
    hook('["sleep 15"]', 0),
    hook('[sh, -c, "for i in $(seq 1 10); do sleep 1; done"]', 10),
    hook('[sh, -c, "sleep 3; curl localhost/drain"]', 3),
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
    ['{ args: [--shutdown-delay-duration=7s] }', { ...none, lameDuckSeconds: 7, acceptsSeconds: 7 }],
    ['{ command: [sh, -c, "exec gunicorn app:app --graceful-timeout 25"] }', { ...none, drainSeconds: 25 }],
    ['{ volumeMounts: [{ name: config }] }', { ...none, lameDuckSeconds: 4, acceptsSeconds: 4 }],
    ['{ volumeMounts: [{ name: projected }] }', { ...none, lameDuckSeconds: 4, acceptsSeconds: 4 }],
    ['{ volumeMounts: [{ name: other }] }', none],
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

describe('toAccepting()', () => {
  const of = (spec: string) => {
    const object = `{ apiVersion: apps/v1, kind: Deployment, metadata: { name: web }, spec: { template: { spec: ${spec} } } }`;
    const [workload] = createInventory(parseManifests(object, 'test')).workloads;
    return workload === undefined ? [] : toAccepting(workload).map((each) => each.get('name').text());
  };
  const ports = 'ports: [{ containerPort: 80 }]';
  const sidecar = (more: string) =>
    `initContainers: [{ name: setup, ${ports} }, { name: proxy, restartPolicy: Always, ${more} }]`;

  test('is what serves', () => {
    assert.deepEqual(of(`{ containers: [{ name: web, ${ports} }, { name: logs }] }`), ['web']);
    assert.deepEqual(of(`{ containers: [{ name: web, ${ports} }], ${sidecar('env: []')} }`), ['web']);
  });

  test('leaves out a sidecar that ends after the containers, and asks those that it stands before', () => {
    assert.deepEqual(of(`{ containers: [{ name: web, ${ports} }, { name: logs }], ${sidecar(ports)} }`), [
      'web',
    ]);
    assert.deepEqual(of(`{ containers: [{ name: web }, { name: logs }], ${sidecar(ports)} }`), [
      'web',
      'logs',
    ]);
  });
});

describe('isSwallowing()', () => {
  const table: readonly (readonly [string, boolean])[] = [
    ['./server', false],
    ['sh -c ./server', false],
    ['sh -c ./server 2>&1', false],
    ['sh -c ./server &> /dev/stdout', false],
    ["sh -c nginx -g 'daemon off;'", false],
    ['sh -c ./migrate && exec ./server', false],
    ['sh -c trap "kill $pid" TERM; ./server & wait', false],
    ['dumb-init sh -c ./migrate && ./server', false],
    ['npm ci', true],
    ['npm start', true],
    ['sh -c npm start', true],
    ['sh -c npm run migrate && exec npm start', true],
    ['sh -c npm run migrate && exec node server.js', false],
    ['sh -c ./migrate && ./server', true],
    ['/bin/bash -euo pipefail -c ./migrate\n./server', true],
    ['sh -c ./server | tee /log', true],
    ['sh -c ./agent & ./server', true],
    ["sh -c envsubst < a > b && nginx -g 'daemon off;'", true],
  ];
  for (const [line, expected] of table) {
    test(`says ${expected} of ${JSON.stringify(line)}`, () => assert.equal(isSwallowing(line), expected));
  }
});

describe('shutdown-uneven', () => {
  const beside = (container: string, more = '') =>
    `{ kind: Deployment, spec: { template: { spec: { containers: [{ name: app, image: "app:1", ${container} }]${more} } } } }`;
  const sleep = (seconds: number) => `lifecycle: { preStop: { sleep: { seconds: ${seconds} } } }`;
  const ports = 'ports: [{ containerPort: 9000 }]';
  const table: readonly (readonly [string, string, string | undefined])[] = [
    [
      'without a delay',
      beside(ports),
      'container app accepts for 0 s after its pod is deleted, and web for 12 s',
    ],
    [
      'of a shorter delay',
      beside(`${ports}, ${sleep(11)}`),
      'container app accepts for 11 s after its pod is deleted, and web for 12 s',
    ],
    ['of as long a delay', beside(`${ports}, ${sleep(12)}`), undefined],
    [
      'of a delay that nobody knows',
      beside(`${ports}, lifecycle: { preStop: { exec: { command: [/wait] } } }`),
      undefined,
    ],
    ['without ports', beside('env: []'), undefined],
    ['with a port for metrics', beside('ports: [{ name: http-metrics, containerPort: 9000 }]'), undefined],
  ];
  for (const [what, patch, expected] of table) {
    test(`${expected === undefined ? 'allows' : 'finds'} a container ${what}`, () => {
      const inventory = createInventory(parseManifests(patchExemplar(patch), 'test'));
      assert.deepEqual(
        runRules(LINT_RULES, inventory).map(({ rule, message }) => `${rule.id}: ${message}`),
        expected === undefined ? [] : [`shutdown-uneven: ${expected}`],
      );
    });
  }
});

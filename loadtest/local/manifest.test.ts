import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseManifests } from '../kube/object.ts';
import { type ManifestFleet, type ManifestOverrides, toManifestFleet } from './manifest.ts';

const none: ManifestOverrides = {
  container: null,
  replicas: null,
  readyPath: null,
  preStopMs: null,
  env: {},
};

const PORTS = 'ports: [{ name: metrics, containerPort: 9090 }, { name: http, containerPort: 8080 }]';
const PROBE = 'readinessProbe: { httpGet: { path: /ready, port: http } }';
const CONFIG_MAP =
  '{ apiVersion: v1, kind: ConfigMap, metadata: { name: settings }, data: { LAME_DUCK_MS: "3000" } }';

/** A Deployment with that in its spec and in its container, and other documents beside it. */
const toText = (container: string, spec = '', others = '') => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    spec:
      containers:
        - name: app
          ${container || 'image: app:1'}
  ${spec}
---
${others}`;

const read = (text: string, overrides: Partial<ManifestOverrides> = {}) =>
  toManifestFleet(parseManifests(text, 'web.yaml'), 'web.yaml', { ...none, ...overrides });

const lines = (...all: readonly string[]) => all.join('\n          ');

describe('toManifestFleet()', () => {
  const DEFAULTS: ManifestFleet = {
    replicas: 1,
    maxSurge: 1,
    maxUnavailable: 0,
    minReadyMs: 0,
    graceMs: 30_000,
    readiness: null,
    preStop: { kind: 'sleep', ms: 0 },
    env: {},
    portVariables: [],
    progressDeadlineMs: null,
    notes: [],
  };
  const readiness = {
    path: '/ready',
    periodMs: 10_000,
    failureThreshold: 3,
    timeoutMs: 1_000,
    initialDelayMs: 0,
  };

  const table: readonly (readonly [string, string, Partial<ManifestOverrides>, Partial<ManifestFleet>])[] = [
    ['the defaults of Kubernetes', toText(''), {}, {}],
    [
      'what a Deployment says of its rollout',
      toText('', 'replicas: 4\n  minReadySeconds: 7\n  progressDeadlineSeconds: 90'),
      {},
      { replicas: 4, minReadyMs: 7_000, maxUnavailable: 1, progressDeadlineMs: 90_000 },
    ],
    [
      'surge and unavailability, by number and share',
      toText('', 'replicas: 4\n  strategy: { rollingUpdate: { maxSurge: 50%, maxUnavailable: 0 } }'),
      {},
      { replicas: 4, maxSurge: 2 },
    ],
    [
      'shares of the replicas that a flag gives',
      toText('', 'replicas: 40\n  strategy: { rollingUpdate: { maxSurge: 50%, maxUnavailable: 0 } }'),
      { replicas: 2 },
      { replicas: 2 },
    ],
    ['a probe with its defaults', toText(lines(PORTS, PROBE)), {}, { readiness }],
    [
      'a probe with times of its own',
      toText(
        lines(
          PORTS,
          'readinessProbe: { httpGet: { path: ok, port: 8080 }, periodSeconds: 2, failureThreshold: 1, timeoutSeconds: 3, initialDelaySeconds: 4 }',
        ),
      ),
      {},
      {
        readiness: {
          path: '/ok',
          periodMs: 2_000,
          failureThreshold: 1,
          timeoutMs: 3_000,
          initialDelayMs: 4_000,
        },
      },
    ],
    [
      'the path of a flag, with the times of a probe of another kind',
      toText('readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5 }'),
      { readyPath: '/up' },
      { readiness: { ...readiness, path: '/up', periodMs: 5_000 } },
    ],
    [
      'preStop sleep',
      toText('lifecycle: { preStop: { sleep: { seconds: 8 } } }'),
      {},
      { preStop: { kind: 'sleep', ms: 8_000 } },
    ],
    [
      'preStop exec',
      toText(lines(PORTS, PROBE, 'lifecycle: { preStop: { exec: { command: [sh, -c, sleep 5] } } }')),
      {},
      { readiness, preStop: { kind: 'exec', argv: ['sh', '-c', 'sleep 5'], containerPort: 8_080 } },
    ],
    [
      'preStop httpGet',
      toText(
        lines(
          PORTS,
          PROBE,
          'lifecycle: { preStop: { httpGet: { path: /drain, port: http, httpHeaders: [{ name: X-A, value: b }] } } }',
        ),
      ),
      {},
      { readiness, preStop: { kind: 'httpGet', path: '/drain', headers: { 'X-A': 'b' } } },
    ],
    [
      'the preStop of a flag, in place of one that cannot be run here',
      toText('lifecycle: { preStop: { exec: { command: [nginx, -s, quit] } } }'),
      { preStopMs: 100 },
      { preStop: { kind: 'sleep', ms: 100 } },
    ],
    [
      'its variables, those that are the port of the container, and ConfigMaps of the same file',
      toText(
        lines(
          PORTS,
          PROBE,
          'env: [{ name: HTTP_PORT, value: "8080" }, { name: MODE, value: full }]',
          'envFrom: [{ configMapRef: { name: settings } }]',
        ),
        '',
        CONFIG_MAP,
      ),
      {},
      {
        readiness,
        env: { LAME_DUCK_MS: '3000', HTTP_PORT: '8080', MODE: 'full' },
        portVariables: ['HTTP_PORT'],
        notes: ['each server is given its port in HTTP_PORT and PORT'],
      },
    ],
    [
      'a variable of a Secret from the environment',
      toText('env: [{ name: KEY, valueFrom: { secretKeyRef: { name: s, key: k } } }]'),
      { env: { KEY: 'known' } },
      {},
    ],
    [
      'nothing for what is optional, or of the pod itself, and says so',
      toText(
        lines(
          'env: [{ name: A, valueFrom: { secretKeyRef: { name: s, key: k, optional: true } } }, { name: B, valueFrom: { fieldRef: { fieldPath: status.podIP } } }, { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }]',
          'livenessProbe: { httpGet: { port: 80 } }',
        ),
      ),
      {},
      { notes: ['left out of the manifest: livenessProbe, env A, env B'] },
    ],
    [
      'the grace period of the pods',
      toText('image: app:1').replace(
        '      containers:',
        '      terminationGracePeriodSeconds: 45\n      containers:',
      ),
      {},
      { graceMs: 45_000 },
    ],
    [
      'the container that is asked for',
      toText(lines('image: app:1', '', ''))
        .replace('  \n---', '---')
        .replace('- name: app', '- name: log\n        - name: app'),
      { container: 'app' },
      {},
    ],
  ];
  for (const [what, text, overrides, expected] of table) {
    test(`takes ${what}`, () => assert.deepEqual(read(text, overrides), { ...DEFAULTS, ...expected }));
  }

  const faults: readonly (readonly [string, string, string])[] = [
    ['no Deployment', CONFIG_MAP, '--manifest web.yaml has no Deployment'],
    [
      'several',
      `${toText('')}\n${toText('').replace('name: web', 'name: api')}`,
      '--manifest web.yaml has several Deployments: web, api. Give a file with one of them',
    ],
    [
      '50 replicas',
      toText('', 'replicas: 50'),
      'web.yaml:11: spec.replicas is 50: give --replicas from 1 to 20',
    ],
    [
      'another strategy',
      toText('', 'strategy: { type: Recreate }'),
      'web.yaml:11: spec.strategy.type is not RollingUpdate, which is all that the fleet does',
    ],
    [
      'a probe that is no HTTP',
      toText('readinessProbe: { tcpSocket: { port: 80 } }'),
      'web.yaml:10: spec.template.spec.containers[0].readinessProbe is no httpGet: give --ready-path PATH instead',
    ],
    [
      'a probe over TLS',
      toText('readinessProbe: { httpGet: { port: 443, scheme: HTTPS } }'),
      'web.yaml:10: spec.template.spec.containers[0].readinessProbe.httpGet.scheme is HTTPS, and the fleet speaks plain HTTP: give --ready-path PATH instead',
    ],
    [
      'a hook that signals',
      toText('lifecycle: { preStop: { exec: { command: [sh, -c, "sleep 3; kill 1"] } } }'),
      'web.yaml:10: spec.template.spec.containers[0].lifecycle.preStop ends its server by a process id or a name, which may be another process on this machine: give --pre-stop TIME instead',
    ],
    [
      'a hook on another port',
      toText(lines(PORTS, PROBE, 'lifecycle: { preStop: { httpGet: { port: metrics } } }')),
      'web.yaml:12: spec.template.spec.containers[0].lifecycle.preStop.httpGet.port is not 8080, the one port that a server has here: give --pre-stop TIME instead',
    ],
    [
      'a hook of no known kind',
      toText('lifecycle: { preStop: { tcpSocket: { port: 80 } } }'),
      'web.yaml:10: spec.template.spec.containers[0].lifecycle.preStop is neither sleep, exec nor httpGet: give --pre-stop TIME instead',
    ],
    [
      'a variable of a Secret',
      toText('env: [{ name: KEY, valueFrom: { secretKeyRef: { name: s, key: k } } }]'),
      'web.yaml:10: spec.template.spec.containers[0].env[0] (KEY) comes from Secret s, which web.yaml does not have: set KEY in the environment of dropless',
    ],
    [
      'a ConfigMap that is not there',
      toText('envFrom: [{ configMapRef: { name: settings } }]'),
      'web.yaml:10: spec.template.spec.containers[0].envFrom[0] comes from ConfigMap settings, which web.yaml does not have: add it to the file',
    ],
  ];
  for (const [what, text, message] of faults) {
    test(`refuses ${what}, and says where and what to do`, () =>
      assert.throws(() => read(text), { message }));
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { formatRemoval, parseRemoval, REMOVALS } from '../proof/safeguard.ts';
import { type Json, listAt } from './json.ts';
import { CONTAINERS, toReducedContainers, toRestoredContainers } from './safeguard-containers.ts';

describe('toReducedContainers()', () => {
  const takeAway = (deployment: Json, container: string, without: readonly string[]) =>
    toReducedContainers(deployment, container, without.map(parseRemoval));
  const toDeployment = (container: object) => ({
    spec: { template: { spec: { containers: [{ name: 'sidecar' }, { name: 'web', ...container }] } } },
  });
  const whole = toDeployment({
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    readinessProbe: { httpGet: {} },
    env: [
      { name: 'LAME_DUCK_MS', value: '2000' },
      { name: 'DRAIN_TIMEOUT_MS', valueFrom: {} },
    ],
  });
  const sidecar = { name: 'sidecar' };
  const lifecycle = { preStop: { sleep: { seconds: 5 } } };
  const readinessProbe = { httpGet: {} };
  const [lameDuck, drain] = [
    { name: 'LAME_DUCK_MS', value: '2000' },
    { name: 'DRAIN_TIMEOUT_MS', valueFrom: {} },
  ];
  const off = (name: string) => ({ name, value: '0' });

  for (const [control, left] of [
    ['preStop', { readinessProbe, env: [lameDuck, drain] }],
    ['readiness', { lifecycle, env: [lameDuck, drain] }],
    ['lame-duck', { lifecycle, readinessProbe, env: [drain, off('LAME_DUCK_MS')] }],
    ['in-flight', { lifecycle, readinessProbe, env: [lameDuck, off('DRAIN_TIMEOUT_MS')] }],
  ] as const) {
    test(`takes ${control} from its container alone`, () => {
      assert.deepEqual(takeAway(whole, 'web', [control]), [sidecar, { name: 'web', ...left }]);
    });
  }

  test('takes two at once', () => {
    assert.deepEqual(takeAway(whole, 'web', ['preStop', 'lame-duck']), [
      sidecar,
      { name: 'web', readinessProbe, env: [drain, off('LAME_DUCK_MS')] },
    ]);
  });

  test('leaves the other hook alone', () => {
    const both = toDeployment({ lifecycle: { preStop: { exec: {} }, postStart: { exec: {} } } });
    const left = { name: 'web', lifecycle: { postStart: { exec: {} } } };
    assert.deepEqual(takeAway(both, 'web', ['preStop']), [sidecar, left]);
  });

  test('shortens preStop to a sleep, whatever handler it had', () => {
    const had = toDeployment({ lifecycle: { preStop: { exec: { command: ['sleep', '9'] } } } });
    assert.deepEqual(takeAway(had, 'web', ['preStop=2s']), [
      sidecar,
      { name: 'web', lifecycle: { preStop: { sleep: { seconds: 2 } } } },
    ]);
    assert.equal(takeAway(toDeployment({}), 'web', ['preStop=2s']), null);
  });

  test('sets the variable that its user names, known to be read or not', () => {
    const env = [
      { name: 'GRACE', value: '0' },
      { name: 'LAME_DUCK_MS', value: '1' },
    ];
    assert.deepEqual(takeAway(toDeployment({}), 'web', ['env:GRACE=0', 'env:LAME_DUCK_MS=1']), [
      sidecar,
      { name: 'web', env },
    ]);
  });

  test('is null where there is nothing to take away', () => {
    assert.equal(takeAway(toDeployment({}), 'web', ['preStop', 'lame-duck']), null);
    assert.equal(takeAway(toDeployment({}), 'web', ['readiness']), null);
  });

  describe('sets a variable only where the container is known to read it', () => {
    const name = 'app.kubernetes.io/name';
    const named = (label: string, container: string, env: readonly string[] = []) => ({
      spec: {
        template: {
          metadata: { labels: { [name]: label } },
          spec: { containers: [{ name: container, env: env.map((variable) => ({ name: variable })) }] },
        },
      },
    });
    for (const [what, deployment, container, applicable] of [
      ['this service', named('microservice', 'microservice'), 'microservice', ['lame-duck', 'in-flight']],
      ['another container of it', named('microservice', 'web'), 'web', []],
      ['a namesake of its container', named('shop', 'microservice'), 'microservice', []],
      ['a foreign one', named('shop', 'web', ['PORT']), 'web', []],
      ['one with the one variable', named('shop', 'web', ['LAME_DUCK_MS']), 'web', ['lame-duck']],
      ['one with the other', named('shop', 'web', ['DRAIN_TIMEOUT_MS']), 'web', ['in-flight']],
      ['no such container', named('microservice', 'microservice', ['LAME_DUCK_MS']), 'web', []],
    ] as const) {
      test(what, () => {
        const found = (['lame-duck', 'in-flight'] as const).filter(
          (control) => takeAway(deployment, container, [control]) !== null,
        );
        assert.deepEqual(found, applicable);
      });
    }

    test('one of two that is not told stands for both', () => {
      const web = toDeployment({ lifecycle: { preStop: {} } });
      assert.equal(takeAway(web, 'web', ['preStop', 'lame-duck']), null);
    });

    test('the Deployment of the manifests is this service', () => {
      const path = join(import.meta.dirname, '../../kustomize/base/deployment.yaml');
      const deployment = parse(readFileSync(path, 'utf8'));
      const container = deployment.spec.template.spec.containers[0].name;
      for (const control of REMOVALS) {
        assert.notEqual(toReducedContainers(deployment, container, [control]), null, formatRemoval(control));
      }
    });
  });
});

describe('toRestoredContainers()', () => {
  const preStop = { sleep: { seconds: 5 } };
  const told = [
    { name: 'PORT', value: '80' },
    { name: 'LAME_DUCK_MS', value: '2000' },
    { name: 'DRAIN_TIMEOUT_MS', valueFrom: { configMapKeyRef: {} } },
  ];
  const off = [told[0], { name: 'LAME_DUCK_MS', value: '0' }, { name: 'DRAIN_TIMEOUT_MS', value: '0' }];
  const restore = (old: object, now: object, without: readonly string[]) => {
    const toDeployment = (container: object): Json => ({
      spec: { template: { spec: { containers: [{ name: 'web', ...container }] } } },
    });
    const [{ name, ...restored } = {}] = toRestoredContainers(
      listAt(toDeployment(now), ...CONTAINERS),
      toDeployment(old),
      'web',
      without.map(parseRemoval),
    );
    assert.equal(name, 'web');
    return restored;
  };

  for (const [what, old, now, without, restored] of [
    ['preStop', { lifecycle: { preStop } }, { lifecycle: {} }, ['preStop'], { lifecycle: { preStop } }],
    ['preStop of what is gone', { lifecycle: { preStop } }, {}, ['preStop'], { lifecycle: { preStop } }],
    [
      'preStop that was shortened',
      { lifecycle: { preStop } },
      { lifecycle: { preStop: { sleep: { seconds: 2 } } } },
      ['preStop=2s'],
      { lifecycle: { preStop } },
    ],
    [
      'no preStop that somebody else has set since',
      { lifecycle: { preStop } },
      { lifecycle: { preStop: { sleep: { seconds: 9 } } } },
      ['preStop=2s'],
      { lifecycle: { preStop: { sleep: { seconds: 9 } } } },
    ],
    [
      'a variable that its user named',
      { env: [{ name: 'GRACE', value: '30' }] },
      {
        env: [
          { name: 'GRACE', value: '0' },
          { name: 'NEW', value: '0' },
        ],
      },
      ['env:GRACE=0'],
      {
        env: [
          { name: 'GRACE', value: '30' },
          { name: 'NEW', value: '0' },
        ],
      },
    ],
    [
      'preStop beside what else there is',
      { lifecycle: { preStop, postStart: {} } },
      { lifecycle: { postStart: { exec: {} } } },
      ['preStop'],
      { lifecycle: { preStop, postStart: { exec: {} } } },
    ],
    [
      'probes',
      { readinessProbe: { httpGet: {} }, startupProbe: { grpc: {} } },
      {},
      ['readiness'],
      { readinessProbe: { httpGet: {} }, startupProbe: { grpc: {} } },
    ],
    ['the one probe there was', { readinessProbe: {} }, {}, ['readiness'], { readinessProbe: {} }],
    ['variables, in their order', { env: told }, { env: off }, ['lame-duck', 'in-flight'], { env: told }],
    [
      'no variable that was none',
      { env: [told[0]] },
      { env: [off[1], told[0]] },
      ['lame-duck'],
      { env: [told[0]] },
    ],
    [
      'nothing that somebody else has given back, or set',
      { lifecycle: { preStop }, readinessProbe: { grpc: {} }, env: told },
      {
        lifecycle: { preStop: { exec: {} } },
        readinessProbe: { httpGet: {} },
        env: [{ name: 'LAME_DUCK_MS', value: '9' }, { name: 'NEW' }],
      },
      ['preStop', 'readiness', 'lame-duck'],
      {
        lifecycle: { preStop: { exec: {} } },
        readinessProbe: { httpGet: {} },
        env: [{ name: 'LAME_DUCK_MS', value: '9' }, { name: 'NEW' }],
      },
    ],
    [
      'and leaves what is none of its business',
      { image: 'web:1', lifecycle: { preStop }, readinessProbe: {}, resources: {} },
      { image: 'web:2', resources: { limits: {} } },
      ['preStop'],
      { image: 'web:2', resources: { limits: {} }, lifecycle: { preStop } },
    ],
  ] as const) {
    test(what, () => assert.deepEqual(restore(old, now, without), restored));
  }

  test('touches no other container, and brings none back', () => {
    const toDeployment = (...containers: readonly Json[]) => ({
      spec: { template: { spec: { containers } } },
    });
    const now = toDeployment({ name: 'proxy' }, { name: 'web' });
    const old = toDeployment(
      { name: 'web', lifecycle: { preStop } },
      { name: 'old', lifecycle: { preStop } },
    );
    assert.deepEqual(
      toRestoredContainers(listAt(now, ...CONTAINERS), old, 'web', [parseRemoval('preStop')]),
      [{ name: 'proxy' }, { name: 'web', lifecycle: { preStop } }],
    );
    assert.deepEqual(
      toRestoredContainers(listAt(now, ...CONTAINERS), old, 'old', [parseRemoval('preStop')]),
      [{ name: 'proxy' }, { name: 'web' }],
    );
  });
});

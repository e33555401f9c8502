import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Field } from './field.ts';
import type { Json } from './json.ts';
import { chooseWay, serviceSelector, toWays } from './service.ts';

describe('serviceSelector()', () => {
  for (const [spec, expected] of [
    [{ selector: { app: 'web' } }, { app: 'web' }],
    [{ selector: {} }, undefined],
    [{}, undefined],
    [{ selector: { app: 'web' }, type: 'ExternalName' }, undefined],
  ] as const) {
    test(`${JSON.stringify(spec)}: ${JSON.stringify(expected)}`, () => {
      const selector = serviceSelector(new Field({ spec }));
      assert.deepEqual(selector === undefined ? undefined : Object.fromEntries(selector), expected);
    });
  }
});

describe('toWays()', () => {
  const spec = { ports: [{ port: 3000 }], clusterIP: '10.0.0.1' };
  for (const [what, service, url] of [
    [
      'the balancer’s address',
      { spec, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
      'http://1.2.3.4:3000/',
    ],
    [
      'the balancer’s name',
      { spec, status: { loadBalancer: { ingress: [{ hostname: 'lb.test' }] } } },
      'http://lb.test:3000/',
    ],
    ['its own address', { spec, status: { loadBalancer: {} } }, 'http://10.0.0.1:3000/'],
    ['an IPv6 address', { spec: { ...spec, clusterIP: 'fd00::1' } }, 'http://[fd00::1]:3000/'],
    ['none, of a headless Service', { spec: { ...spec, clusterIP: 'None' } }, ''],
    ['none, of one that is an external name', { spec: { ...spec, clusterIP: '' } }, ''],
    ['none, without a port', { spec: { clusterIP: '10.0.0.1' } }, ''],
    [
      'the port that says it speaks HTTP',
      {
        spec: {
          ...spec,
          ports: [
            { name: 'metrics', port: 9_090 },
            { name: 'http', port: 80 },
          ],
        },
      },
      'http://10.0.0.1/',
    ],
    [
      'the port whose protocol is HTTP',
      {
        spec: {
          ...spec,
          ports: [
            { name: 'a', port: 1 },
            { name: 'b', appProtocol: 'http', port: 2 },
          ],
        },
      },
      'http://10.0.0.1:2/',
    ],
    [
      'no UDP',
      { spec: { ...spec, ports: [{ protocol: 'UDP', port: 1 }, { port: 2 }] } },
      'http://10.0.0.1:2/',
    ],
    ['TLS by name', { spec: { ...spec, ports: [{ name: 'https', port: 8_443 }] } }, 'https://10.0.0.1:8443/'],
    ['TLS by its port', { spec: { ...spec, ports: [{ port: 443 }] } }, 'https://10.0.0.1/'],
    [
      'a name that says more than the protocol',
      {
        spec: {
          ...spec,
          ports: [
            { name: 'grpc', port: 1 },
            { name: 'http-web', port: 2 },
            { name: 'https-web', port: 3 },
          ],
        },
      },
      'http://10.0.0.1:2/',
    ],
    [
      'each port that may be meant',
      {
        spec: {
          ...spec,
          ports: [
            { name: 'httpd', port: 1 },
            { name: 'https2', port: 2 },
          ],
        },
      },
      'http://10.0.0.1:1/ http://10.0.0.1:2/',
    ],
    [
      'HTTP before TLS',
      {
        spec: {
          ...spec,
          ports: [
            { name: 'https', port: 443 },
            { name: 'http', port: 80 },
          ],
        },
      },
      'http://10.0.0.1/',
    ],
  ] as const) {
    test(what, () =>
      assert.deepEqual(
        toWays(new Field(service))
          .map((way) => way.url.href)
          .join(' '),
        url,
      ),
    );
  }
});

test('toWays() tells the port of the pods, which is the Service’s own where no other is named', () => {
  const toPorts = (ports: readonly Json[]) =>
    toWays(new Field({ spec: { ports, clusterIP: '10.0.0.1' } })).map(({ targetPort }) => targetPort);
  assert.deepEqual(toPorts([{ port: 1, targetPort: 'web' }, { port: 2, targetPort: 3 }, { port: 4 }]), [
    'web',
    3,
    4,
  ]);
});

describe('chooseWay()', () => {
  const template = new Field({ metadata: { labels: { app: 'web' } } });
  const toField = (object: Json) => new Field(object);
  const service = (
    name: string,
    clusterIP: string,
    ingress: readonly string[] = [],
    app = 'web',
    more: Json = {},
  ) => ({
    metadata: { name },
    spec: { selector: { app, ...more }, clusterIP, ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
  });
  const headless = service('headless', 'None');
  const inner = service('inner', '10.0.0.1');
  const outer = service('outer', '10.0.0.2', ['1.2.3.4']);
  const url = new URL('https://shop.test/');

  for (const [what, services, given, expected] of [
    ['the one there is', [inner], null, ['inner', 'http://10.0.0.1/']],
    ['none without an address', [headless, inner], null, ['inner', 'http://10.0.0.1/']],
    ['the one of a balancer', [inner, outer], null, ['outer', 'http://1.2.3.4/']],
    ['the address given', [headless, outer], url, ['outer', 'https://shop.test/']],
    [
      'the address given, and the Service that has it',
      [outer, inner],
      new URL('http://10.0.0.1/a'),
      ['inner', 'http://10.0.0.1/a'],
    ],
    ['the address given, and whatever Service', [headless], url, ['headless', 'https://shop.test/']],
    [
      'one that Argo Rollouts switches between ReplicaSets',
      [service('inner', '10.0.0.1', [], 'web', { 'rollouts-pod-template-hash': 'abc' })],
      null,
      ['inner', 'http://10.0.0.1/'],
    ],
    ['the address given, and no Service', [], url, [null, 'https://shop.test/']],
  ] as const) {
    test(`takes ${what}`, () => {
      const way = chooseWay(services.map(toField), template, given);
      assert.deepEqual([way.service, way.url.href], expected);
    });
  }

  for (const [services, message] of [
    [[], 'no Service selects the pods'],
    [[service('other', '10.0.0.1', [], 'shop')], 'no Service selects the pods'],
    [[headless], 'Service headless is headless: it has no address to send the load to: name one with --url'],
    [
      [inner, service('canary', '10.0.0.3')],
      'choose one with --url: inner (http://10.0.0.1), canary (http://10.0.0.3)',
    ],
  ] as const) {
    test(`refuses: ${message}`, () =>
      assert.throws(
        () => chooseWay(services.map(toField), template, null),
        (error: Error) => error.message.includes(message),
      ));
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { patchExemplar } from './exemplar.ts';
import { parseManifests } from './manifest.ts';
import { runRules } from './rule.ts';
import { LINT_RULES } from './rules.ts';
import { createInventory, podAmount } from './workload.ts';

function toInventory(patch: string) {
  return createInventory(parseManifests(patchExemplar(patch), 'test'));
}

function find(patch: string): string[] {
  const diagnoses = runRules(LINT_RULES, toInventory(patch));
  return [...new Set(diagnoses.map(({ rule }) => rule.id))].sort();
}

function template(spec: string): string {
  return `{ kind: Deployment, spec: { template: { spec: ${spec} } } }`;
}

const RESOURCE_METRIC = `
---
kind: HorizontalPodAutoscaler
spec: { metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }] }
`;

describe('createInventory()', () => {
  const serving: readonly (readonly [string, string, string[]])[] = [
    ['by the name of a port', '', ['web']],
    [
      'by the number of a port, a sidecar that starts before the container too',
      `${template('{ initContainers: [{ name: proxy, restartPolicy: Always, ports: [{ containerPort: 15001 }] }] }')}
---
{ kind: Service, spec: { ports: [{ name: http, targetPort: 15001 }] } }`,
      ['proxy'],
    ],
    [
      'all with ports where the Service’s port tells nothing',
      `${template('{ containers: [{ name: admin, ports: [{ containerPort: 9000 }] }, { name: helper }] }')}
---
{ kind: Service, spec: { ports: [{ name: http, targetPort: 1 }] } }`,
      ['web', 'admin'],
    ],
  ];
  for (const [how, patch, names] of serving) {
    test(`finds the containers that requests are sent to: ${how}`, () => {
      const [workload] = toInventory(patch).workloads;
      assert.deepEqual(
        workload?.serving.map((container) => container.get('name').text()),
        names,
      );
    });
  }

  test('keeps namespaces apart', () => {
    const elsewhere = '{ kind: Service, metadata: { namespace: elsewhere } }';
    assert.deepEqual(toInventory(elsewhere).workloads[0]?.services, []);
  });

  const selectors: readonly (readonly [string, boolean])[] = [
    ['{}', true],
    ['{ matchLabels: { app: web } }', true],
    ['{ matchLabels: { app: other } }', false],
    ['{ matchExpressions: [{ key: app, operator: In, values: [web, other] }] }', true],
    ['{ matchExpressions: [{ key: app, operator: In, values: [other] }] }', false],
    ['{ matchExpressions: [{ key: app, operator: NotIn, values: [web] }] }', false],
    ['{ matchExpressions: [{ key: tier, operator: NotIn, values: [web] }] }', true],
    ['{ matchExpressions: [{ key: app, operator: Exists }] }', true],
    ['{ matchExpressions: [{ key: tier, operator: Exists }] }', false],
    ['{ matchExpressions: [{ key: app, operator: DoesNotExist }] }', false],
    ['{ matchExpressions: [{ key: app, operator: Sometimes }] }', false],
    ['{ matchLabels: { app: web }, matchExpressions: [{ key: tier, operator: Exists }] }', false],
  ];
  for (const [selector, isChosen] of selectors) {
    test(`takes pods of app web as ${isChosen ? '' : 'not '}chosen by ${selector}`, () => {
      const budget = `{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: b }, spec: { selector: ${selector} } }`;
      const [workload] = toInventory(budget).workloads;
      assert.equal(
        workload?.budgets.some(({ name }) => name === 'b'),
        isChosen,
      );
    });
  }
});

describe('podAmount()', () => {
  const cpu = (patch: string) => {
    const inventory = toInventory(patch);
    const [workload] = inventory.workloads;
    assert.ok(workload !== undefined);
    return [
      podAmount(inventory, workload, 'requests', 'cpu'),
      podAmount(inventory, workload, 'limits', 'cpu'),
    ];
  };

  test('sums up the containers, and knows nothing where one says nothing', () => {
    assert.deepEqual(cpu(''), [0.1, 1]);
    assert.deepEqual(
      cpu(template('{ containers: [{ name: b, resources: { requests: { cpu: 1 }, limits: { cpu: 2 } } }] }')),
      [1.1, 3],
    );
    assert.deepEqual(cpu(template('{ containers: [{ name: b }] }')), [undefined, undefined]);
  });

  test('takes the limit for the request, and then the defaults of a LimitRange', () => {
    assert.deepEqual(
      cpu(template('{ containers: [{ name: b, resources: { limits: { cpu: 2 } } }] }')),
      [2.1, 3],
    );
    const range =
      '{ apiVersion: v1, kind: LimitRange, metadata: { name: l }, spec: { limits: [{ type: Container, defaultRequest: { cpu: 200m }, default: { cpu: 500m } }] } }';
    const amounts = cpu(`${template('{ containers: [{ name: b }] }')}\n---\n${range}`);
    assert.deepEqual(
      amounts.map((amount) => amount?.toFixed(3)),
      ['0.300', '1.500'],
    );
  });

  test('takes what the pod declares as a whole in place of its containers', () => {
    assert.deepEqual(cpu(template('{ resources: { requests: { cpu: 2 } }, containers: [{ name: b }] }')), [
      2,
      undefined,
    ]);
  });
});

describe('the autoscaler rules', () => {
  const cases: readonly (readonly [string, string, string[]])[] = [
    [
      'a pod that requests as a whole',
      '{ resources: { requests: { cpu: 2 } }, containers: [{ name: b, image: "b:1" }] }',
      [],
    ],
    [
      'a pod that requests something else as a whole',
      '{ resources: { requests: { memory: 1Gi } } }',
      ['hpa-no-requests'],
    ],
    [
      'a sidecar that requests nothing',
      '{ containers: [{ name: b, image: "b:1" }] }',
      ['hpa-sidecar-requests'],
    ],
  ];
  for (const [what, spec, expected] of cases) {
    test(`judge ${what} under a Resource metric`, () => {
      assert.deepEqual(find(template(spec) + RESOURCE_METRIC), expected);
    });
  }

  test('read autoscaling/v1, and the default metric of v2', () => {
    const bare = template('{ containers: [{ name: web, resources: null }] }');
    const v1 = `${bare}
---
{ kind: HorizontalPodAutoscaler, apiVersion: autoscaling/v1, spec: { metrics: null, targetCPUUtilizationPercentage: 50 } }`;
    const v2 = `${bare}\n---\n{ kind: HorizontalPodAutoscaler, spec: { metrics: null } }`;
    for (const patch of [v1, v2]) assert.deepEqual(find(patch), ['hpa-no-requests', 'pod-best-effort']);
  });

  test('name a container of the metric that is not there', () => {
    const patch =
      '{ kind: HorizontalPodAutoscaler, spec: { metrics: [{ type: ContainerResource, containerResource: { name: cpu, container: wbe, target: { type: Utilization, averageUtilization: 70 } } }] } }';
    assert.deepEqual(find(patch), ['hpa-no-requests']);
  });
});

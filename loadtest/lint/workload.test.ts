import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatPath } from '../kube/field.ts';
import { parseManifests } from '../kube/object.ts';
import { patchExemplar } from './exemplar.ts';
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

  test('leave a target of another kind to others, and know the kind that KEDA takes for given', () => {
    const rollout =
      '{ apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: { name: r }, spec: { scaleTargetRef: { kind: Rollout, name: r }, maxReplicas: 5 } }';
    assert.deepEqual(find(rollout), []);
    const keda =
      '{ apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: { name: r }, spec: { scaleTargetRef: { name: r } } }';
    assert.deepEqual(find(keda), ['hpa-targets-nothing']);
  });

  test('name a container of the metric that is not there', () => {
    const patch =
      '{ kind: HorizontalPodAutoscaler, spec: { metrics: [{ type: ContainerResource, containerResource: { name: cpu, container: wbe, target: { type: Utilization, averageUtilization: 70 } } }] } }';
    assert.deepEqual(find(patch), ['hpa-no-requests']);
  });
});

describe('pods that no Deployment, StatefulSet or DaemonSet makes', () => {
  const service = (selector: string) =>
    `{ apiVersion: v1, kind: Service, metadata: { name: other }, spec: { selector: ${selector}, ports: [{ port: 8080 }] } }`;
  const budget = (selector: string) =>
    `{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: other }, spec: { maxUnavailable: 1, selector: { matchLabels: ${selector} } } }`;
  const makers: readonly (readonly [string, string, string])[] = [
    [
      'a Pod',
      '{ app: other }',
      '{ apiVersion: v1, kind: Pod, metadata: { name: other, labels: { app: other } }, spec: {} }',
    ],
    [
      'a Job',
      '{ app: other }',
      '{ apiVersion: batch/v1, kind: Job, metadata: { name: other }, spec: { template: { metadata: { labels: { app: other } } } } }',
    ],
    [
      'a CronJob',
      '{ app: other }',
      '{ apiVersion: batch/v1, kind: CronJob, metadata: { name: other }, spec: { jobTemplate: { spec: { template: { metadata: { labels: { app: other } } } } } } }',
    ],
    [
      'a Rollout',
      '{ app: other }',
      '{ apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: { name: other }, spec: { template: { metadata: { labels: { app: other } } } } }',
    ],
    [
      'an operator',
      '{ app.kubernetes.io/instance: main }',
      '{ apiVersion: monitoring.coreos.com/v1, kind: Alertmanager, metadata: { name: main }, spec: { replicas: 3 } }',
    ],
    [
      'an operator that is asked for no number',
      '{ prometheus: prometheus }',
      '{ apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: { name: prometheus }, spec: { resources: { requests: { memory: 400Mi } } } }',
    ],
    [
      'an operator that is asked one level deeper',
      '{ strimzi.io/cluster: events }',
      '{ apiVersion: kafka.strimzi.io/v1beta2, kind: Kafka, metadata: { name: events }, spec: { kafka: { replicas: 3 } } }',
    ],
  ];
  for (const [what, selector, maker] of makers) {
    test(`may be those of a Service and a disruption budget: of ${what}`, () => {
      assert.deepEqual(find([service(selector), budget(selector), maker].join('\n---\n')), []);
    });
  }

  const strangers: readonly (readonly [string, string])[] = [
    [
      'a custom resource that makes no pods',
      '{ apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: { name: other }, spec: { selector: {} } }',
    ],
    [
      'an operator of another namespace',
      '{ apiVersion: example.com/v1, kind: Kafka, metadata: { name: other, namespace: elsewhere }, spec: { replicas: 3 } }',
    ],
    [
      'a Job of another name',
      '{ apiVersion: batch/v1, kind: Job, metadata: { name: other }, spec: { template: { metadata: { labels: { app: job } } } } }',
    ],
  ];
  for (const [what, stranger] of strangers) {
    test(`are not made up: ${what}`, () => {
      const patch = [service('{ app: other }'), budget('{ app: other }'), stranger].join('\n---\n');
      assert.deepEqual(find(patch), ['pdb-selects-nothing', 'service-selects-nothing']);
    });
  }

  test('are one pod of a StatefulSet, chosen by the label that names it', () => {
    const stateful = `{ kind: Deployment, $patch: delete }\n---\n${statefulSet(3)}`;
    const announce = (name: string) => service(`{ app: web, statefulset.kubernetes.io/pod-name: ${name} }`);
    assert.deepEqual(find(`${stateful}\n---\n${announce('web-0')}`), []);
    assert.deepEqual(find(`${stateful}\n---\n${announce('cache-0')}`), ['service-selects-nothing']);
  });
});

/** The exemplar's pods without their ports and the Service’s label. */
const worker = (replicas: number) =>
  `{ apiVersion: apps/v1, kind: Deployment, metadata: { name: worker }, spec: { replicas: ${replicas}, template: { metadata: { labels: { app: worker } }, spec: { containers: [{ name: worker, image: "worker:1" }] } } } }`;

function statefulSet(replicas: number): string {
  const [deployment = ''] = patchExemplar('').split('---\n');
  return `${deployment.replace('kind: Deployment', 'kind: StatefulSet').replace('spec:', `spec:\n  replicas: ${replicas}`)}
---
{ kind: HorizontalPodAutoscaler, $patch: delete }`;
}

describe('workloads that answer no requests', () => {
  test('are none of the findings, but what a disruption budget is for', () => {
    const budget =
      '{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: worker }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: worker } } } }';
    assert.deepEqual(find(`${worker(1)}\n---\n${budget}`), []);
  });

  test('take of the quota', () => {
    const quota =
      '{ apiVersion: v1, kind: ResourceQuota, metadata: { name: q }, spec: { hard: { pods: 15 } } }';
    assert.deepEqual(find(`${worker(2)}\n---\n${quota}`), []);
    assert.deepEqual(find(`${worker(3)}\n---\n${quota}`), ['quota-no-room']);
  });
});

describe('a rollout of a StatefulSet', () => {
  const table: readonly (readonly [number, string, string[]])[] = [
    [1, '', ['rollout-outage', 'single-replica']],
    [1, '\n---\n{ kind: StatefulSet, spec: { updateStrategy: { type: OnDelete } } }', ['single-replica']],
    [2, '', []],
  ];
  for (const [replicas, more, expected] of table) {
    test(`of ${replicas} ${more.includes('OnDelete') ? 'by hand ' : ''}is judged: ${expected.join(', ') || 'good'}`, () => {
      assert.deepEqual(
        find(
          `{ kind: Deployment, $patch: delete }\n---\n${statefulSet(replicas)}${more}\n---\n{ kind: PodDisruptionBudget, spec: { maxUnavailable: 1 } }`,
        ),
        expected,
      );
    });
  }
});

describe('a ScaledObject of KEDA', () => {
  const scaled = (spec: string) => `{ kind: HorizontalPodAutoscaler, $patch: delete }
---
{ apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: { name: web }, spec: { scaleTargetRef: { name: web }, ${spec} } }`;
  const cpu = (container: string) =>
    `triggers: [{ type: cpu, metricType: Utilization, metadata: { value: "70"${container} } }]`;
  const table: readonly (readonly [string, string, string[]])[] = [
    ['counts for the replicas', scaled('minReplicaCount: 3'), []],
    ['may leave one pod', scaled('minReplicaCount: 1'), ['single-replica']],
    ['may leave none, which is its default', scaled('maxReplicaCount: 5'), ['single-replica']],
    ['may leave none when idle', scaled('minReplicaCount: 3, idleReplicaCount: 0'), ['single-replica']],
    ['cannot scale', scaled('minReplicaCount: 3, maxReplicaCount: 3'), ['hpa-fixed']],
    [
      'is set back by replicas',
      `{ kind: Deployment, spec: { replicas: 3 } }\n---\n${scaled('minReplicaCount: 3')}`,
      ['hpa-replicas'],
    ],
    [
      'takes pods away in haste',
      scaled(
        'minReplicaCount: 3, advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } } }',
      ),
      ['hpa-hasty-down'],
    ],
    [
      'measures a container that is not there',
      scaled(`minReplicaCount: 3, ${cpu(', containerName: wbe')}`),
      ['hpa-no-requests'],
    ],
    [
      'measures a pod with a sidecar that requests nothing',
      `${template('{ containers: [{ name: b, image: "b:1" }] }')}\n---\n${scaled(`minReplicaCount: 3, ${cpu('')}`)}`,
      ['hpa-sidecar-requests'],
    ],
  ];
  for (const [what, patch, expected] of table) {
    test(what, () => assert.deepEqual(find(patch), expected));
  }

  test('is the one to change', () => {
    const inventory = toInventory(scaled('maxReplicaCount: 5'));
    const places = runRules(LINT_RULES, inventory).map(
      ({ object, field, message }) => `${object.kind} ${formatPath(field.path)}: ${message}`,
    );
    assert.deepEqual(places, ['ScaledObject spec.minReplicaCount: minReplicaCount is 0']);
  });
});

import { type Autoscaler, isAutoscaler, isScaleTarget, toScaleTarget } from '../kube/autoscaler.ts';
import { formatContainer } from '../kube/container.ts';
import type { Field } from '../kube/field.ts';
import { parseQuantity, toPods } from '../kube/quantity.ts';
import { toRollingUpdate } from '../kube/rollout.ts';
import { matchesSelector } from '../kube/selector.ts';
import type { Finding, Rule } from './rule.ts';
import {
  containerAmount,
  hasPodResources,
  hasPodsElsewhere,
  type Inventory,
  isWorkload,
  podAmount,
  type Workload,
} from './workload.ts';

/** The HorizontalPodAutoscaler does nothing while the metric is within a tenth of its target. */
const TOLERANCE = 1.1;

const HPA = 'https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/';
const BUDGET = 'https://kubernetes.io/docs/tasks/run-application/configure-pdb/';
const QUOTA = 'https://kubernetes.io/docs/concepts/policy/resource-quotas/';

export const CAPACITY_RULES: readonly Rule[] = [
  {
    id: 'hpa-replicas',
    severity: 'error',
    title: 'The manifest sets replicas beside an autoscaler',
    lost: 'Each apply resets the number of pods. Under load most pods are terminated at once, and the rest are overloaded until the autoscaler has caught up.',
    fix: 'Remove spec.replicas; set the autoscaler’s minReplicas.',
    source: `${HPA}#migrating-deployments-and-statefulsets-to-horizontal-autoscaling`,
    check: forEachScaled(({ object }) => {
      const field = object.root.get('spec', 'replicas');
      // An object read from a cluster has a uid, and there the autoscaler itself sets replicas.
      const isLive = object.root.get('metadata', 'uid').exists;
      return isLive || !field.exists ? [] : [{ object, field, message: `replicas is ${field.scalar()}` }];
    }),
    bad: `
kind: Deployment
spec: { replicas: 4 }
`,
    good: `
kind: Deployment
spec: { replicas: 4 }
---
kind: HorizontalPodAutoscaler
$patch: delete
`,
  },
  {
    id: 'hpa-no-requests',
    severity: 'error',
    title: 'The autoscaler measures against a request that is not set',
    lost: 'Utilization is a share of the request: without a request there is no number, the autoscaler does nothing (FailedGetResourceMetric), and more load meets the same number of pods.',
    fix: 'Set the request for the metric’s resource on the container, and the correct container name in the metric.',
    source: `${HPA}#support-for-resource-metrics`,
    check: forEachScaled((workload, autoscaler, inventory) =>
      autoscaler.metrics.flatMap((metric) => {
        const measured = `${autoscaler.label} measures it`;
        if (metric.container === undefined && hasPodResources(workload, 'requests')) {
          const field = workload.pod.get('resources', 'requests', metric.resource);
          const message = `the pod requests no ${metric.resource}, and ${measured}`;
          return field.exists ? [] : [{ object: workload.object, field, message }];
        }
        const containers =
          metric.container === undefined ? workload.serving : namedContainers(workload, metric.container);
        if (containers.length === 0) {
          return [
            {
              object: autoscaler.object,
              field: metric.field,
              message: `${workload.label} has no container ${JSON.stringify(metric.container)}`,
            },
          ];
        }
        return unsized(inventory, workload, containers, metric.resource).map((field) => ({
          object: workload.object,
          field,
          message: `${formatContainer(field)} requests no ${metric.resource}, and ${measured}`,
        }));
      }),
    ),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          resources: { requests: { cpu: null }, limits: { cpu: null } }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          resources: { requests: { cpu: null } } # a limit is a request
`,
  },
  {
    id: 'hpa-sidecar-requests',
    severity: 'error',
    title: 'A sidecar without a request blinds the autoscaler',
    lost: 'A Resource metric needs the request of every container of the pod. If one has none, for example an injected proxy, the autoscaler does nothing: more load meets the same number of pods.',
    fix: 'Use a ContainerResource metric on the container that does the work (Kubernetes 1.30), or give each container a request.',
    source: `${HPA}#container-resource-metrics`,
    check: forEachScaled((workload, autoscaler, inventory) =>
      autoscaler.metrics
        .filter(({ container }) => container === undefined && !hasPodResources(workload, 'requests'))
        .flatMap((metric) => {
          const sidecars = workload.containers.filter((container) => !workload.serving.includes(container));
          return unsized(inventory, workload, sidecars, metric.resource).map((field) => ({
            object: workload.object,
            field,
            message: `${formatContainer(field)} requests no ${metric.resource}, and ${autoscaler.label} measures the whole pod`,
          }));
        }),
    ),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - { name: log-shipper, image: registry.example.com/log-shipper:2.1.0 }
---
kind: HorizontalPodAutoscaler
spec:
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - { name: log-shipper, image: registry.example.com/log-shipper:2.1.0 }
`,
  },
  {
    id: 'hpa-targets-nothing',
    severity: 'error',
    title: 'The autoscaler’s target does not exist',
    lost: 'It scales nothing (FailedGetScale): more load meets the same number of pods.',
    fix: 'Set scaleTargetRef to the kind and the name of the workload.',
    source: HPA,
    check: (inventory) =>
      inventory.objects.filter(isAutoscaler).flatMap((object) => {
        const target = toScaleTarget(object);
        const neighbours = inventory.objects.filter(
          (each) => isWorkload(each) && each.namespace === object.namespace,
        );
        // Other kinds, such as a Rollout, need not be in the input.
        const isJudged = neighbours.length > 0 && ['Deployment', 'StatefulSet'].includes(target.kind ?? '');
        if (!isJudged || neighbours.some((each) => isScaleTarget(target, each))) return [];
        return [
          {
            object,
            field: object.root.get('spec', 'scaleTargetRef'),
            message: `its namespace has no ${target.kind}/${target.name}`,
          },
        ];
      }),
    bad: `
kind: HorizontalPodAutoscaler
apiVersion: autoscaling/v2
metadata: { name: renamed }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: website }, maxReplicas: 5 }
`,
    good: `
kind: HorizontalPodAutoscaler
apiVersion: autoscaling/v2
metadata: { name: worker }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: worker }, maxReplicas: 5 }
---
kind: Deployment
apiVersion: apps/v1
metadata: { name: worker }
spec: { template: { spec: { containers: [{ name: worker, image: registry.example.com/worker:1.4.2 }] } } }
`,
  },
  {
    id: 'hpa-fixed',
    severity: 'warning',
    title: 'The autoscaler cannot scale',
    lost: 'minReplicas equals maxReplicas: more load meets the same number of pods.',
    fix: 'Raise maxReplicas, or remove the autoscaler and set replicas.',
    source: HPA,
    check: forEachScaled((_workload, { object, min, max, maxField }) =>
      min < max ? [] : [{ object, field: maxField, message: `from ${min} to ${max} pods` }],
    ),
    bad: `
kind: HorizontalPodAutoscaler
spec: { minReplicas: 4, maxReplicas: 4 }
`,
    good: `
kind: HorizontalPodAutoscaler
spec: { minReplicas: 4, maxReplicas: 5 }
`,
  },
  {
    id: 'hpa-target-unreachable',
    severity: 'error',
    title: 'The limit keeps the metric below its target',
    lost: 'A container cannot use more than its limit. If that is not well above target × request, the autoscaler never scales up: instead the CPU is throttled, or the container is killed for its memory.',
    fix: 'Raise the limit, or lower the target: limit ÷ request must be more than 1.1 × the target, because the autoscaler tolerates a tenth.',
    source: `${HPA}#algorithm-details`,
    check: forEachScaled((workload, autoscaler, inventory) =>
      autoscaler.metrics.flatMap((metric) => {
        const [container] = metric.container === undefined ? [] : namedContainers(workload, metric.container);
        if (metric.container !== undefined && container === undefined) return [];
        const amount = (side: 'requests' | 'limits') =>
          container === undefined
            ? podAmount(inventory, workload, side, metric.resource)
            : containerAmount(inventory, workload, container, side, metric.resource);
        const [request, limit] = [amount('requests'), amount('limits')];
        if (request === undefined || limit === undefined || request === 0) return [];
        const reachable = (limit / request) * 100;
        if (reachable > metric.percent * TOLERANCE) return [];
        return [
          {
            object: autoscaler.object,
            field: metric.field,
            message: `${metric.resource} is limited to ${Math.round(reachable)} % of the request, and the target is ${metric.percent} %`,
          },
        ];
      }),
    ),
    bad: `
kind: HorizontalPodAutoscaler
spec:
  metrics:
    - type: ContainerResource
      containerResource: # memory request = limit
        { name: memory, container: web, target: { type: Utilization, averageUtilization: 91 } }
`,
    good: `
kind: HorizontalPodAutoscaler
spec:
  metrics:
    - type: ContainerResource
      containerResource:
        { name: memory, container: web, target: { type: Utilization, averageUtilization: 90 } }
`,
  },
  {
    id: 'hpa-hasty-down',
    severity: 'warning',
    title: 'The autoscaler removes pods after a short lull',
    lost: 'Load that comes in waves loses its pods between two waves: each removed pod has connections to hand over, and the next wave meets too few pods.',
    fix: 'Leave behavior.scaleDown.stabilizationWindowSeconds at its default of 300, or at least at 60.',
    source: `${HPA}#stabilization-window`,
    check: forEachScaled((_workload, { object, behavior }) => {
      const field = behavior.get('scaleDown', 'stabilizationWindowSeconds');
      const seconds = field.number() ?? 300;
      return seconds >= 60 ? [] : [{ object, field, message: `pods are removed after ${seconds} s` }];
    }),
    bad: `
kind: HorizontalPodAutoscaler
spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 59 } } }
`,
    good: `
kind: HorizontalPodAutoscaler
spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }
`,
  },
  {
    id: 'pdb-blocks-drain',
    severity: 'error',
    title: 'The disruption budget allows no disruption',
    lost: 'No pod may be evicted, so a node drain hangs. It ends by force (the node is deleted, or the cloud provider’s timeout expires), which cuts every request on the node.',
    fix: 'Use maxUnavailable: 1, which works for any number of pods.',
    source: BUDGET,
    check: forEachWorkload(({ replicas, budgets, label }) =>
      budgets.flatMap((object) => {
        if (replicas === undefined || replicas.min === 0) return [];
        const spec = object.root.get('spec');
        const minAvailable = toPods(spec.get('minAvailable').scalar(), replicas.min, 'up');
        const maxUnavailable = toPods(spec.get('maxUnavailable').scalar(), replicas.min, 'up');
        const allowed =
          maxUnavailable ?? (minAvailable === undefined ? undefined : replicas.min - minAvailable);
        if (allowed === undefined || allowed > 0) return [];
        const key = maxUnavailable === undefined ? 'minAvailable' : 'maxUnavailable';
        return [
          {
            object,
            field: spec.get(key),
            message: `${key} is ${spec.get(key).scalar()}, and ${label} has as few as ${replicas.min}`,
          },
        ];
      }),
    ),
    bad: `
kind: PodDisruptionBudget
spec: { maxUnavailable: null, minAvailable: 4 }
`,
    good: `
kind: PodDisruptionBudget
spec: { maxUnavailable: null, minAvailable: 3 }
`,
  },
  {
    id: 'pdb-missing',
    severity: 'warning',
    title: 'No disruption budget',
    lost: 'A drain may evict all pods at once (two nodes are drained together, or all pods are on one), and every request fails until new pods are ready.',
    fix: 'Add a PodDisruptionBudget with maxUnavailable: 1 that selects the pods.',
    source: BUDGET,
    check: forEachWorkload(({ object, replicas, budgets }) =>
      replicas === undefined || replicas.min < 2 || budgets.length > 0
        ? []
        : [
            {
              object,
              field: object.root,
              message: `${replicas.min} pods and no PodDisruptionBudget selects them`,
            },
          ],
    ),
    bad: `
kind: PodDisruptionBudget
$patch: delete
`,
    good: `
kind: PodDisruptionBudget
$patch: delete
---
kind: PodDisruptionBudget
apiVersion: policy/v1
metadata: { name: every-pod }
spec:
  maxUnavailable: 1
  selector: {}
`,
  },
  {
    id: 'pdb-selects-nothing',
    severity: 'warning',
    title: 'A disruption budget selects no pods',
    lost: 'It protects nothing: a drain may evict all pods of the intended workload at once.',
    fix: 'Use the selector of the workload.',
    source: BUDGET,
    check: (inventory) =>
      inventory.objects
        .filter(({ kind }) => kind === 'PodDisruptionBudget')
        .filter((budget) => {
          const neighbours = [...inventory.workloads, ...inventory.idle].filter(
            ({ object }) => object.namespace === budget.namespace,
          );
          const selector = budget.root.get('spec', 'selector');
          const choose = (labels: ReadonlyMap<string, string>) => matchesSelector(selector, labels);
          const values = new Set(selector.get('matchLabels').texts().values());
          return (
            neighbours.length > 0 &&
            !neighbours.some(({ podLabels }) => choose(podLabels)) &&
            !hasPodsElsewhere(inventory, budget.namespace, choose, values)
          );
        })
        .map((object) => ({
          object,
          field: object.root.get('spec', 'selector'),
          message: 'no workload of its namespace has these labels',
        })),
    bad: `
kind: PodDisruptionBudget
apiVersion: policy/v1
metadata: { name: renamed }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: website } } }
`,
    good: `
kind: PodDisruptionBudget
spec:
  selector: { matchLabels: null, matchExpressions: [{ key: app, operator: In, values: [web] }] }
`,
  },
  {
    id: 'pdb-overlap',
    severity: 'error',
    title: 'Two disruption budgets select the same pods',
    lost: 'The API server refuses every eviction of such a pod, so a node drain hangs. It ends by force, which cuts every request on the node.',
    fix: 'Keep one PodDisruptionBudget per workload.',
    source: 'https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-budgets',
    check: forEachWorkload(({ label, budgets }) =>
      budgets.slice(1).map((object) => ({
        object,
        field: object.root.get('spec', 'selector'),
        message: `PodDisruptionBudget/${budgets[0]?.name} selects the pods of ${label} too`,
      })),
    ),
    bad: `
kind: PodDisruptionBudget
apiVersion: policy/v1
metadata: { name: every-pod }
spec: { maxUnavailable: 1, selector: {} }
`,
    good: `
kind: PodDisruptionBudget
$patch: delete
---
kind: PodDisruptionBudget
apiVersion: policy/v1
metadata: { name: every-pod }
spec: { maxUnavailable: 1, selector: {} }
`,
  },
  {
    id: 'quota-no-room',
    severity: 'error',
    title: 'The quota has no room for a rollout at full scale',
    lost: 'The API server refuses pods beyond it: the autoscaler stops short under load, and a rollout at full scale cannot start the new pod that it waits for.',
    fix: 'Make the quota large enough for maxReplicas + maxSurge pods, plus the draining pods, which count until they are gone.',
    source: QUOTA,
    check: (inventory) =>
      inventory.objects
        .filter(({ kind, root }) => kind === 'ResourceQuota' && !isScoped(root.get('spec')))
        .flatMap((quota) => checkQuota(inventory, quota)),
    bad: `
kind: ResourceQuota
apiVersion: v1
metadata: { name: team }
spec: { hard: { pods: "12" } } # 10 + 25 %
`,
    good: `
kind: ResourceQuota
apiVersion: v1
metadata: { name: team }
spec: { hard: { pods: "13", requests.cpu: 1300m, limits.memory: 3328Mi } }
`,
  },
];

function checkQuota(inventory: Inventory, quota: Inventory['objects'][number]): Finding[] {
  const isCounted = ({ object, replicas }: Workload) =>
    object.namespace === quota.namespace && replicas !== undefined;
  const serving = inventory.workloads.filter(isCounted);
  if (serving.length === 0) return [];
  const workloads = [...serving, ...inventory.idle.filter(isCounted)];
  return quota.root
    .get('spec', 'hard')
    .entries()
    .flatMap(([name, field]): Finding[] => {
      const hard = parseQuantity(field.scalar());
      const needs = workloads.map((workload) => quotaNeed(inventory, workload, name));
      if (hard === undefined || needs.includes('not counted')) return [];
      const unsizedAt = needs.indexOf('refused');
      if (unsizedAt >= 0) {
        const label = workloads[unsizedAt]?.label;
        return [{ object: quota, field, message: `${label} sets no ${name}, so the quota refuses its pods` }];
      }
      const counted = needs.filter((need) => typeof need === 'object');
      // Not all workloads roll at once: count all at full scale, plus the largest surge.
      const needed =
        counted.reduce((sum, { steady }) => sum + steady, 0) + Math.max(...counted.map(({ surge }) => surge));
      if (needed <= hard) return [];
      const labels = workloads.map(({ label }) => label).join(', ');
      return [
        {
          object: quota,
          field,
          message: `${name} is ${field.scalar()}, but ${labels} at full scale with a surge needs ${formatAmount(needed)}`,
        },
      ];
    });
}

function isScoped(spec: Field): boolean {
  return spec.get('scopes').items().length > 0 || spec.get('scopeSelector').exists;
}

/** What a workload uses of a quota's resource at full scale, and what the surge of a rollout adds. */
function quotaNeed(
  inventory: Inventory,
  workload: Workload,
  name: string,
): { steady: number; surge: number } | 'not counted' | 'refused' {
  const { max } = workload.replicas ?? { max: 0 };
  const surgePods = toRollingUpdate(workload.object, max)?.maxSurge ?? 0;
  const each = (amount: number) => ({ steady: amount * max, surge: amount * surgePods });
  if (name === 'pods' || name === 'count/pods') return each(1);
  const [, side = 'requests', resource] =
    /^(?:(requests|limits)\.)?(cpu|memory|ephemeral-storage)$/.exec(name) ?? [];
  if (resource === undefined) return 'not counted';
  const perPod = podAmount(inventory, workload, side === 'limits' ? 'limits' : 'requests', resource);
  // A quota on CPU or memory makes the value compulsory; ephemeral storage is only counted.
  if (perPod === undefined) return resource === 'ephemeral-storage' ? 'not counted' : 'refused';
  return each(perPod);
}

function formatAmount(amount: number): string {
  return amount >= 2 ** 20 ? `${Math.ceil(amount / 2 ** 20)}Mi` : String(Number(amount.toFixed(3)));
}

function unsized(
  inventory: Inventory,
  workload: Workload,
  containers: readonly Field[],
  resource: string,
): Field[] {
  return containers.filter(
    (container) => containerAmount(inventory, workload, container, 'requests', resource) === undefined,
  );
}

function namedContainers({ containers }: Workload, name: string): Field[] {
  return containers.filter((container) => container.get('name').text() === name);
}

function forEachWorkload(check: (workload: Workload, inventory: Inventory) => Finding[]): Rule['check'] {
  return (inventory) => inventory.workloads.flatMap((workload) => check(workload, inventory));
}

function forEachScaled(
  check: (workload: Workload, autoscaler: Autoscaler, inventory: Inventory) => Finding[],
): Rule['check'] {
  return forEachWorkload((workload, inventory) =>
    workload.autoscaler === undefined ? [] : check(workload, workload.autoscaler, inventory),
  );
}

import type { Field } from '../kube/field.ts';
import { toProbe } from '../kube/probe.ts';
import { toRollingUpdate } from '../kube/rollout.ts';
import { matchesSelector } from '../kube/selector.ts';
import type { Finding, Rule } from './rule.ts';
import type { Inventory, Workload } from './workload.ts';

/** The share of the pods that a rollout must leave available to carry the load. */
const MIN_CAPACITY = 0.75;

const DEPLOYMENT = 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/';
const ROLLING = `${DEPLOYMENT}#rolling-update-deployment`;
const IMAGES = 'https://kubernetes.io/docs/concepts/containers/images/#image-names';
const EVICTION = 'https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/';

export const ROLLOUT_RULES: readonly Rule[] = [
  {
    id: 'rollout-outage',
    severity: 'error',
    title: 'A rollout terminates every pod before a new one serves',
    lost: 'Every request from the termination of the old pods until the first new one is ready, in each rollout.',
    fix: 'Use strategy RollingUpdate with maxUnavailable 0 and maxSurge 25 %. A StatefulSet cannot surge: it needs at least 2 pods.',
    source: `${DEPLOYMENT}#strategy`,
    check: forEachWorkload((workload) => {
      const strategy = workload.object.root.get('spec', 'strategy');
      if (workload.object.kind === 'StatefulSet') return checkStatefulSet(workload);
      if (workload.object.kind !== 'Deployment') return [];
      if (strategy.get('type').text() === 'Recreate') {
        return [{ object: workload.object, field: strategy.get('type'), message: 'strategy Recreate' }];
      }
      const { min } = workload.replicas ?? { min: 0 };
      const { maxUnavailable } = toRollingUpdate(workload.object, min) ?? { maxUnavailable: 0 };
      if (min === 0 || maxUnavailable < min) return [];
      return [
        {
          object: workload.object,
          field: strategy.get('rollingUpdate', 'maxUnavailable'),
          message: `all of ${plural(min, 'pod')} may be unavailable at once`,
        },
      ];
    }),
    bad: `
kind: Deployment
spec:
  strategy: { type: Recreate, rollingUpdate: null }
`,
    good: `
kind: Deployment
spec:
  strategy: { type: RollingUpdate, rollingUpdate: null } # 25 % of 4
`,
  },
  {
    id: 'rollout-below-capacity',
    severity: 'warning',
    title: 'A rollout removes a large share of few pods',
    lost: 'During a rollout fewer pods carry the whole load: under load that needs them all, requests are refused or time out.',
    fix: 'Set maxUnavailable 0 and let maxSurge make room.',
    source: ROLLING,
    check: forEachWorkload((workload) => {
      const { min } = workload.replicas ?? { min: 0 };
      const { maxUnavailable } = toRollingUpdate(workload.object, min) ?? { maxUnavailable: 0 };
      if (maxUnavailable === 0 || maxUnavailable >= min || min - maxUnavailable >= min * MIN_CAPACITY)
        return [];
      return [
        {
          object: workload.object,
          field: workload.object.root.get('spec', 'strategy', 'rollingUpdate', 'maxUnavailable'),
          message: `with ${plural(min, 'pod')}, ${maxUnavailable} may be unavailable during a rollout`,
        },
      ];
    }),
    bad: `
kind: Deployment
spec:
  strategy: { rollingUpdate: { maxUnavailable: 2 } } # of 4
`,
    good: `
kind: Deployment
spec:
  strategy: { rollingUpdate: { maxUnavailable: 1 } } # of 4
`,
  },
  {
    id: 'rollout-no-settling',
    severity: 'info',
    title: 'A pod counts as available the moment it is ready',
    lost: 'A version that answers its first probe and fails seconds later replaces every good pod before anything stops it.',
    fix: 'Set minReadySeconds to 5 or more.',
    source: `${DEPLOYMENT}#min-ready-seconds`,
    check: forEachWorkload(({ object }) => {
      const field = object.root.get('spec', 'minReadySeconds');
      if (object.kind !== 'Deployment' || (field.number() ?? 0) > 0) return [];
      return [{ object, field, message: 'minReadySeconds is 0' }];
    }),
    bad: `
kind: Deployment
spec:
  minReadySeconds: null
`,
    good: `
kind: Deployment
spec:
  minReadySeconds: 1
`,
  },
  {
    id: 'rollout-deadline',
    severity: 'warning',
    title: 'A rollout fails before a slow pod has had the time its probes allow',
    lost: 'A start that its probes still allow is reported as ProgressDeadlineExceeded: whatever watches the rollout, for example CI, rolls it back half-way, which replaces pods once more.',
    fix: 'Set progressDeadlineSeconds above the time that the startupProbe allows + minReadySeconds.',
    source: `${DEPLOYMENT}#progress-deadline-seconds`,
    check: forEachWorkload(({ object, serving }) => {
      if (object.kind !== 'Deployment') return [];
      const field = object.root.get('spec', 'progressDeadlineSeconds');
      const deadlineSeconds = field.number() ?? 600;
      const settlingSeconds = object.root.get('spec', 'minReadySeconds').number() ?? 0;
      const startSeconds = Math.max(0, ...serving.map(allowedStartSeconds));
      if (deadlineSeconds > startSeconds + settlingSeconds) return [];
      return [
        {
          object,
          field,
          message: `the rollout has ${deadlineSeconds} s to progress, but a pod may take ${startSeconds} s to start and ${settlingSeconds} s to become available`,
        },
      ];
    }),
    bad: `
kind: Deployment
spec:
  progressDeadlineSeconds: 35 # 30 × 1 s startupProbe + 5 s minReadySeconds
`,
    good: `
kind: Deployment
spec:
  progressDeadlineSeconds: 36
`,
  },
  {
    id: 'surge-needs-free-node',
    severity: 'warning',
    title: 'A new pod needs a node that has none of the old ones',
    lost: 'With as many nodes (or zones) as pods, the new pod stays Pending: the rollout is stuck, and so is the replacement of a pod whose node is drained.',
    fix: 'Remove hostPort and hostNetwork (a Service does not need them), and make anti-affinity preferred instead of required.',
    source:
      'https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity',
    check: forEachWorkload((workload) => {
      const { min } = workload.replicas ?? { min: 0 };
      const update = toRollingUpdate(workload.object, min);
      const claim = nodeClaim(workload);
      if (update === undefined || update.maxUnavailable > 0 || claim === undefined) return [];
      return [
        {
          object: workload.object,
          field: claim.field,
          message: `${claim.reason} allows one pod per ${claim.domain}, and a rollout starts ${update.maxSurge} beside ${min}`,
        },
      ];
    }),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          ports:
            - { name: http, containerPort: 8080, hostPort: 8080 }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector: { matchLabels: { app: web } }
`,
  },
  {
    id: 'single-replica',
    severity: 'warning',
    title: 'There may be only one pod, or none',
    lost: 'When its node dies, or the pod crashes or is evicted: every request until another pod is ready. When scaled to zero: the first requests after a lull.',
    fix: 'Keep at least 2 pods: replicas, or minReplicas of the HorizontalPodAutoscaler.',
    source: DEPLOYMENT,
    check: forEachWorkload(({ object, replicas, autoscaler }) => {
      const { min } = replicas ?? { min: 2 };
      // A workload with 0 replicas and no autoscaler is switched off.
      if (min > 1 || (min === 0 && autoscaler === undefined)) return [];
      const field = autoscaler?.minField ?? object.root.get('spec', 'replicas');
      return [{ object: autoscaler?.object ?? object, field, message: `${field.path.at(-1)} is ${min}` }];
    }),
    bad: `
kind: HorizontalPodAutoscaler
spec: { minReplicas: 1 }
`,
    good: `
kind: HorizontalPodAutoscaler
spec: { minReplicas: 2 }
`,
  },
  {
    id: 'pods-together',
    severity: 'info',
    title: 'Nothing keeps the pods apart',
    lost: 'All pods may run on one node, and its loss is an outage. (By default the scheduler spreads pods, but free resources can outweigh that.)',
    fix: 'Add topologySpreadConstraints over kubernetes.io/hostname with ScheduleAnyway.',
    source: 'https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/',
    check: forEachWorkload(({ object, pod, replicas }) => {
      if (replicas === undefined || replicas.min < 2) return [];
      const isSpread =
        pod.get('topologySpreadConstraints').items().length > 0 ||
        pod.get('affinity', 'podAntiAffinity').exists;
      if (isSpread) return [];
      return [
        {
          object,
          field: pod,
          message: `${replicas.min} pods and neither spread constraints nor anti-affinity`,
        },
      ];
    }),
    bad: `
kind: Deployment
spec: { template: { spec: { topologySpreadConstraints: null } } }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: { matchLabels: { app: web } }
`,
  },
  {
    id: 'image-mutable',
    severity: 'warning',
    title: 'The image is `latest`, or has no tag',
    lost: 'A pod that is replaced for another reason (a drain, a crash, a scale-up) starts a version that nobody rolled out, without any of the protection of a rollout, and a rollback restores nothing.',
    fix: 'Name a version or, better, a digest.',
    source: IMAGES,
    check: forEachWorkload(({ object, containers }) =>
      containers.flatMap((container) => {
        const image = container.get('image').text() ?? '';
        const tag = /:([^/:@]+)$/.exec(image)?.[1];
        if (image === '' || image.includes('@') || (tag !== undefined && tag !== 'latest')) return [];
        return [{ object, field: container.get('image'), message: `image ${image}` }];
      }),
    ),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - { name: web, image: registry.example.com:5000/web }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - { name: web, image: registry.example.com:5000/web:1.4.2 }
`,
  },
  {
    id: 'pod-best-effort',
    severity: 'warning',
    title: 'The pod requests no resources',
    lost: 'It is the first to be killed or evicted when its node runs short of memory, with its requests in flight, and gets no share of a busy CPU.',
    fix: 'Request the CPU and memory that the container needs, and limit the memory to the same.',
    source: EVICTION,
    check: forEachWorkload(({ object, pod, containers }, { objects }) => {
      const hasDefaults = objects.some(
        ({ kind, namespace }) => kind === 'LimitRange' && namespace === object.namespace,
      );
      const isSized = (where: Field) =>
        ['requests', 'limits'].some((side) => where.get('resources', side).entries().length > 0);
      if (hasDefaults || [pod, ...containers].some(isSized)) return [];
      return [
        { object, field: pod, message: 'no container requests anything: quality of service BestEffort' },
      ];
    }),
    bad: `
kind: Deployment
spec:
  replicas: 4
  template:
    spec:
      containers:
        - { name: web, resources: null }
---
kind: HorizontalPodAutoscaler
$patch: delete
`,
    good: `
kind: Deployment
spec:
  replicas: 4
  template:
    spec:
      containers:
        - name: web
          resources: { limits: null, requests: { cpu: null, memory: 64Mi } }
---
kind: HorizontalPodAutoscaler
$patch: delete
`,
  },
];

/** The controller replaces one pod at a time, and terminates it before it starts the new one. */
function checkStatefulSet({ object, replicas, label }: Workload): Finding[] {
  const spec = object.root.get('spec');
  if (replicas?.min !== 1 || spec.get('updateStrategy', 'type').text() === 'OnDelete') return [];
  return [
    {
      object,
      field: spec.get('replicas'),
      message: `${label} has 1 pod, which is terminated before the new one starts`,
    },
  ];
}

/** The longest time until ready that the probes of a container allow. */
function allowedStartSeconds(container: Field): number {
  const startup = toProbe(container, 'startupProbe');
  const readiness = toProbe(container, 'readinessProbe');
  return (
    (startup === undefined ? 0 : startup.initialDelaySeconds + startup.patienceSeconds) +
    (readiness?.initialDelaySeconds ?? 0)
  );
}

interface Claim {
  readonly field: Field;
  readonly reason: string;
  readonly domain: 'node' | 'zone';
}

/** What keeps a second pod of the workload off a node, or out of a zone. */
function nodeClaim({ pod, podLabels, containers }: Workload): Claim | undefined {
  const hostNetwork = pod.get('hostNetwork');
  if (hostNetwork.isTrue()) return { field: hostNetwork, reason: 'hostNetwork', domain: 'node' };
  const hostPort = containers
    .flatMap((container) => container.get('ports').items())
    .map((port) => port.get('hostPort'))
    .find((port) => (port.number() ?? 0) > 0);
  if (hostPort !== undefined) return { field: hostPort, reason: 'hostPort', domain: 'node' };
  const term = pod
    .get('affinity', 'podAntiAffinity', 'requiredDuringSchedulingIgnoredDuringExecution')
    .items()
    .find(
      (each) =>
        domainOf(each) !== undefined &&
        // With matchLabelKeys on the template's hash, old and new pods may share a node.
        each.get('matchLabelKeys').items().length === 0 &&
        matchesSelector(each.get('labelSelector'), podLabels),
    );
  if (term === undefined) return undefined;
  return { field: term, reason: 'required anti-affinity', domain: domainOf(term) ?? 'node' };
}

/** What a term of anti-affinity keeps pods apart by, where there are only a few of it. */
function domainOf(term: Field): 'node' | 'zone' | undefined {
  const key = term.get('topologyKey').text();
  if (key === 'kubernetes.io/hostname') return 'node';
  return key === 'topology.kubernetes.io/zone' ? 'zone' : undefined;
}

function plural(count: number, noun: string): string {
  return count === 1 ? `${count} ${noun}` : `${count} ${noun}s`;
}

function forEachWorkload(check: (workload: Workload, inventory: Inventory) => Finding[]): Rule['check'] {
  return (inventory) => inventory.workloads.flatMap((workload) => check(workload, inventory));
}

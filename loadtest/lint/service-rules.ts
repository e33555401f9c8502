import type { Field } from '../kube/field.ts';
import type { KubeObject } from '../kube/object.ts';
import { hasLabels } from '../kube/selector.ts';
import { servicePorts, serviceSelector } from '../kube/service.ts';
import type { Finding, Rule } from './rule.ts';
import { toAccepting, toShutdown } from './shutdown.ts';
import { hasPodsElsewhere, hasPodsWith, type Inventory, type Workload } from './workload.ts';

/** Common health checks of cloud load balancers: 10 s apart, two failures. */
const BALANCER_CHECK_SECONDS = 20;

const SERVICE = 'https://kubernetes.io/docs/concepts/services-networking/service/';
const TRAFFIC_POLICY = 'https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-policies';

export const SERVICE_RULES: readonly Rule[] = [
  {
    id: 'service-selects-nothing',
    severity: 'error',
    title: 'A Service selects no pods',
    lost: 'Every request to it is refused.',
    fix: 'Make its selector match labels of the pod template.',
    source: `${SERVICE}#defining-a-service`,
    check: (inventory) =>
      servicesWithWorkloads(inventory)
        .filter(({ selected, object, selector }) => {
          const choose = (labels: ReadonlyMap<string, string>) => hasLabels(labels, selector);
          const values = new Set(selector.values());
          return selected.length === 0 && !hasPodsElsewhere(inventory, object.namespace, choose, values);
        })
        .map(({ object }) => ({
          object,
          field: object.root.get('spec', 'selector'),
          message: 'no workload of its namespace has these labels',
        })),
    bad: `
kind: Service
apiVersion: v1
metadata: { name: admin }
spec: { selector: { app: web, tier: admin }, ports: [{ name: http, port: 80, targetPort: http }] }
`,
    good: `
kind: Deployment
spec: { template: { metadata: { labels: { tier: admin } } } }
---
kind: Service
apiVersion: v1
metadata: { name: admin }
spec: { selector: { app: web, tier: admin }, ports: [{ name: http, port: 80, targetPort: http }] }
`,
  },
  {
    id: 'service-port-unknown',
    severity: 'error',
    title: 'A Service targets a port name that no container has',
    lost: 'The Service has no endpoints for that port: every request to it is refused.',
    fix: 'Set targetPort to the name of a container’s port.',
    source: `${SERVICE}#field-spec-ports`,
    check: forEachServicePort(({ object, field, target, ports }) =>
      typeof target === 'number' || ports.some((port) => port.get('name').text() === target)
        ? []
        : [
            {
              object,
              field: field.get('targetPort'),
              message: `no container of the pods has a port ${JSON.stringify(target)}`,
            },
          ],
    ),
    bad: `
kind: Service
spec:
  ports:
    - { name: http, targetPort: web }
`,
    good: `
kind: Service
spec:
  ports:
    - { name: http, targetPort: 8080 }
`,
  },
  {
    id: 'service-port-undeclared',
    severity: 'warning',
    title: 'A Service targets a port number that no container declares',
    lost: 'If nothing listens there, every request to it is refused. (A container may listen on ports that it does not declare.)',
    fix: 'Correct targetPort, or declare the port: by name, so that the two cannot differ.',
    source: `${SERVICE}#field-spec-ports`,
    check: forEachServicePort(({ object, field, target, ports }) =>
      typeof target === 'string' ||
      ports.length === 0 ||
      ports.some((port) => port.get('containerPort').number() === target)
        ? []
        : [
            {
              object,
              field: field.get('targetPort').exists ? field.get('targetPort') : field.get('port'),
              message: `the containers declare ${ports.map((port) => port.get('containerPort').scalar()).join(', ')}, not ${target}`,
            },
          ],
    ),
    bad: `
kind: Service
spec:
  ports:
    - { name: http, port: 80, targetPort: null } # the same as port
`,
    good: `
kind: Service
spec:
  ports:
    - { name: http, port: 8080, targetPort: null }
`,
  },
  {
    id: 'service-unready-pods',
    severity: 'error',
    title: 'A Service sends requests to pods that are not ready',
    lost: 'publishNotReadyAddresses bypasses readiness: starting and draining pods get requests until they are gone, in each rollout, scale-down and node drain.',
    fix: 'Remove publishNotReadyAddresses, or use it only on a headless Service for peer discovery.',
    source: 'https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/#ServiceSpec',
    check: forEachSelected(({ object }) => {
      const spec = object.root.get('spec');
      const field = spec.get('publishNotReadyAddresses');
      if (!field.isTrue() || spec.get('clusterIP').text() === 'None') return [];
      return [{ object, field, message: 'publishNotReadyAddresses is true' }];
    }),
    bad: `
kind: Service
spec: { publishNotReadyAddresses: true }
`,
    good: `
kind: Service
spec: { publishNotReadyAddresses: true, clusterIP: None }
`,
  },
  {
    id: 'service-node-local',
    severity: 'warning',
    title: 'A Service answers only on nodes that have a pod',
    lost: 'With internalTrafficPolicy Local, requests from a node without a ready pod are dropped, although other nodes have ready pods; the set of nodes changes with each rollout and scale-down.',
    fix: 'Leave internalTrafficPolicy at Cluster, or run the pods as a DaemonSet. trafficDistribution: PreferClose prefers nearby pods and falls back to others.',
    source: TRAFFIC_POLICY,
    check: forEachSelected(({ object, selected }) => {
      const field = object.root.get('spec', 'internalTrafficPolicy');
      if (field.text() !== 'Local' || selected.every((each) => each.object.kind === 'DaemonSet')) return [];
      return [
        {
          object,
          field,
          message: `internalTrafficPolicy Local for ${selected.map(({ label }) => label).join(', ')}`,
        },
      ];
    }),
    bad: `
kind: Service
spec: { internalTrafficPolicy: Local }
`,
    good: `
kind: Service
spec: { trafficDistribution: PreferClose }
`,
  },
  {
    id: 'service-balancer-late',
    severity: 'info',
    title: 'The load balancer may learn too late that a node’s last pod is gone',
    lost: `With externalTrafficPolicy Local, an external load balancer keeps sending to a node until its own health check fails, often ${BALANCER_CHECK_SECONDS} s. If pods accept for a shorter time after their deletion, those connections reach no pod.`,
    fix: 'Accept for longer than interval × threshold of the load balancer’s health check (preStop), or use externalTrafficPolicy Cluster.',
    source: TRAFFIC_POLICY,
    check: forEachSelected(({ object, selected, inventory }) => {
      const field = object.root.get('spec', 'externalTrafficPolicy');
      if (field.text() !== 'Local') return [];
      return selected.flatMap((workload) => {
        const accepts = toAccepting(workload).map(
          (container) =>
            toShutdown(inventory, workload, container).acceptsSeconds ?? Number.POSITIVE_INFINITY,
        );
        const shortest = Math.min(...accepts);
        if (shortest >= BALANCER_CHECK_SECONDS) return [];
        return [
          { object, field, message: `${workload.label} accepts for ${shortest} s after a pod is deleted` },
        ];
      });
    }),
    bad: `
kind: Service
spec: { type: LoadBalancer, externalTrafficPolicy: Local }
`,
    good: `
kind: Service
spec: { type: LoadBalancer, externalTrafficPolicy: Local }
---
kind: Deployment
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: web
          lifecycle: { preStop: { sleep: { seconds: 18 } } } # and 2 s of lame duck
`,
  },
];

interface ServedService {
  readonly inventory: Inventory;
  readonly object: KubeObject;
  readonly selector: ReadonlyMap<string, string>;
  readonly selected: readonly Workload[];
}

/** Services that select pods, with the workloads that they select; empty where the input has no pods for any. */
function servicesWithWorkloads(inventory: Inventory): ServedService[] {
  return inventory.objects.flatMap((object) => {
    const selector = object.kind === 'Service' ? serviceSelector(object.root) : undefined;
    const neighbours = inventory.workloads.filter(
      (workload) => workload.object.namespace === object.namespace,
    );
    if (selector === undefined || neighbours.length === 0) return [];
    const selected = neighbours.filter((workload) => hasPodsWith(workload, selector));
    return [{ inventory, object, selector, selected }];
  });
}

function forEachSelected(check: (service: ServedService) => Finding[]): Rule['check'] {
  return (inventory) =>
    servicesWithWorkloads(inventory)
      .filter(({ selected }) => selected.length > 0)
      .flatMap(check);
}

function forEachServicePort(
  check: (port: {
    object: KubeObject;
    field: Field;
    target: string | number;
    /** The ports of all containers of all pods that the Service selects. */
    ports: readonly Field[];
  }) => Finding[],
): Rule['check'] {
  return forEachSelected(({ object, selected }) => {
    const ports = selected.flatMap(({ containers }) =>
      containers.flatMap((container) => container.get('ports').items()),
    );
    return servicePorts(object.root).flatMap(({ field, target }) => check({ object, field, target, ports }));
  });
}

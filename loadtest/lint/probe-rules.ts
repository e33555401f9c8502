import { formatContainer } from '../kube/container.ts';
import type { Field } from '../kube/field.ts';
import { formatProbe, type Probe, toProbe, undeclaredPort } from '../kube/probe.ts';
import type { Finding, Rule } from './rule.ts';
import type { Workload } from './workload.ts';

/**
 * Below this, a single pause of the process (for example a garbage collection or a throttled period) causes a
 * restart.
 */
const MIN_LIVENESS_PATIENCE_SECONDS = 10;

/** That of the defaults, 3 times 10 s. */
const MAX_READINESS_PATIENCE_SECONDS = 30;

const PROBES =
  'https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/';
const PROBE_TYPES = 'https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/';

export const PROBE_RULES: readonly Rule[] = [
  {
    id: 'readiness-missing',
    severity: 'error',
    title: 'No readiness probe',
    lost: 'A new pod counts as ready as soon as its process runs, before it listens: requests to it are refused in each rollout and scale-up. A rollout cannot detect a version that never serves.',
    fix: 'Add a readinessProbe on a path that answers 200 only while the container can serve.',
    source: PROBE_TYPES,
    check: forEachServing((workload, container) =>
      container.get('readinessProbe').exists
        ? []
        : [
            {
              object: workload.object,
              field: container,
              message: `${formatContainer(container)} has no readinessProbe`,
            },
          ],
    ),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          readinessProbe: null
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          readinessProbe: { tcpSocket: { port: http } }
`,
  },
  {
    id: 'liveness-is-readiness',
    severity: 'warning',
    title: 'The liveness probe fails where only the readiness probe should',
    lost: 'A pod that is overloaded, or waits for another service, reports that it is not ready, and is restarted for that with its requests in flight. Its load moves to the other pods, and they follow. (Liveness is not probed while a pod is being deleted.)',
    fix: 'Give liveness an endpoint of its own that returns 200 as long as the process can answer, or let it fail well after readiness.',
    source: PROBES,
    check: forEachServing((workload, container) => {
      const liveness = toProbe(container, 'livenessProbe');
      const readiness = toProbe(container, 'readinessProbe');
      if (liveness === undefined) return [];
      const isShared =
        liveness.endpoint === readiness?.endpoint && liveness.patienceSeconds <= readiness.patienceSeconds;
      const asksReadiness = /^http \S* \S*\/(ready|readyz|readiness)\b/.test(liveness.endpoint);
      if (!isShared && !asksReadiness) return [];
      return [
        {
          object: workload.object,
          field: liveness.field,
          message: isShared
            ? `liveness and readiness of ${formatContainer(container)} probe the same endpoint, and liveness fails after ${liveness.patienceSeconds} s, readiness after ${readiness?.patienceSeconds} s`
            : `liveness of ${formatContainer(container)} probes a readiness endpoint`,
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
          livenessProbe:
            httpGet: { path: /ready, port: 8080 }
            periodSeconds: 5
            failureThreshold: 2
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          livenessProbe: { httpGet: { path: /, port: http } }
          readinessProbe: { httpGet: { path: /, port: http } }
`,
  },
  {
    id: 'liveness-impatient',
    severity: 'warning',
    title: 'One slow moment causes a restart',
    lost: 'A pause of the process (garbage collection, throttled CPU, a busy node) fails the probe; the restart cuts its requests in flight and leaves the load to the other pods.',
    fix: `Let liveness fail only after ${MIN_LIVENESS_PATIENCE_SECONDS} s and more than one failure: failureThreshold 3, periodSeconds 10.`,
    source: PROBES,
    check: forEachServing((workload, container) => {
      const liveness = toProbe(container, 'livenessProbe');
      if (
        liveness === undefined ||
        (liveness.failureThreshold > 1 && liveness.patienceSeconds >= MIN_LIVENESS_PATIENCE_SECONDS)
      ) {
        return [];
      }
      return [
        {
          object: workload.object,
          field: liveness.field,
          message: `liveness of ${formatContainer(container)} fails after ${liveness.failureThreshold} × ${liveness.periodSeconds} s`,
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
          livenessProbe: { periodSeconds: 3 }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          livenessProbe: { periodSeconds: 5, failureThreshold: 2 }
`,
  },
  {
    id: 'probe-exec',
    severity: 'info',
    title: 'A probe runs a program inside the container',
    lost: 'The program checks from inside: a server that listens only on localhost, or on a port other than the Service’s target, counts as ready, and its requests are refused. Each run starts a process, which is slow when CPU is scarce.',
    fix: 'Probe with httpGet, grpc or tcpSocket: the kubelet then probes the address that requests are sent to.',
    source: PROBES,
    check: forEachServing((workload, container) =>
      probesOf(container)
        .filter(({ field }) => field.get('exec').exists)
        .map((probe) => ({
          object: workload.object,
          field: probe.field,
          message: `${formatProbe(probe)} of ${formatContainer(container)} is an exec probe`,
        })),
    ),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          readinessProbe:
            httpGet: null
            exec: { command: [wget, -qO-, "http://localhost:8080/ready"] }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          readinessProbe:
            httpGet: null
            grpc: { port: 8080 }
`,
  },
  {
    id: 'readiness-slow',
    severity: 'warning',
    title: 'A pod that stopped answering is noticed late',
    lost: 'A pod that hangs, or reports that it is not ready, still gets requests until readiness has failed often enough; all of them fail or time out.',
    fix: `Keep periodSeconds × failureThreshold of the readinessProbe at ${MAX_READINESS_PATIENCE_SECONDS} s or less; 5 s × 2 is common.`,
    source: PROBE_TYPES,
    check: forEachServing((workload, container) => {
      const readiness = toProbe(container, 'readinessProbe');
      if (readiness === undefined || readiness.patienceSeconds <= MAX_READINESS_PATIENCE_SECONDS) return [];
      return [
        {
          object: workload.object,
          field: readiness.field,
          message: `readiness of ${formatContainer(container)} fails only after ${readiness.failureThreshold} × ${readiness.periodSeconds} s`,
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
          readinessProbe: { periodSeconds: 31, failureThreshold: 1 }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          readinessProbe: { periodSeconds: 10, failureThreshold: 3 }
`,
  },
  {
    id: 'startup-probe-missing',
    severity: 'info',
    title: 'Liveness is probed from the first second',
    lost: 'Nothing while the container starts fast. A start that outlasts liveness (a cold node, throttled CPU, many pods at once) is restarted for ever, just when more pods are needed.',
    fix: 'Add a startupProbe on the endpoint of the livenessProbe that allows enough time for a slow start.',
    source: PROBES,
    check: forEachServing((workload, container) => {
      const liveness = toProbe(container, 'livenessProbe');
      if (liveness === undefined || container.get('startupProbe').exists) return [];
      return [
        {
          object: workload.object,
          field: liveness.field,
          message: `${formatContainer(container)} must answer within ${liveness.initialDelaySeconds + liveness.patienceSeconds} s of its start, and has no startupProbe`,
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
          startupProbe: null
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          livenessProbe: null
          startupProbe: null
`,
  },
  {
    id: 'probe-port-unknown',
    severity: 'error',
    title: 'A probe uses a port that the container does not declare',
    lost: 'The probe can only fail: new pods never become ready, so no rollout or scale-up completes, or they are restarted for ever.',
    fix: 'Name one of the container’s ports, or add the port.',
    source: PROBES,
    check: forEachServing((workload, container) =>
      probesOf(container).flatMap((probe) => {
        const port = undeclaredPort(container, probe);
        if (port === undefined) return [];
        return [
          {
            object: workload.object,
            field: port,
            message: `${formatProbe(probe)} uses port ${JSON.stringify(port.text())}, which ${formatContainer(container)} does not declare`,
          },
        ];
      }),
    ),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          readinessProbe: { httpGet: { port: web } }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          readinessProbe: { httpGet: { port: 8080 } }
`,
  },
];

function probesOf(container: Field): Probe[] {
  return (['startupProbe', 'livenessProbe', 'readinessProbe'] as const).flatMap(
    (name) => toProbe(container, name) ?? [],
  );
}

function forEachServing(check: (workload: Workload, container: Field) => Finding[]): Rule['check'] {
  return ({ workloads }) =>
    workloads.flatMap((workload) => workload.serving.flatMap((container) => check(workload, container)));
}

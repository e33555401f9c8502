import { formatContainer, isSidecar } from '../kube/container.ts';
import type { Field } from '../kube/field.ts';
import { toGraceSeconds } from '../kube/grace-period.ts';
import type { Finding, Rule } from './rule.ts';
import { commandText, type Shutdown, toAccepting, toShutdown } from './shutdown.ts';
import type { Inventory, Workload } from './workload.ts';

/**
 * A pod that is being deleted keeps receiving connections until every kube-proxy has learned of it. Where the
 * removal is learned of after 1 s, accepting for 0.5 s lost 4 to 5 % of the requests and accepting for 3 s none.
 */
const MIN_ACCEPT_SECONDS = 3;

/** Names of images that are built without a shell. */
const SHELL_LESS = /distroless|\bscratch\b|chainguard|[-/:]static\b/i;

const TERMINATION = 'https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination';
const HOOKS = 'https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/';

const forEachServing = forEachOf(({ serving }) => serving);
const forEachAccepting = forEachOf(toAccepting);

export const SHUTDOWN_RULES: readonly Rule[] = [
  {
    id: 'shutdown-budget',
    severity: 'error',
    title: 'The grace period ends before the shutdown does',
    lost: 'The kubelet kills the container while it is still answering: every request in flight at that moment is cut, in each rollout, scale-down and node drain.',
    fix: 'Set terminationGracePeriodSeconds above preStop + lame duck + drain timeout, with a few seconds to spare. It is counted from the start of preStop.',
    source: TERMINATION,
    check: forEachServing(({ workload, container, shutdown }) => {
      const grace = workload.pod.get('terminationGracePeriodSeconds');
      const graceSeconds = toGraceSeconds(workload.pod);
      const parts = [
        ['preStop', shutdown.preStopSeconds],
        ['lame duck', shutdown.lameDuckSeconds],
        ['drain', shutdown.drainSeconds],
      ].filter((part): part is [string, number] => typeof part[1] === 'number' && part[1] > 0);
      const needed = parts.reduce((sum, [, seconds]) => sum + seconds, 0);
      if (graceSeconds > needed) return [];
      const budget = parts.map(([name, seconds]) => `${seconds} s ${name}`).join(' + ');
      return [
        {
          object: workload.object,
          field: grace,
          message:
            budget === ''
              ? `the grace period is ${graceSeconds} s: ${formatContainer(container)} is killed at once`
              : `the grace period is ${graceSeconds} s, but ${formatContainer(container)} takes up to ${needed} s (${budget})`,
        },
      ];
    }),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 37 # 10 s preStop + 2 s lame duck + 25 s drain
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 38
`,
  },
  {
    id: 'shutdown-no-delay',
    severity: 'error',
    title: 'The container stops accepting connections as soon as its pod is deleted',
    lost: 'kube-proxies and balancers learn of the removal later than the container does, and until then send new connections to it. Unless the server itself keeps accepting, they are refused, in each rollout, scale-down and node drain.',
    fix: 'Add lifecycle.preStop.sleep of 5 to 10 s (Kubernetes 1.30), before whatever stops the server, or make the server keep accepting for that long after SIGTERM. If it already does, say so in an annotation.',
    source: TERMINATION,
    check: forEachAccepting(({ workload, container, shutdown: { acceptsSeconds, preStop } }) => {
      if (acceptsSeconds !== 0) return [];
      return [
        preStop.kind === 'none' || preStop.endsServerAfterMs === null
          ? {
              object: workload.object,
              field: container,
              message: `${formatContainer(container)} has no preStop delay and no setting that keeps it accepting after SIGTERM`,
            }
          : {
              object: workload.object,
              field: preStop.field,
              message: `preStop of ${formatContainer(container)} stops the server at once: ${JSON.stringify(shorten(commandText(preStop.field.get('exec', 'command'))))}`,
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
          lifecycle: null
          env:
            - { name: LAME_DUCK_MS, value: "0" }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          lifecycle:
            preStop: { sleep: { seconds: 5 } }
          env:
            - { name: LAME_DUCK_MS, value: "0" }
`,
  },
  {
    id: 'shutdown-delay-short',
    severity: 'warning',
    title: 'The container stops accepting connections before its removal has spread',
    lost: `Accepting for 0.5 s lost 4 to 5 % of the requests of a rollout where the balancer learned of the removal after 1 s; accepting for ${MIN_ACCEPT_SECONDS} s lost none. Large clusters and cloud balancers take longer.`,
    fix: 'Raise preStop.sleep, or the time for which the server accepts after SIGTERM, to a total of 5 to 10 s.',
    source: TERMINATION,
    check: forEachAccepting(({ workload, container, shutdown: { acceptsSeconds = 0, preStop } }) =>
      acceptsSeconds === 0 || acceptsSeconds >= MIN_ACCEPT_SECONDS
        ? []
        : [
            {
              object: workload.object,
              field: preStop.kind === 'none' ? container : preStop.field,
              message: `${formatContainer(container)} accepts for ${acceptsSeconds} s after its pod is deleted, less than ${MIN_ACCEPT_SECONDS} s`,
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
          lifecycle: null # leaves 2 s of lame duck
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          lifecycle:
            preStop: { sleep: { seconds: 1 } } # and 2 s of lame duck
`,
  },
  {
    id: 'shutdown-uneven',
    severity: 'warning',
    title: 'A container stops before the one that forwards requests to it',
    lost: 'All containers of a pod are terminated at once. While the one in front still accepts, those behind it are gone, and it answers 502, in each rollout, scale-down and node drain.',
    fix: 'Give every container on the path of the requests the same preStop, or make the one in front a sidecar (an init container with restartPolicy Always): it gets SIGTERM only after the others have exited.',
    source: TERMINATION,
    check: ({ workloads, ...rest }) =>
      workloads.flatMap((workload) => {
        const inventory = { workloads, ...rest };
        const acceptsSeconds = (container: Field) =>
          toShutdown(inventory, workload, container).acceptsSeconds;
        const front = toAccepting(workload);
        const longest = Math.max(...front.map((container) => acceptsSeconds(container) ?? 0));
        return workload.containers
          .filter((container) => !front.includes(container) && isBehind(container))
          .flatMap((container) => {
            const seconds = acceptsSeconds(container) ?? longest;
            if (seconds >= longest) return [];
            const names = front.map((each) => each.get('name').text()).join(', ');
            return [
              {
                object: workload.object,
                field: container,
                message: `${formatContainer(container)} accepts for ${seconds} s after its pod is deleted, and ${names} for ${longest} s`,
              },
            ];
          });
      }),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - { name: app, image: "registry.example.com/app:2.1.0", ports: [{ containerPort: 9000 }] }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: app
          image: registry.example.com/app:2.1.0
          ports: [{ containerPort: 9000 }]
          lifecycle: { preStop: { sleep: { seconds: 12 } } } # web has 10 s, and 2 s of lame duck
`,
  },
  {
    id: 'prestop-no-shell',
    severity: 'error',
    title: 'preStop runs a program that the image does not have',
    lost: 'The hook fails at once (FailedPreStopHook, an event that nobody reads) and its delay is lost: new connections are refused in each rollout.',
    fix: 'Use lifecycle.preStop.sleep: the kubelet sleeps, the image needs nothing (Kubernetes 1.30).',
    source: HOOKS,
    check: forEachServing(({ workload, container, shutdown }) => {
      const image = container.get('image').text() ?? '';
      const command = execCommand(shutdown);
      if (command === undefined || !SHELL_LESS.test(image) || !isShellOrSleep(command)) return [];
      return [
        {
          object: workload.object,
          field: command,
          message: `preStop runs ${JSON.stringify(commandText(command))}, but ${image}, judging by its name, has neither a shell nor sleep`,
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
          image: registry.example.com/web:1.4.2-distroless
          lifecycle:
            preStop: { sleep: null, exec: { command: [sleep, "10"] } }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.4.2-distroless
          lifecycle:
            preStop: { exec: null, sleep: { seconds: 10 } }
`,
  },
  {
    id: 'prestop-exec-sleep',
    severity: 'info',
    title: 'preStop sleeps with a program of the image',
    lost: 'Nothing while the image has the program. When a leaner base image drops it, the hook fails unnoticed and the delay is lost.',
    fix: 'Use lifecycle.preStop.sleep: the kubelet sleeps, the image needs nothing (Kubernetes 1.30).',
    source: HOOKS,
    check: forEachServing(({ inventory, workload, container, shutdown }) => {
      const command = execCommand(shutdown);
      const isOld = inventory.kubeMinor !== undefined && inventory.kubeMinor < 30;
      if (command === undefined || isOld || SHELL_LESS.test(container.get('image').text() ?? '')) return [];
      if (!/^(\S*\/)?(sleep|(ba|da|a)?sh\s+-c\s+(exec\s+)?(\S*\/)?sleep)\s+\S+$/.test(commandText(command)))
        return [];
      return [
        {
          object: workload.object,
          field: command,
          message: `preStop runs ${JSON.stringify(commandText(command))}`,
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
          lifecycle:
            preStop: { sleep: null, exec: { command: [sh, -c, sleep 10] } }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          lifecycle:
            preStop: { sleep: null, exec: { command: [sh, -c, sleep 10 && nginx -s quit] } }
`,
  },
  {
    id: 'prestop-sleep-dropped',
    severity: 'error',
    title: 'preStop.sleep on a cluster that does not support it',
    lost: 'Before Kubernetes 1.30 the API server rejects the manifest or drops the field. If it is dropped there is no preStop, and new connections are refused in each rollout.',
    fix: 'Run sleep from the image (exec), make the server accept for longer after SIGTERM, or upgrade to 1.30.',
    source: HOOKS,
    check: forEachServing(({ inventory, workload, shutdown: { preStop } }) =>
      inventory.kubeMinor === undefined ||
      inventory.kubeMinor >= 30 ||
      preStop.kind === 'none' ||
      !preStop.field.get('sleep').exists
        ? []
        : [
            {
              object: workload.object,
              field: preStop.field.get('sleep'),
              message: `preStop.sleep needs Kubernetes 1.30, the cluster has 1.${inventory.kubeMinor}`,
            },
          ],
    ),
    assumes: { kubeMinor: 29 },
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          lifecycle:
            preStop: { sleep: { seconds: 10 } }
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          lifecycle:
            preStop: { sleep: null, exec: { command: [sleep, "10"] } }
`,
  },
  {
    id: 'sigterm-swallowed',
    severity: 'warning',
    title: 'A shell or package manager sits between the kubelet and the server',
    lost: 'SIGTERM goes to process 1. A shell that runs a list of commands does not pass it on: the server never gets it, and is killed at the end of the grace period with its requests in flight.',
    fix: 'Start the server directly, or make `exec SERVER` the last command of the script.',
    source: TERMINATION,
    check: forEachServing(({ workload, container }) => {
      const field = container.get('command').exists ? container.get('command') : container.get('args');
      const line = ['command', 'args']
        .map((key) => commandText(container.get(key)))
        .join(' ')
        .trim();
      return isSwallowing(line)
        ? [
            {
              object: workload.object,
              field,
              message: `${formatContainer(container)} starts with ${JSON.stringify(shorten(line))}`,
            },
          ]
        : [];
    }),
    bad: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          command: [sh, -c, ./migrate && ./server]
`,
    good: `
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          command: [sh, -c, ./migrate && exec ./server]
`,
  },
];

interface Serving {
  readonly inventory: Inventory;
  readonly workload: Workload;
  readonly container: Field;
  readonly shutdown: Shutdown;
}

function forEachOf(choose: (workload: Workload) => readonly Field[]) {
  return (check: (serving: Serving) => Finding[]): Rule['check'] =>
    (inventory) =>
      inventory.workloads.flatMap((workload) =>
        choose(workload).flatMap((container) =>
          check({ inventory, workload, container, shutdown: toShutdown(inventory, workload, container) }),
        ),
      );
}

/**
 * Whether something in the pod may send requests to the container; ports for metrics alone are scraped from
 * outside.
 */
function isBehind(container: Field): boolean {
  return (
    !isSidecar(container) &&
    container
      .get('ports')
      .items()
      .some((port) => !/metric|prom|telemetry/i.test(port.get('name').text() ?? ''))
  );
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function execCommand({ preStop }: Shutdown): Field | undefined {
  const command = preStop.kind === 'none' ? undefined : preStop.field.get('exec', 'command');
  return command?.exists ? command : undefined;
}

function isShellOrSleep(command: Field): boolean {
  return /^(\S*\/)?((ba|da|a|z)?sh|sleep)$/.test(command.get(0).text() ?? '');
}

/**
 * A shell is replaced by a lone command, and scripts with `exec` or `trap` were written with signals in mind.
 * Quoted text is not a command: `nginx -g 'daemon off;'` is one command.
 */
export function isSwallowing(line: string): boolean {
  const [, given] =
    /^(?:\S*\/)?(?:ba|da|a|z)?sh\s+(?:[-+]\w+\s+|pipefail\s+)*-\w*c\s+(.*)$/s.exec(line) ?? [];
  const script = (given ?? line).replaceAll(/'[^']*'|"[^"]*"/g, 'quoted').trim();
  if (/\btrap\b/.test(script)) return false;
  const last = script.split(/;|&&|\|\||\n/).at(-1) ?? '';
  if (/^\s*(exec\s+)?(\S*\/)?(npm|yarn|pnpm)\s/.test(last)) return true;
  return given !== undefined && /[;|\n]|&&|(?<!>)&(?!>)/.test(script) && !/\bexec\b/.test(script);
}

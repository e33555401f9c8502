import type { Field } from '../../loadtest/kube/field.ts';
import type { KubeObject } from '../../loadtest/kube/object.ts';
import type { Rule } from '../../loadtest/lint/rule.ts';

const STANDARDS = 'https://kubernetes.io/docs/concepts/security/pod-security-standards/';
const LOST =
  'In a namespace that enforces the standard the API server refuses the pod: a rollout stands still with the old version serving, and what is new never starts.';

/** A pod, or the template of one. */
interface Pod {
  readonly object: KubeObject;
  readonly annotations: Field;
  readonly spec: Field;
  /** Of all three kinds: the standards make no difference between them. */
  readonly containers: readonly Field[];
}

interface Fault {
  readonly field: Field;
  readonly message: string;
}

interface Control {
  /** Appended to `pod-security-`. */
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  readonly title: string;
  readonly fix: string;
  check(pod: Pod): readonly Fault[];
  readonly bad: string;
  readonly good: string;
}

/** The control of a field that must have one of some values wherever it stands. */
function allow(fields: readonly Field[], isAllowed: (field: Field) => boolean): Fault[] {
  return fields
    .filter((field) => field.exists && !isAllowed(field))
    .map((field) => ({ field, message: `is ${JSON.stringify(field.value)}` }));
}

/** A key of the security context of the pod and of each container. */
function contexts({ spec, containers }: Pod, ...keys: string[]): Field[] {
  return [spec, ...containers].map((where) => where.get('securityContext', ...keys));
}

/** A key that each container must have, unless the pod has it for all; wherever it stands it must be allowed. */
function require(
  pod: Pod,
  keys: readonly string[],
  isAllowed: (field: Field) => boolean,
  wanted: string,
): Fault[] {
  const [ofPod, ...ofContainers] = contexts(pod, ...keys);
  const missing = ofPod?.exists ? [] : ofContainers.filter((field) => !field.exists);
  return [
    ...allow([...(ofPod === undefined ? [] : [ofPod]), ...ofContainers], isAllowed),
    ...missing.map((field) => ({ field, message: `is missing: ${wanted}` })),
  ];
}

const ALLOWED_SELINUX_TYPES = [
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
];

const ALLOWED_SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
];

const ALLOWED_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

const PROFILES = ['RuntimeDefault', 'Localhost'];

const isOneOf = (values: readonly string[]) => (field: Field) => values.includes(field.text() ?? '?');

/**
 * Every control of the level `restricted`, which holds those of `baseline`, for pods on Linux. Where a restricted
 * control is the stricter form of a baseline one (capabilities, volumes, seccomp) only that is here.
 */
const CONTROLS: readonly Control[] = [
  {
    id: 'host-process',
    level: 'baseline',
    title: 'Windows HostProcess',
    fix: 'Remove windowsOptions.hostProcess.',
    check: (pod) => allow(contexts(pod, 'windowsOptions', 'hostProcess'), (field) => field.isFalse()),
    bad: 'securityContext: { windowsOptions: { hostProcess: true } }',
    good: 'securityContext: { windowsOptions: { hostProcess: false } }',
  },
  {
    id: 'host-namespaces',
    level: 'baseline',
    title: 'Namespaces of the host',
    fix: 'Remove hostNetwork, hostPID and hostIPC.',
    check: ({ spec }) =>
      allow(
        ['hostNetwork', 'hostPID', 'hostIPC'].map((key) => spec.get(key)),
        (field) => field.isFalse(),
      ),
    bad: 'hostPID: true',
    good: 'hostPID: false',
  },
  {
    id: 'privileged',
    level: 'baseline',
    title: 'A privileged container',
    fix: 'Remove securityContext.privileged.',
    check: (pod) => allow(contexts(pod, 'privileged').slice(1), (field) => field.isFalse()),
    bad: 'containers: [{ name: web, securityContext: { privileged: true } }]',
    good: 'containers: [{ name: web, securityContext: { privileged: false } }]',
  },
  {
    id: 'host-ports',
    level: 'baseline',
    title: 'A port of the host',
    fix: 'Remove hostPort: a Service reaches the pods without.',
    check: ({ containers }) =>
      allow(
        containers.flatMap((container) => container.get('ports').items()).map((port) => port.get('hostPort')),
        (field) => field.number() === 0,
      ),
    bad: 'initContainers: [{ name: init, ports: [{ containerPort: 80, hostPort: 80 }], securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } } }]',
    good: 'containers: [{ name: web, ports: [{ name: http, containerPort: 8080, hostPort: 0 }] }]',
  },
  {
    id: 'host-probes',
    level: 'baseline',
    title: 'A probe or hook that asks another host',
    fix: 'Remove host: probes ask the pod.',
    check: ({ containers }) =>
      allow(
        containers.flatMap((container) =>
          [
            ['livenessProbe'],
            ['readinessProbe'],
            ['startupProbe'],
            ['lifecycle', 'postStart'],
            ['lifecycle', 'preStop'],
          ].flatMap((path) => [
            container.get(...path, 'httpGet', 'host'),
            container.get(...path, 'tcpSocket', 'host'),
          ]),
        ),
        (field) => field.text() === '',
      ),
    bad: 'containers: [{ name: web, readinessProbe: { httpGet: { host: 127.0.0.1 } } }]',
    good: 'containers: [{ name: web, readinessProbe: { httpGet: { host: "" } } }]',
  },
  {
    id: 'app-armor',
    level: 'baseline',
    title: 'An AppArmor profile that is none',
    fix: 'Use RuntimeDefault or Localhost, or leave it out.',
    check: (pod) => [
      ...allow(contexts(pod, 'appArmorProfile', 'type'), isOneOf(PROFILES)),
      ...allow(
        pod.annotations
          .entries()
          .filter(([key]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/'))
          .map(([, field]) => field),
        (field) => /^(runtime\/default|localhost\/.*)?$/.test(field.text() ?? '?'),
      ),
    ],
    bad: 'containers: [{ name: web, securityContext: { appArmorProfile: { type: Unconfined } } }]',
    good: 'containers: [{ name: web, securityContext: { appArmorProfile: { type: RuntimeDefault } } }]',
  },
  {
    id: 'selinux',
    level: 'baseline',
    title: 'A custom SELinux user, role or type',
    fix: `Leave seLinuxOptions out, or use one of the types ${ALLOWED_SELINUX_TYPES.slice(1).join(', ')}.`,
    check: (pod) => [
      ...allow(contexts(pod, 'seLinuxOptions', 'type'), isOneOf(ALLOWED_SELINUX_TYPES)),
      ...allow(
        [...contexts(pod, 'seLinuxOptions', 'user'), ...contexts(pod, 'seLinuxOptions', 'role')],
        (field) => field.text() === '',
      ),
    ],
    bad: 'securityContext: { seLinuxOptions: { type: spc_t } }',
    good: 'securityContext: { seLinuxOptions: { type: container_t } }',
  },
  {
    id: 'proc-mount',
    level: 'baseline',
    title: 'An unmasked /proc',
    fix: 'Leave procMount out.',
    check: (pod) => allow(contexts(pod, 'procMount').slice(1), isOneOf(['Default'])),
    bad: 'containers: [{ name: web, securityContext: { procMount: Unmasked } }]',
    good: 'containers: [{ name: web, securityContext: { procMount: Default } }]',
  },
  {
    id: 'sysctls',
    level: 'baseline',
    title: 'A kernel setting that reaches beyond the pod',
    fix: 'Use only the sysctls that the standard calls safe.',
    check: ({ spec }) =>
      allow(
        spec
          .get('securityContext', 'sysctls')
          .items()
          .map((sysctl) => sysctl.get('name')),
        isOneOf(ALLOWED_SYSCTLS),
      ),
    bad: 'securityContext: { sysctls: [{ name: kernel.msgmax, value: "65536" }] }',
    good: 'securityContext: { sysctls: [{ name: net.ipv4.tcp_syncookies, value: "1" }] }',
  },
  {
    id: 'volumes',
    level: 'restricted',
    title: 'A volume of a type that reaches into the host or a network',
    fix: 'Use a persistentVolumeClaim, or one of the types that the standard allows.',
    check: ({ spec }) =>
      spec
        .get('volumes')
        .items()
        .flatMap((volume) => {
          const types = volume.entries().filter(([key, field]) => key !== 'name' && field.exists);
          // Without a type a volume is an emptyDir.
          return types
            .filter(([key]) => !ALLOWED_VOLUMES.includes(key))
            .map(([key, field]) => ({ field, message: `is ${key}` }));
        }),
    bad: 'volumes: [{ name: host, hostPath: { path: /var/run } }]',
    good: 'volumes: [{ name: tmp, emptyDir: {} }]',
  },
  {
    id: 'privilege-escalation',
    level: 'restricted',
    title: 'A container that may gain privileges',
    fix: 'Set securityContext.allowPrivilegeEscalation to false on every container.',
    check: ({ containers }) =>
      containers
        .map((container) => container.get('securityContext', 'allowPrivilegeEscalation'))
        .filter((field) => !field.isFalse())
        .map((field) => ({
          field,
          message: field.exists ? `is ${JSON.stringify(field.value)}` : 'is missing',
        })),
    bad: 'ephemeralContainers: [{ name: debug, securityContext: { capabilities: { drop: [ALL] } } }]',
    good: 'ephemeralContainers: [{ name: debug, securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } } }]',
  },
  {
    id: 'non-root',
    level: 'restricted',
    title: 'A container that may run as root',
    fix: 'Set securityContext.runAsNonRoot to true on the pod, and to false nowhere.',
    check: (pod) =>
      require(pod, ['runAsNonRoot'], (field) => field.isTrue(), 'true, on the pod or on the container'),
    bad: 'securityContext: { runAsNonRoot: null }',
    good: `securityContext: { runAsNonRoot: null }
containers: [{ name: web, securityContext: { runAsNonRoot: true } }]`,
  },
  {
    id: 'run-as-user',
    level: 'restricted',
    title: 'A container that runs as user 0',
    fix: 'Use another runAsUser, or leave it to the image.',
    check: (pod) => allow(contexts(pod, 'runAsUser'), (field) => field.number() !== 0),
    bad: 'containers: [{ name: web, securityContext: { runAsUser: 0 } }]',
    good: 'containers: [{ name: web, securityContext: { runAsUser: 1 } }]',
  },
  {
    id: 'seccomp',
    level: 'restricted',
    title: 'No seccomp profile',
    fix: 'Set securityContext.seccompProfile.type to RuntimeDefault on the pod.',
    check: (pod) => require(pod, ['seccompProfile', 'type'], isOneOf(PROFILES), PROFILES.join(' or ')),
    bad: 'containers: [{ name: web, securityContext: { seccompProfile: { type: Unconfined } } }]',
    good: `securityContext: { seccompProfile: null }
containers: [{ name: web, securityContext: { seccompProfile: { type: Localhost, localhostProfile: web.json } } }]`,
  },
  {
    id: 'capabilities',
    level: 'restricted',
    title: 'Capabilities beyond NET_BIND_SERVICE',
    fix: 'Drop ALL on every container, and add at most NET_BIND_SERVICE.',
    check: ({ containers }) =>
      containers.flatMap((container) => {
        const capabilities = container.get('securityContext', 'capabilities');
        const drop = capabilities.get('drop');
        return [
          ...(drop.items().some((each) => each.text() === 'ALL')
            ? []
            : [{ field: drop, message: 'does not hold ALL' }]),
          ...allow(capabilities.get('add').items(), isOneOf(['NET_BIND_SERVICE'])),
        ];
      }),
    bad: 'containers: [{ name: web, securityContext: { capabilities: { drop: [NET_RAW] } } }]',
    good: 'containers: [{ name: web, securityContext: { capabilities: { drop: [ALL], add: [NET_BIND_SERVICE] } } }]',
  },
];

/** The Pod Security Standard `restricted`, as of Kubernetes 1.35, as rules. */
export const POD_SECURITY_RULES: readonly Rule[] = CONTROLS.map(
  ({ id, level, title, fix, check, bad, good }) => ({
    id: `pod-security-${id}`,
    severity: 'error',
    title,
    lost: LOST,
    fix,
    source: `${STANDARDS}#${level}`,
    check: ({ objects }) =>
      objects
        .flatMap(toPod)
        .flatMap((pod) => check(pod).map(({ field, message }) => ({ object: pod.object, field, message }))),
    bad: toPatch(bad),
    good: toPatch(good),
  }),
);

/** An example's lines belong into the spec of the pod template. */
function toPatch(lines: string): string {
  return `
kind: Deployment
spec:
  template:
    spec:
${lines.replace(/^/gm, '      ')}
`;
}

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ['template'],
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

function toPod(object: KubeObject): Pod[] {
  const path = TEMPLATES[object.kind];
  if (path === undefined) return [];
  const template = object.root.get(...path);
  const spec = template.get('spec');
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap((key) =>
    spec.get(key).items(),
  );
  return [{ object, annotations: template.get('metadata', 'annotations'), spec, containers }];
}

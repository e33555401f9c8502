import type { Json } from '../kube/json.ts';
import type { Permission } from '../kube/permission.ts';
import { toRbacRules } from '../kube/rbac-rule.ts';
import type { Parcel } from './parcel.ts';
import type { SenderPod } from './runner-task.ts';

/** Of all objects of one runner. */
export interface RunnerIdentity {
  readonly name: string;
  readonly namespace: string;
}

/** The Job, once the API server has it: the owner of all else, which goes when it goes. */
export interface RunnerOwner extends RunnerIdentity {
  readonly uid: string;
}

/** Where in the pod the Secret of the runner is mounted. */
export const INPUT_FOLDER = '/runner/input';
/** Where the command of a runner writes its reports: they are sent, when they are whole or as they grow. */
export const REPORT_FOLDER = '/runner/reports';
/** The report that is the summary of a job of GitHub Actions. */
export const SUMMARY = 'summary';
/** The key of the Secret that holds the task. */
export const TASK_FILE = 'task.json';
/** The environment variable that makes a process a runner: the name of its Job. */
export const RUNNER_VARIABLE = 'DROPLESS_RUNNER';
/** The one that holds the UID of its Job. */
export const UID_VARIABLE = 'DROPLESS_RUNNER_UID';
/** What the controller of Jobs puts on its pods: the name of the Job, and its UID. */
export const JOB_LABEL = 'batch.kubernetes.io/job-name';
/** https://kubernetes.io/docs/reference/labels-annotations-taints/#batchkubernetesio-controller-uid */
const UID_LABEL = 'batch.kubernetes.io/controller-uid';
export const RUNNER_CONTAINER = 'dropless';
/** Not for the sake of a better place while it measures. */
const UNMOVED = {
  'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
  'karpenter.sh/do-not-disrupt': 'true',
};
const INPUT_MOUNT = { name: 'input', mountPath: INPUT_FOLDER, readOnly: true };
/** The key of the Secret that holds what a runner and its senders share. */
export const SECRET_FILE = 'senders';
/** The environment variable that makes a process a sender: that secret. */
export const SENDER_VARIABLE = 'DROPLESS_SENDER';
export const SENDER_PORT = 7_878;
/** What is left of a runner whose caller is gone is removed after so long. */
const TTL_SECONDS = 60;
/** To take back what was done to the target, and for the target to come to rest. */
const GRACE_SECONDS = 600;

/** What all objects of a runner carry, so that they can be listed. */
function toRunnerLabels(name: string): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': 'dropless', 'app.kubernetes.io/instance': name };
}

/** A query for all objects of one kind of a runner. */
export function toRunnerQuery(name: string): string {
  const pairs = Object.entries(toRunnerLabels(name)).map(([key, value]) => `${key}=${value}`);
  return encodeURIComponent(pairs.join(','));
}

/** The Job of a runner. It is suspended until all that it needs is there. */
export function toRunnerJob({ name, namespace }: RunnerIdentity, image: string): Json {
  const labels = toRunnerLabels(name);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, labels },
    spec: {
      suspend: true,
      // Started again it would disrupt again. A pod that is going takes back what it did, and the Job is not over before.
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: {
        metadata: {
          labels,
          annotations: UNMOVED,
        },
        spec: {
          ...toPodSpec(null),
          serviceAccountName: name,
          terminationGracePeriodSeconds: GRACE_SECONDS,
          containers: [
            {
              ...toContainer(image),
              env: [
                { name: RUNNER_VARIABLE, value: name },
                {
                  name: UID_VARIABLE,
                  valueFrom: { fieldRef: { fieldPath: `metadata.labels['${UID_LABEL}']` } },
                },
              ],
              volumeMounts: [INPUT_MOUNT],
            },
          ],
          volumes: [toInputVolume(name)],
        },
      },
    },
  };
}

/** @param node null: wherever the scheduler puts it. Fit for Pod Security `restricted`: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
function toPodSpec(node: string | null): Json {
  return {
    restartPolicy: 'Never',
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(node === null ? {} : { affinity: { nodeAffinity: toNodeAffinity(node) } }),
  };
}

/** By the name of the node, as the controller of a DaemonSet does it: the scheduler still checks that there is room. */
function toNodeAffinity(node: string): Json {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  return { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } };
}

function toContainer(image: string): Json {
  return {
    name: RUNNER_CONTAINER,
    image,
    resources: {
      requests: { cpu: '250m', memory: '256Mi', 'ephemeral-storage': '16Mi' },
      limits: { cpu: '2', memory: '1Gi', 'ephemeral-storage': '64Mi' },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  };
}

/** A pod that sends a part of the load from one node. */
export function toSenderPod(owner: RunnerOwner, { pod, node }: SenderPod, image: string): Json {
  const secret = { name: owner.name, key: SECRET_FILE };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...toOwned(owner, pod), annotations: UNMOVED },
    spec: {
      ...toPodSpec(node),
      automountServiceAccountToken: false,
      containers: [
        {
          ...toContainer(image),
          env: [{ name: SENDER_VARIABLE, valueFrom: { secretKeyRef: secret } }],
          ports: [{ containerPort: SENDER_PORT }],
          volumeMounts: [INPUT_MOUNT],
        },
      ],
      volumes: [toInputVolume(owner.name)],
    },
  };
}

function toInputVolume(name: string): Json {
  return { name: INPUT_MOUNT.name, secret: { secretName: name } };
}

const RBAC = 'rbac.authorization.k8s.io';

/** All that the Job needs besides in its namespace, in the order in which it is made. @param data of its Secret */
export function toRunnerObjects(
  owner: RunnerOwner,
  data: Readonly<Record<string, string>>,
  permissions: readonly Permission[],
): readonly Json[] {
  const metadata = toOwned(owner, owner.name);
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata, rules: toRbacRules(permissions) },
    { apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata, ...toBinding(owner, 'Role') },
    { apiVersion: 'v1', kind: 'Secret', metadata, data },
  ];
}

/** What a Role cannot give: permissions on nodes. */
export function toRunnerClusterRole({ name }: RunnerIdentity, permissions: readonly Permission[]): Json {
  const metadata = { name, labels: toRunnerLabels(name) };
  return { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata, rules: toRbacRules(permissions) };
}

/** Goes when its ClusterRole goes. @param roleUid of the ClusterRole */
export function toRunnerClusterRoleBinding(identity: RunnerIdentity, roleUid: string): Json {
  const { name } = identity;
  const owner = { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', name, uid: roleUid };
  const metadata = { name, labels: toRunnerLabels(name), ownerReferences: [owner] };
  const kind = 'ClusterRoleBinding';
  return { apiVersion: `${RBAC}/v1`, kind, metadata, ...toBinding(identity, 'ClusterRole') };
}

function toBinding({ name, namespace }: RunnerIdentity, kind: 'Role' | 'ClusterRole'): Json {
  return {
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
    roleRef: { apiGroup: RBAC, kind, name },
  };
}

/** As a merge patch: the caller wants no more. */
export const GIVEN_BACK: Json = { spec: { holderIdentity: '' } };

/** How long a runner goes on after its caller was heard last. */
export const LEASE_SECONDS = 45;

/** By which the caller shows that it is still there. */
export function toRunnerLease(owner: RunnerOwner, nowMs: number): Json {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: toOwned(owner, owner.name),
    spec: { holderIdentity: 'caller', leaseDurationSeconds: LEASE_SECONDS, ...toRenewal(nowMs) },
  };
}

/** As a merge patch of `spec`. MicroTime: https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#MicroTime */
export function toRenewal(nowMs: number): Json {
  return { renewTime: new Date(nowMs).toISOString().replace('Z', '000Z') };
}

/** Which annotation of a report's first part holds what. */
export const REPORT_ANNOTATIONS = {
  digest: 'dropless/digest',
  part: 'dropless/part',
  parts: 'dropless/parts',
} as const;

/** The reports of a runner, one ConfigMap a part. */
export function toReportParts(owner: RunnerOwner, { parts, digest }: Parcel): readonly Json[] {
  return parts.map((part, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...toOwned(owner, `${owner.name}-report-${index}`),
      annotations: {
        [REPORT_ANNOTATIONS.digest]: digest,
        [REPORT_ANNOTATIONS.part]: String(index),
        [REPORT_ANNOTATIONS.parts]: String(parts.length),
      },
    },
    binaryData: { part },
  }));
}

function toOwned({ name: job, namespace, uid }: RunnerOwner, name: string): Json {
  return {
    name,
    namespace,
    labels: toRunnerLabels(job),
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: job, uid }],
  };
}

/** Proves a Deployment of each faulty server on a cluster, as a user of the program does: for the bench of the truth. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CauseId } from '../../loadtest/proof/cause.ts';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { parseSeries } from '../../loadtest/proof/proof-report.ts';

/** What makes a fault show in pods. */
interface PodSetting {
  /** In `test/faults`. */
  readonly server: string;
  readonly cause: CauseId | null;
  readonly replicas: number;
  readonly preStopSeconds: number;
  readonly graceSeconds: number;
  readonly strategy: { readonly maxSurge: number; readonly maxUnavailable: number };
  readonly disruption: 'rollout' | 'scale';
  readonly keptConnections: number;
  readonly timeout: string;
}

/** Requests a second. */
export const POD_RATE = 200;
const PORT = 8080;
const NAME = 'web';
const MAIN = join(import.meta.dirname, '../../loadtest/main.ts');
const DEPLOYED: Omit<PodSetting, 'server' | 'cause'> = {
  replicas: 3,
  preStopSeconds: 3,
  graceSeconds: 15,
  strategy: { maxSurge: 1, maxUnavailable: 0 },
  disruption: 'rollout',
  keptConnections: 24,
  timeout: '10s',
};
const toSetting = (server: string, cause: CauseId | null, changes: Partial<PodSetting> = {}): PodSetting => ({
  ...DEPLOYED,
  server,
  cause,
  ...changes,
});

/** The power of a node cannot be cut from here, and `node-lost` has no server of its own. */
export const POD_FAULTS: readonly PodSetting[] = [
  toSetting('exits-on-sigterm', 'exits-on-sigterm'),
  toSetting('closes-keep-alive-connections', 'closes-keep-alive-connections', { preStopSeconds: 5 }),
  toSetting('stops-listening-early', 'stops-listening-early', { preStopSeconds: 0 }),
  toSetting('ready-too-early', 'ready-too-early'),
  toSetting('ignores-sigterm', 'ignores-sigterm', { graceSeconds: 5 }),
  toSetting('exits-when-idle', 'closes-keep-alive-connections', { preStopSeconds: 5 }),
  toSetting('closes-connections-late', 'closes-keep-alive-connections'),
  toSetting('ignores-sigterm-with-long-requests', 'ignores-sigterm', { graceSeconds: 7 }),
  toSetting('drains-too-long', 'killed-at-grace-end', { graceSeconds: 6 }),
  toSetting('too-little-capacity', 'too-little-capacity', { strategy: { maxSurge: 0, maxUnavailable: 2 } }),
  toSetting('readiness-flaps', 'readiness-flaps', { replicas: 2, disruption: 'scale' }),
  toSetting('rejects-while-draining', 'rejects-while-draining'),
  toSetting('cut-by-drain-limit', 'cut-by-drain-limit'),
  toSetting('slow-first-requests', 'slow-first-requests', { timeout: '2500ms' }),
  toSetting('crashes', 'crashes'),
  toSetting('runs-out-of-memory', 'crashes'),
  // Each is idle for a third of a second then.
  toSetting('closes-idle-connections', 'closes-idle-connections', { keptConnections: 40 }),
  toSetting('unknown', 'unknown'),
  toSetting('none', null, { preStopSeconds: 5 }),
];

/**
 * Deploys the server to a namespace of its own, disrupts it under load, and removes it.
 * @param image built from `test/faults/Dockerfile`, where the cluster of KUBECONFIG can pull it
 * @param isNamed do responses tell the pod?
 */
export function provePods(setting: PodSetting, image: string, isNamed: boolean): Proof {
  const namespace = `dropless-truth-${Date.now().toString(36)}`;
  const work = mkdtempSync(join(tmpdir(), 'truth-'));
  const json = join(work, 'proof.json');
  try {
    kubectl(['create', 'namespace', namespace]);
    kubectl(['apply', '-n', namespace, '-f', '-'], toManifest(setting, image, isNamed));
    kubectl(['rollout', 'status', `deploy/${NAME}`, '-n', namespace, '--timeout=120s']);
    const target = [`deploy/${NAME}`, '-n', namespace, '--endpoint', 'GET /', '--json', json];
    const load = ['--rate', String(POD_RATE), '--timeout', setting.timeout];
    const connections = ['--keep-alive', String(setting.keptConnections)];
    const args = [MAIN, 'prove', setting.disruption, ...target, ...load, ...connections];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    process.stderr.write(stderr);
    const [proof] = parseSeries(readFileSync(json, 'utf8'), json).proofs;
    if (proof === undefined) throw new Error(`no proof of ${setting.server}:\n${stdout}`);
    return proof;
  } finally {
    kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
    rmSync(work, { recursive: true });
  }
}

function kubectl(args: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync('kubectl', args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}

function toManifest(setting: PodSetting, image: string, isNamed: boolean): string {
  const { server, replicas, preStopSeconds, graceSeconds, strategy } = setting;
  const fieldRef = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const labels = { app: NAME };
  const container = {
    name: NAME,
    image,
    args: [`/faults/${server}.ts`],
    env: [
      { name: 'POD_NAME', ...fieldRef('metadata.name') },
      { name: 'APP_VERSION', ...fieldRef("metadata.annotations['kubectl.kubernetes.io/restartedAt']") },
      { name: 'FAULT_MS', value: '4000' },
      { name: 'CRASHED', value: '/state/crashed' },
      ...(isNamed ? [] : [{ name: 'ANONYMOUS', value: '1' }]),
    ],
    ports: [{ containerPort: PORT }],
    readinessProbe: { httpGet: { path: '/ready', port: PORT }, periodSeconds: 1, failureThreshold: 1 },
    resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '192Mi' } },
    volumeMounts: [{ name: 'state', mountPath: '/state' }],
    ...(preStopSeconds === 0 ? {} : { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME },
    spec: {
      replicas,
      strategy: { rollingUpdate: strategy },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: graceSeconds,
          containers: [container],
          volumes: [{ name: 'state', emptyDir: {} }],
        },
      },
    },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: NAME },
    spec: { selector: labels, ports: [{ port: 80, targetPort: PORT }] },
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [deployment, service] });
}

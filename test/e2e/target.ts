import assert from 'node:assert/strict';
import { type Deployment, type Namespace, type Pod, until } from './cluster.ts';

export const DEPLOYMENT_NAME = 'microservice-deploy';
export const DEPLOYMENT = `deployment/${DEPLOYMENT_NAME}`;
export const PORT = 3000;

/** The external address of the Service. */
export function awaitAddress(namespace: Namespace): Promise<string> {
  interface Service {
    status: { loadBalancer: { ingress?: { ip?: string; hostname?: string }[] } };
  }
  return until('an external address', 60_000, async () => {
    const { status } = await namespace.get<Service>('service/microservice-svc');
    const [ingress] = status.loadBalancer.ingress ?? [];
    return ingress?.ip ?? ingress?.hostname;
  });
}

/**
 * Waits for a rollout to end, for its last old pod to be gone, and for every pod to be ready. Gives the pods.
 * Not `kubectl rollout status`, which fails at once while the condition of an earlier, failed rollout is still there.
 */
export function awaitQuiet(namespace: Namespace, replicas?: number): Promise<Pod[]> {
  return until(`${replicas ?? 'all'} pods to be ready and the others gone`, 180_000, async () => {
    const { metadata, spec, status } = await namespace.get<Deployment>(DEPLOYMENT);
    const wanted = replicas ?? spec.replicas;
    const isCurrent = status.observedGeneration === metadata.generation && status.updatedReplicas === wanted;
    if (!isCurrent || status.availableReplicas !== wanted) return undefined;
    const { items } = await namespace.get<{ items: Pod[] }>(
      'pods',
      '-l',
      'app.kubernetes.io/name=microservice',
    );
    return items.length === wanted && items.every(isReady) ? items : undefined;
  });
}

export function isReady({ metadata, status }: Pod): boolean {
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  return metadata.deletionTimestamp === undefined && ready?.status === 'True';
}

/** A response of the service, with its body as JSON. */
export async function ask(
  address: string,
  path: string,
): Promise<{ status: number; body: Readonly<Record<string, unknown>> }> {
  const response = await fetch(`http://${address}:${PORT}${path}`, { signal: AbortSignal.timeout(10_000) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Runs a script in the runtime of a pod's container, which has no shell. */
export async function runInPod(
  namespace: Namespace,
  pod: string,
  script: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return namespace.tryKubectl(['exec', pod, '-c', 'microservice', '--', '/usr/local/bin/bun', '-e', script]);
}

/** Bytes of memory that the process of a pod holds, from its own metrics. */
export async function readResidentBytes(namespace: Namespace, pod: string): Promise<number> {
  const path = `/api/v1/namespaces/${namespace.name}/pods/${pod}:${PORT}/proxy/metrics`;
  const sample = /^process_resident_memory_bytes (\S+)$/m.exec(await namespace.kubectl('get', '--raw', path));
  assert.ok(sample !== null, `no process_resident_memory_bytes in the metrics of ${pod}`);
  return Number(sample[1]);
}

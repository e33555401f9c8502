import { access as checkAccess, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../cli/fault.ts';
import { type Access, createRenewal, TOKEN_FILE_MS } from './kubeconfig.ts';

/** Where the kubelet mounts what a pod's ServiceAccount needs: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

interface PodSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: where the kubelet mounts it. */
  readonly folder?: string;
  /** Ms since the epoch. Default: the system's clock. */
  readonly nowMs?: () => number;
}

/**
 * The access that the ServiceAccount of this pod has, by the rules of client-go's `InClusterConfig`. The token is read
 * again before it may have expired, and when it was refused: the kubelet rotates it.
 * @returns null outside a pod, and in one that mounts no token
 * @throws {Fault} where the mounted files cannot be read
 */
export async function findPodAccess({
  env,
  folder = SERVICE_ACCOUNT_FOLDER,
  nowMs = Date.now,
}: PodSurroundings): Promise<Access | null> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host === undefined || host === '' || port === undefined || port === '') return null;
  const tokenPath = join(folder, 'token');
  const isMounted = await checkAccess(tokenPath).then(
    () => true,
    () => false,
  );
  if (!isMounted) return null;
  const read = async (name: string): Promise<string> => {
    const path = join(folder, name);
    try {
      return (await readFile(path, 'utf8')).trim();
    } catch (error) {
      throw new Fault(`the ServiceAccount of this pod cannot be used: ${(error as Error).message}`);
    }
  };
  const credentials = createRenewal(
    async () => ({
      credentials: { token: await read('token'), clientCertificate: null },
      expiresMs: nowMs() + TOKEN_FILE_MS,
    }),
    nowMs,
  );
  await credentials();
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await read('ca.crt'),
    tlsServerName: null,
    isTlsUnchecked: false,
    impersonation: {},
    namespace: await read('namespace'),
    credentials,
  };
}

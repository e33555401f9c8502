import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '../cli/fault.ts';
import type { HttpProxy } from '../engine/target.ts';
import { chooseProxy, parseProxy, readProxyRules } from '../load/proxy.ts';
import { at, type Json, listAt, textAt } from './json.ts';

/** Who asks. */
export interface Credentials {
  readonly token: string | null;
  readonly clientCertificate: { readonly cert: string; readonly key: string } | null;
}

/** How to reach an API server, and as whom. */
export interface Access {
  /** Base URL, without a slash at its end. */
  readonly server: string;
  /** PEM; null: the system's authorities. */
  readonly ca: string | null;
  /** The name that the server's certificate must hold; null: that of `server`. */
  readonly tlsServerName: string | null;
  readonly isTlsUnchecked: boolean;
  /** Absent: connections are direct. */
  readonly proxy?: HttpProxy;
  /** Headers that say whom to act as. */
  readonly impersonation: Readonly<Record<string, string | string[]>>;
  /** Of the context; `default` where it names none. */
  readonly namespace: string;
  /** Those to use now. Those that were refused come again only where there are no others. */
  credentials(refused?: Credentials): Promise<Credentials>;
}

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ms since the epoch. Default: the system's clock. */
  readonly nowMs?: () => number;
}

interface ContextOptions extends Surroundings {
  /** Null: the current one. */
  readonly context: string | null;
  /** A file to read instead of those that kubectl finds. */
  readonly kubeconfig?: string | undefined;
}

/** What kubectl heeds and this does not: without it, another would be asked, or somebody else would ask. */
const UNSUPPORTED: readonly {
  readonly field: string;
  readonly fix: string;
}[] = [
  { field: 'auth-provider', fix: 'use a credential plugin (exec)' },
  { field: 'username', fix: 'use a token or a client certificate' },
  { field: 'as-user-extra', fix: 'impersonate by as, as-uid and as-groups alone' },
];

/** Credentials are renewed so long before they expire. */
const RENEW_BEFORE_MS = 60_000;
/** A file does not say how long its token is good. */
export const TOKEN_FILE_MS = 2 * RENEW_BEFORE_MS;

const run = promisify(execFile);

/**
 * The access that kubectl would use: kubectl itself finds and merges the files.
 * @returns null where no cluster is configured
 * @throws {Fault} where kubectl is missing or the kubeconfig cannot be used
 */
export async function readAccess({
  context,
  kubeconfig,
  ...surroundings
}: ContextOptions): Promise<Access | null> {
  const args = ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'];
  if (kubeconfig !== undefined) args.push(`--kubeconfig=${kubeconfig}`);
  const { stdout, error } = await run(
    'kubectl',
    context === null ? args : [...args, `--context=${context}`],
    {
      env: surroundings.env as NodeJS.ProcessEnv,
    },
  ).then(
    (output) => ({ stdout: output.stdout, error: null }),
    (failure: NodeJS.ErrnoException & { stderr?: string }) => ({ stdout: '', error: failure }),
  );
  if (error === null) return parseAccess(JSON.parse(stdout), surroundings);
  if (error.code === 'ENOENT') {
    throw new Fault(
      'kubectl is not on the PATH, and reads the kubeconfig: see https://kubernetes.io/docs/tasks/tools/',
    );
  }
  const reason = error.stderr?.trim() ?? error.message;
  // Without any configuration there is no current context to minify to.
  if (context === null && /current-context must exist|no current context/i.test(reason)) return null;
  throw new Fault(`kubectl cannot read the kubeconfig: ${reason}`);
}

/** The current context, where it leads to a cluster; null where there is none, or no kubectl to tell. */
export async function findContext(env: Surroundings['env']): Promise<string | null> {
  const args = ['config', 'view', '--minify', '-o', 'json'];
  const config = await run('kubectl', args, { env: env as NodeJS.ProcessEnv }).then(
    ({ stdout }): unknown => JSON.parse(stdout),
    () => null,
  );
  return textAt(config, 'clusters', 0, 'cluster', 'server') === null
    ? null
    : textAt(config, 'current-context');
}

/**
 * From the JSON of a minified, flattened kubeconfig: one context, one cluster, one user.
 * @throws {Fault} where it holds what is not supported, or its credentials cannot be had
 */
export async function parseAccess(
  config: unknown,
  { env, nowMs = Date.now }: Surroundings,
): Promise<Access | null> {
  const cluster = at(config, 'clusters', 0, 'cluster');
  const user = at(config, 'users', 0, 'user');
  const server = textAt(cluster, 'server');
  if (server === null) return null;
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw new Fault(`the server ${JSON.stringify(server)} of the kubeconfig is no http or https URL`);
  }
  for (const { field, fix } of UNSUPPORTED) {
    if (at(user, field) === undefined) continue;
    const name = textAt(config, 'users', 0, 'name');
    throw new Fault(`${field} of user ${JSON.stringify(name)} in the kubeconfig is not supported: ${fix}`);
  }
  const proxy = toProxy(textAt(cluster, 'proxy-url'), new URL(server), env);
  const credentials = toSource(user, cluster, env, nowMs);
  await credentials();
  return {
    server: server.replace(/\/$/, ''),
    ca: decode(textAt(cluster, 'certificate-authority-data')),
    tlsServerName: textAt(cluster, 'tls-server-name'),
    ...(proxy === null ? {} : { proxy }),
    isTlsUnchecked: at(cluster, 'insecure-skip-tls-verify') === true,
    impersonation: toImpersonation(user),
    namespace: textAt(config, 'contexts', 0, 'context', 'namespace') ?? 'default',
    credentials,
  };
}

/** The proxy of the cluster or, where it names none, of the environment; null: none. */
function toProxy(proxyUrl: string | null, server: URL, env: Surroundings['env']): HttpProxy | null {
  if (proxyUrl === null) return chooseProxy(server, readProxyRules(env));
  try {
    return parseProxy(proxyUrl);
  } catch (error) {
    throw new Fault(`proxy-url of the cluster in the kubeconfig ${(error as Error).message}`);
  }
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation */
function toImpersonation(user: unknown): Access['impersonation'] {
  const name = textAt(user, 'as');
  const uid = textAt(user, 'as-uid');
  const groups = at(user, 'as-groups');
  return {
    ...(name === null ? {} : { 'impersonate-user': name }),
    ...(uid === null ? {} : { 'impersonate-uid': uid }),
    ...(Array.isArray(groups) ? { 'impersonate-group': groups.map(String) } : {}),
  };
}

function toSource(
  user: unknown,
  cluster: unknown,
  env: Surroundings['env'],
  nowMs: () => number,
): Access['credentials'] {
  const cert = decode(textAt(user, 'client-certificate-data'));
  const key = decode(textAt(user, 'client-key-data'));
  const fixed: Credentials = {
    token: textAt(user, 'token'),
    clientCertificate: cert === null || key === null ? null : { cert, key },
  };
  const tokenFile = textAt(user, 'tokenFile');
  if (tokenFile !== null) {
    return createRenewal(
      async () => ({
        credentials: { ...fixed, token: await readTokenFile(tokenFile) },
        expiresMs: nowMs() + TOKEN_FILE_MS,
      }),
      nowMs,
    );
  }
  const plugin = at(user, 'exec');
  if (plugin === undefined) return async () => fixed;
  return createRenewal(async () => {
    const { credentials, expiresMs } = await runPlugin(plugin, cluster, env);
    return {
      credentials: {
        token: fixed.token ?? credentials.token,
        clientCertificate: fixed.clientCertificate ?? credentials.clientCertificate,
      },
      expiresMs,
    };
  }, nowMs);
}

interface Issued {
  readonly credentials: Credentials;
  /** Ms since the epoch. */
  readonly expiresMs: number;
}

/** Has new credentials issued before the old ones expire, and when they were refused; once for all who ask meanwhile. */
export function createRenewal(issue: () => Promise<Issued>, nowMs: () => number): Access['credentials'] {
  let current: (Issued & { readonly renewMs: number }) | null = null;
  let pending: Promise<Credentials> | null = null;

  async function renew(refused: Credentials | undefined): Promise<Credentials> {
    try {
      const issued = await issue();
      current = { ...issued, renewMs: toRenewalMs(nowMs(), issued.expiresMs) };
    } catch (error) {
      const isGood = current !== null && current.credentials !== refused && nowMs() < current.expiresMs;
      if (current === null || !isGood) throw error;
    } finally {
      pending = null;
    }
    return current.credentials;
  }

  return async (refused) => {
    if (current !== null && current.credentials !== refused && nowMs() < current.renewMs) {
      return current.credentials;
    }
    pending ??= renew(refused);
    return pending;
  };
}

/** A minute before the end; of what is good for less than two minutes, after half of that. */
export function toRenewalMs(issuedMs: number, expiresMs: number): number {
  return expiresMs - Math.min(RENEW_BEFORE_MS, (expiresMs - issuedMs) / 2);
}

async function readTokenFile(path: string): Promise<string> {
  if (!isAbsolute(path)) {
    throw new Fault(
      `the tokenFile ${JSON.stringify(path)} of the kubeconfig is not an absolute path, and kubectl does not tell where it begins`,
    );
  }
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new Fault(`the tokenFile of the kubeconfig cannot be read: ${(error as Error).message}`);
  }
}

/** Credentials from a plugin, as cloud providers use them: client.authentication.k8s.io ExecCredential. */
async function runPlugin(plugin: unknown, cluster: unknown, env: Surroundings['env']): Promise<Issued> {
  const command = textAt(plugin, 'command') ?? '';
  if (textAt(plugin, 'interactiveMode') === 'Always') {
    throw new Fault(
      `the credential plugin ${JSON.stringify(command)} of the kubeconfig wants a terminal (interactiveMode: Always), and credentials are renewed while nobody is there: use one that does not ask`,
    );
  }
  const args = at(plugin, 'args');
  const apiVersion = textAt(plugin, 'apiVersion') ?? 'client.authentication.k8s.io/v1';
  const own = listAt(plugin, 'env').map((entry) => [textAt(entry, 'name'), textAt(entry, 'value')]);
  try {
    const running = run(command, Array.isArray(args) ? args.map(String) : [], {
      env: {
        ...env,
        ...Object.fromEntries(own),
        KUBERNETES_EXEC_INFO: JSON.stringify({
          apiVersion,
          kind: 'ExecCredential',
          spec: {
            ...(at(plugin, 'provideClusterInfo') === true ? { cluster: toClusterInfo(cluster) } : {}),
            interactive: false,
          },
        }),
      },
    });
    // One that reads it all the same shall find its end, and not wait for somebody to type.
    running.child.stdin?.end();
    const { stdout } = await running;
    const status = at(JSON.parse(stdout), 'status');
    const cert = textAt(status, 'clientCertificateData');
    const key = textAt(status, 'clientKeyData');
    const expiresMs = Date.parse(textAt(status, 'expirationTimestamp') ?? '');
    return {
      credentials: {
        token: textAt(status, 'token'),
        clientCertificate: cert === null || key === null ? null : { cert, key },
      },
      expiresMs: Number.isNaN(expiresMs) ? Number.POSITIVE_INFINITY : expiresMs,
    };
  } catch (error) {
    throw new Fault(
      `the credential plugin ${JSON.stringify(command)} of the kubeconfig failed: ${(error as Error).message}`,
    );
  }
}

/** https://kubernetes.io/docs/reference/config-api/client-authentication.v1/#client-authentication-k8s-io-v1-Cluster */
function toClusterInfo(cluster: unknown): Json {
  const fields = ['server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority-data'];
  const own = listAt(cluster, 'extensions').find(({ name }) => name === 'client.authentication.k8s.io/exec');
  return {
    ...Object.fromEntries(fields.map((field) => [field, at(cluster, field)])),
    config: own?.extension ?? null,
  };
}

function decode(base64: string | null): string | null {
  return base64 === null ? null : Buffer.from(base64, 'base64').toString('utf8');
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UsageError } from '../usage-error.ts';
import { at, listAt, textAt } from './json.ts';

/** How to reach an API server, and as whom. */
export interface Access {
  /** Base URL, without a slash at its end. */
  readonly server: string;
  /** PEM; null: the system's authorities. */
  readonly ca: string | null;
  readonly clientCertificate: { readonly cert: string; readonly key: string } | null;
  readonly token: string | null;
  readonly isTlsUnchecked: boolean;
  /** Of the context; `default` where it names none. */
  readonly namespace: string;
}

interface ContextOptions {
  readonly context: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const run = promisify(execFile);

/**
 * The access that kubectl would use: kubectl itself finds and merges the files.
 * @returns null where no cluster is configured
 * @throws {UsageError} where kubectl is missing or the kubeconfig cannot be used
 */
export async function readAccess({ context, env }: ContextOptions): Promise<Access | null> {
  const args = ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'];
  const { stdout, error } = await run(
    'kubectl',
    context === null ? args : [...args, `--context=${context}`],
    {
      env: env as NodeJS.ProcessEnv,
    },
  ).then(
    (output) => ({ stdout: output.stdout, error: null }),
    (failure: NodeJS.ErrnoException & { stderr?: string }) => ({ stdout: '', error: failure }),
  );
  if (error === null) return parseAccess(JSON.parse(stdout), env);
  if (error.code === 'ENOENT' && context === null) return null;
  const reason = error.stderr?.trim() ?? error.message;
  // Without any configuration there is no current context to minify to.
  if (context === null && /current-context must exist|no current context/i.test(reason)) return null;
  throw new UsageError(`kubectl cannot read the kubeconfig: ${reason}`);
}

/** From the JSON of a minified, flattened kubeconfig: one context, one cluster, one user. */
export async function parseAccess(
  config: unknown,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Access | null> {
  const cluster = at(config, 'clusters', 0, 'cluster');
  const user = at(config, 'users', 0, 'user');
  const server = textAt(cluster, 'server');
  if (server === null) return null;
  const issued = at(user, 'exec') === undefined ? null : await runPlugin(at(user, 'exec'), env);
  const cert =
    decode(textAt(user, 'client-certificate-data')) ?? textAt(issued, 'status', 'clientCertificateData');
  const key = decode(textAt(user, 'client-key-data')) ?? textAt(issued, 'status', 'clientKeyData');
  return {
    server: server.replace(/\/$/, ''),
    ca: decode(textAt(cluster, 'certificate-authority-data')),
    clientCertificate: cert === null || key === null ? null : { cert, key },
    token: textAt(user, 'token') ?? textAt(issued, 'status', 'token'),
    isTlsUnchecked: at(cluster, 'insecure-skip-tls-verify') === true,
    namespace: textAt(config, 'contexts', 0, 'context', 'namespace') ?? 'default',
  };
}

/** Credentials from a plugin, as cloud providers use them: client.authentication.k8s.io ExecCredential. */
async function runPlugin(
  plugin: unknown,
  env: Readonly<Record<string, string | undefined>>,
): Promise<unknown> {
  const command = textAt(plugin, 'command') ?? '';
  const args = at(plugin, 'args');
  const apiVersion = textAt(plugin, 'apiVersion') ?? 'client.authentication.k8s.io/v1';
  const own = listAt(plugin, 'env').map((entry) => [textAt(entry, 'name'), textAt(entry, 'value')]);
  try {
    const { stdout } = await run(command, Array.isArray(args) ? args.map(String) : [], {
      env: {
        ...env,
        ...Object.fromEntries(own),
        KUBERNETES_EXEC_INFO: JSON.stringify({
          apiVersion,
          kind: 'ExecCredential',
          spec: { interactive: false },
        }),
      },
    });
    return JSON.parse(stdout);
  } catch (error) {
    throw new UsageError(
      `the credential plugin ${JSON.stringify(command)} of the kubeconfig failed: ${(error as Error).message}`,
    );
  }
}

function decode(base64: string | null): string | null {
  return base64 === null ? null : Buffer.from(base64, 'base64').toString('utf8');
}

/** What the programs of this folder need before they begin, and how to get it. */
import { run } from './cluster.ts';
import { DEFAULT_REGISTRY } from './images.ts';
import { findRegistry } from './registry.ts';

/** Each is why there is none; null: there is one. */
interface Lack {
  readonly cluster: string | null;
  readonly registry: string | null;
}

/** Looks for the cluster of KUBECONFIG and for the registry that the images are pushed to; null: nothing is lacking. */
export async function findLack(
  { E2E_REGISTRY = DEFAULT_REGISTRY, E2E_BUILD }: NodeJS.ProcessEnv,
  { needsCluster }: { readonly needsCluster: boolean },
): Promise<string | null> {
  // A builder of one's own may have its own way to the registry.
  const needsRegistry = E2E_BUILD === undefined;
  return formatLack(
    {
      cluster: needsCluster ? await tryCluster() : null,
      registry: needsRegistry
        ? await findRegistry(E2E_REGISTRY).then(
            () => null,
            (error: Error) => error.message,
          )
        : null,
    },
    E2E_REGISTRY,
  );
}

/** Pure: what is lacking and why, and the two lines that bring it. */
export function formatLack({ cluster, registry }: Lack, address: string): string | null {
  if (cluster === null && registry === null) return null;
  return [
    ...(cluster === null
      ? []
      : [`no cluster answers in the current context of KUBECONFIG: ${cluster.trim()}`]),
    ...(registry === null ? [] : [`no registry answers at ${address} (E2E_REGISTRY): ${registry.trim()}`]),
    'Both, by kind and Docker (docs/deploy.md has other ways):',
    '  test/e2e/kind.sh',
    '  npm run e2e',
  ].join('\n');
}

async function tryCluster(): Promise<string | null> {
  try {
    const { code, stderr } = await run('kubectl', ['get', '--raw', '/readyz', '--request-timeout=10s']);
    return code === 0 ? null : stderr;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'kubectl is not on the PATH' : message;
  }
}

/** What a registry tells of an image, over the HTTP API that every registry has. */
import assert from 'node:assert/strict';

const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

const TIMEOUT_MS = 10_000;

interface Layer {
  size: number;
  digest: string;
}

interface RegistryImage {
  digest: string;
  layers: Layer[];
  config: { User: string; Labels?: Record<string, string>; Entrypoint: string[] };
}

/**
 * The address of a registry's API, given `HOST[:PORT][/PATH]`: over TLS, and else in plain text, as Docker takes it of
 * registries that are allowed to. One that asks for a password is one as well.
 * @throws {Error} where none answers
 */
export async function findRegistry(registry: string): Promise<string> {
  const [host = ''] = registry.split('/');
  const problems: string[] = [];
  for (const scheme of ['https', 'http']) {
    const api = `${scheme}://${host}/v2/`;
    try {
      const { status } = await fetch(api, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (status === 200 || status === 401) return api;
      problems.push(`${api} is ${status}`);
    } catch (error) {
      problems.push(`${api}: ${(error as Error).message}`);
    }
  }
  throw new Error(problems.join('; '));
}

/** Reads the manifest and the configuration of an image in a registry that asks for no password. */
export async function readImage(reference: string): Promise<RegistryImage> {
  const [, host = '', name = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(reference) ?? [];
  const api = `${await findRegistry(host)}${name}`;
  const answer = await fetch(`${api}/manifests/${tag}`, { headers: { accept: MANIFEST_TYPES.join(', ') } });
  assert.equal(answer.status, 200, `${reference}: ${await answer.clone().text()}`);
  const manifest = (await answer.json()) as { layers: Layer[]; config: { digest: string } };
  const blob = await fetch(`${api}/blobs/${manifest.config.digest}`);
  const { config } = (await blob.json()) as { config: RegistryImage['config'] };
  return { digest: answer.headers.get('docker-content-digest') ?? '', layers: manifest.layers, config };
}

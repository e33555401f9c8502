/** What a registry tells of an image, over the HTTP API that every registry has. */
import assert from 'node:assert/strict';

const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

interface Layer {
  size: number;
  digest: string;
}

interface RegistryImage {
  digest: string;
  layers: Layer[];
  config: { User: string; Labels?: Record<string, string>; Entrypoint: string[] };
}

/** Reads the manifest and the configuration of an image in a registry that asks for no password. */
export async function readImage(reference: string): Promise<RegistryImage> {
  const [, host = '', name = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(reference) ?? [];
  const api = `http://${host}/v2/${name}`;
  const answer = await fetch(`${api}/manifests/${tag}`, { headers: { accept: MANIFEST_TYPES.join(', ') } });
  assert.equal(answer.status, 200, `${reference}: ${await answer.clone().text()}`);
  const manifest = (await answer.json()) as { layers: Layer[]; config: { digest: string } };
  const blob = await fetch(`${api}/blobs/${manifest.config.digest}`);
  const { config } = (await blob.json()) as { config: RegistryImage['config'] };
  return { digest: answer.headers.get('docker-content-digest') ?? '', layers: manifest.layers, config };
}

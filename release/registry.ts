/** What a registry tells of an image for several platforms: https://github.com/opencontainers/distribution-spec */
import { createHash } from 'node:crypto';

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const TIMEOUT_MS = 30_000;

interface Index {
  readonly manifests?: readonly {
    readonly platform?: { readonly os: string; readonly architecture: string };
  }[];
}

/**
 * The digest of the index that a tag stands for now, computed from what the registry serves.
 * @param reference in full: `docker.io/library/node:24-slim`
 * @param platforms that it must have: `linux/arm64`
 * @throws {Error} where it cannot be had without a password, is of one platform, or lacks one of these
 */
export async function readIndexDigest(reference: string, platforms: readonly string[]): Promise<string> {
  const [, host = '', repository = '', tag = ''] = /^([^/]+)\/([^:@]+):([^:@]+)$/.exec(reference) ?? [];
  if (tag === '') throw new Error(`${reference}: must be HOST/NAME:TAG`);
  const url = `${toOrigin(host)}/v2/${repository}/manifests/${tag}`;
  const accept = INDEX_TYPES.join(', ');
  let response = await get(url, { accept });
  if (response.status === 401) {
    const token = await fetchToken(response.headers.get('www-authenticate') ?? '', reference);
    response = await get(url, { accept, authorization: `Bearer ${token}` });
  }
  if (response.status !== 200) throw new Error(`${reference}: ${url} is ${response.status}`);
  const type = response.headers.get('content-type') ?? '';
  if (!INDEX_TYPES.includes(type)) throw new Error(`${reference}: is no index, but ${type}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const told = response.headers.get('docker-content-digest') ?? digest;
  if (told !== digest) throw new Error(`${reference}: what came is ${digest}, and not ${told}`);
  const { manifests = [] }: Index = JSON.parse(bytes.toString());
  const has = manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`);
  const lacking = platforms.filter((platform) => !has.includes(platform));
  if (lacking.length > 0) throw new Error(`${reference}: not for ${lacking.join(' and ')}`);
  return digest;
}

/** As Docker has it: its own registry is elsewhere, and one of this machine needs no TLS. */
function toOrigin(host: string): string {
  if (host === 'docker.io') return 'https://registry-1.docker.io';
  return /^(localhost|127\.0\.0\.1)(:|$)/.test(host) ? `http://${host}` : `https://${host}`;
}

const get = (url: string | URL, headers: Readonly<Record<string, string>>) =>
  fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });

/** Everybody's: https://distribution.github.io/distribution/spec/auth/token/ */
async function fetchToken(challenge: string, reference: string): Promise<string> {
  const { realm, ...query } = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
  );
  if (realm === undefined || !/^Bearer /i.test(challenge))
    throw new Error(`${reference}: asks for a password`);
  const url = new URL(realm);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const response = await get(url, {});
  if (response.status !== 200) throw new Error(`${reference}: ${url} is ${response.status}`);
  const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
  return token ?? access_token ?? '';
}

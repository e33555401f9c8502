import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { readIndexDigest } from './registry.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const toIndex = (...architectures: string[]) =>
  JSON.stringify({
    manifests: architectures.map((architecture) => ({ platform: { os: 'linux', architecture } })),
  });
const both = toIndex('amd64', 'arm64', 'unknown');
const digest = `sha256:${createHash('sha256').update(both).digest('hex')}`;

/** What a registry serves at each name, with the tag 1. */
const IMAGES: Readonly<Record<string, { type?: string; body?: string; told?: string; challenge?: string }>> =
  {
    'of/both': {},
    'of/both-untold': { told: '' },
    'of/docker': { type: 'application/vnd.docker.distribution.manifest.list.v2+json' },
    'of/one': { body: toIndex('amd64') },
    'of/none': { type: 'application/vnd.oci.image.manifest.v1+json', body: '{}' },
    'of/other': { told: `sha256:${'0'.repeat(64)}` },
    'for/all': { challenge: 'Bearer realm="http://HOST/token",service="it",scope="repository:for/all:pull"' },
    'for/some': { challenge: 'Basic realm="it"' },
  };

const server = createServer(serve);
let host = '';
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/token?service=it&scope=repository%3Afor%2Fall%3Apull') {
    response.end('{"token":"t0"}');
    return;
  }
  const image = IMAGES[/^\/v2\/(.+)\/manifests\/1$/.exec(request.url ?? '')?.[1] ?? ''];
  if (image === undefined || !request.headers.accept?.includes(INDEX)) {
    response.writeHead(404).end();
    return;
  }
  const { challenge, type = INDEX, body = both, told = '' } = image;
  if (challenge !== undefined && request.headers.authorization !== 'Bearer t0') {
    response.writeHead(401, { 'www-authenticate': challenge.replace('HOST', host) }).end();
    return;
  }
  response.writeHead(200, {
    'content-type': type,
    ...(told === '' ? {} : { 'docker-content-digest': told }),
  });
  response.end(body);
}

describe('readIndexDigest()', () => {
  for (const name of ['of/both', 'of/both-untold', 'of/docker', 'for/all']) {
    test(`is the digest of what the registry serves as ${name}`, async () => {
      assert.equal(await readIndexDigest(`${host}/${name}:1`, PLATFORMS), digest);
    });
  }

  for (const [rest, message] of [
    ['of/one:1', /: not for linux\/arm64$/],
    ['of/none:1', /: is no index, but application\/vnd\.oci\.image\.manifest\.v1\+json$/],
    ['of/other:1', /: what came is sha256:[0-9a-f]{64}, and not sha256:0{64}$/],
    ['of/both:2', / is 404$/],
    ['for/some:1', /: asks for a password$/],
    ['of/both', /: must be HOST\/NAME:TAG$/],
    [`of/both:1@${digest}`, /: must be HOST\/NAME:TAG$/],
  ] as const) {
    test(`is none of ${rest}`, async () => {
      await assert.rejects(readIndexDigest(`${host}/${rest}`, PLATFORMS), ({ message: told }: Error) => {
        assert.ok(told.startsWith(`${host}/${rest}`), told);
        assert.match(told, message);
        return true;
      });
    });
  }
});

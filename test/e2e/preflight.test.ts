import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findLack, formatLack } from './preflight.ts';
import { findRegistry } from './registry.ts';

const WAY = [
  'Both, by kind and Docker (docs/deploy.md has other ways):',
  '  test/e2e/kind.sh',
  '  npm run e2e',
];

describe('formatLack()', () => {
  for (const [cluster, registry, lines] of [
    [null, null, null],
    ['refused\n', null, ['no cluster answers in the current context of KUBECONFIG: refused', ...WAY]],
    [null, 'refused', ['no registry answers at r:1 (E2E_REGISTRY): refused', ...WAY]],
    [
      'timeout',
      'refused',
      [
        'no cluster answers in the current context of KUBECONFIG: timeout',
        'no registry answers at r:1 (E2E_REGISTRY): refused',
        ...WAY,
      ],
    ],
  ] as const) {
    test(`cluster ${JSON.stringify(cluster)}, registry ${JSON.stringify(registry)}`, () => {
      assert.equal(formatLack({ cluster, registry }, 'r:1'), lines?.join('\n') ?? null);
    });
  }
});

describe('findRegistry()', () => {
  for (const [status, isOne] of [
    [200, true],
    [401, true],
    [404, false],
  ] as const) {
    test(`takes what responds with ${status} for ${isOne ? 'a registry' : 'none'}`, async () => {
      const asked: (string | undefined)[] = [];
      const server = createServer(({ url }, response) => {
        asked.push(url);
        response.writeHead(status).end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        if (isOne) assert.equal(await findRegistry(`${host}/team`), `http://${host}/v2/`);
        else await assert.rejects(findRegistry(host), { message: /; http:.*\/v2\/ is 404$/ });
        assert.deepEqual(asked, ['/v2/']);
      } finally {
        server.close();
      }
    });
  }
});

describe('findLack()', () => {
  // Port 1 of this machine: nothing listens there.
  const E2E_REGISTRY = '127.0.0.1:1';

  test('looks for no registry where another builder pushes', async () => {
    assert.equal(await findLack({ E2E_REGISTRY, E2E_BUILD: 'other build' }, { needsCluster: false }), null);
    assert.match(
      (await findLack({ E2E_REGISTRY }, { needsCluster: false })) ?? '',
      /^no registry answers at 127\.0\.0\.1:1 /,
    );
  });

  for (const program of ['run.ts', 'long-proof.ts']) {
    test(`${program} ends with it before it builds or changes anything`, () => {
      const { E2E_BUILD: _, ...env } = process.env;
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, program)], {
        env: { ...env, E2E_REGISTRY, KUBECONFIG: '/nonexistent' },
        encoding: 'utf8',
      });
      assert.equal(status, 2, stdout + stderr);
      assert.equal(stdout, '');
      const [cluster = '', ...rest] = stderr.trimEnd().split(/\n(?=no registry|Both)/);
      assert.match(cluster, /^no cluster answers in the current context of KUBECONFIG: /);
      assert.match(rest[0] ?? '', /^no registry answers at 127\.0\.0\.1:1 \(E2E_REGISTRY\): /);
      assert.deepEqual(rest[1]?.split('\n'), WAY);
    });
  }
});

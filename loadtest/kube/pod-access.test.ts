import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { findPodAccess } from './pod-access.ts';

const folder = mkdtempSync(join(tmpdir(), 'service-account-'));
after(() => rmSync(folder, { recursive: true }));
for (const [name, text] of Object.entries({ token: 'T1\n', 'ca.crt': 'CA', namespace: 'shop' })) {
  writeFileSync(join(folder, name), text);
}
const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

describe('findPodAccess()', () => {
  test('is that of the ServiceAccount', async () => {
    const access = await findPodAccess({ env, folder });
    assert.ok(access !== null);
    const { server, ca, namespace } = access;
    assert.deepEqual(
      { server, ca, namespace },
      { server: 'https://10.96.0.1:443', ca: 'CA', namespace: 'shop' },
    );
    assert.equal((await access.credentials()).token, 'T1');
  });

  test('writes an IPv6 address as a URL has it', async () => {
    const access = await findPodAccess({ env: { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder });
    assert.equal(access?.server, 'https://[fd00::1]:443');
  });

  test('reads the token again before it may have expired, and when it was refused', async () => {
    let nowMs = 0;
    writeFileSync(join(folder, 'token'), 'T1');
    const access = await findPodAccess({ env, folder, nowMs: () => nowMs });
    const first = await access?.credentials();
    writeFileSync(join(folder, 'token'), 'T2');
    assert.equal((await access?.credentials())?.token, 'T1');
    assert.equal((await access?.credentials(first))?.token, 'T2');
    writeFileSync(join(folder, 'token'), 'T3');
    nowMs = 60_001;
    assert.equal((await access?.credentials())?.token, 'T3');
  });

  for (const [where, given] of [
    ['outside a pod', { env: {}, folder }],
    ['in a pod that mounts no token', { env, folder: join(folder, 'none') }],
  ] as const) {
    test(`is none ${where}`, async () => {
      assert.equal(await findPodAccess(given), null);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { parseAccess } from './kubeconfig.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const toConfig = (user: object, cluster: object = {}) => ({
  clusters: [{ name: 'c', cluster: { server: 'https://api:6443/', ...cluster } }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  users: [{ name: 'u', user }],
});

describe('parseAccess()', () => {
  test('reads a client certificate and a private authority', async () => {
    const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') };
    assert.deepEqual(await parseAccess(toConfig(user, { 'certificate-authority-data': base64('CA') }), {}), {
      server: 'https://api:6443',
      ca: 'CA',
      clientCertificate: { cert: 'CERT', key: 'KEY' },
      token: null,
      isTlsUnchecked: false,
      namespace: 'shop',
    });
  });

  test('reads a token, and a cluster whose certificate is not checked', async () => {
    const access = await parseAccess(toConfig({ token: 'T' }, { 'insecure-skip-tls-verify': true }), {});
    assert.deepEqual([access?.token, access?.isTlsUnchecked, access?.ca], ['T', true, null]);
  });

  test('asks a credential plugin, with its arguments and environment', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: '/bin/sh',
      args: ['-c', `printf '{"status":{"token":"%s-%s"}}' "$REGION" "$HOME_OF"`],
      env: [{ name: 'REGION', value: 'eu' }],
    };
    const access = await parseAccess(toConfig({ exec }), { ...process.env, HOME_OF: 'me' });
    assert.equal(access?.token, 'eu-me');
  });

  test('says which plugin failed', async () => {
    await assert.rejects(
      parseAccess(toConfig({ exec: { command: '/no/such/plugin' } }), {}),
      (error: Error) => error instanceof UsageError && /plugin "\/no\/such\/plugin"/.test(error.message),
    );
  });

  test('is null where no cluster is configured', async () => {
    assert.equal(await parseAccess({ clusters: null, contexts: null, users: null }, {}), null);
  });

  test('takes the namespace default where the context names none', async () => {
    const config = { ...toConfig({}), contexts: [{ name: 'x', context: {} }] };
    assert.equal((await parseAccess(config, {}))?.namespace, 'default');
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Fault } from '../cli/fault.ts';
import { parseAccess, readAccess, toRenewalMs } from './kubeconfig.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
after(() => rmSync(directory, { recursive: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');
const toConfig = (user: object, cluster: object = {}) => ({
  clusters: [{ name: 'c', cluster: { server: 'https://api:6443/', ...cluster } }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  users: [{ name: 'u', user }],
});
const env = {};

/** Gives T1, then T2 and so on, each good for 15 minutes from the start of the clock given. */
function toPlugin(name: string, nowMs: () => number, expires = true) {
  const count = join(directory, name);
  writeFileSync(count, '');
  const script = `printf x >> ${count}; cat $EXPIRY | sed "s/N/$(wc -c < ${count} | tr -d ' ')/"`;
  const expiry = join(directory, `${name}.json`);
  const status = { token: 'TN', ...(expires ? { expirationTimestamp: new Date(nowMs() + 900_000) } : {}) };
  writeFileSync(expiry, JSON.stringify({ status }));
  return { command: '/bin/sh', args: ['-c', script], env: [{ name: 'EXPIRY', value: expiry }] };
}

describe('parseAccess()', () => {
  test('reads a client certificate and a private authority', async () => {
    const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') };
    const access = await parseAccess(toConfig(user, { 'certificate-authority-data': base64('CA') }), { env });
    assert.ok(access !== null);
    const { credentials, ...rest } = access;
    assert.deepEqual(rest, {
      server: 'https://api:6443',
      ca: 'CA',
      tlsServerName: null,
      isTlsUnchecked: false,
      impersonation: {},
      namespace: 'shop',
    });
    assert.deepEqual(await credentials(), {
      token: null,
      clientCertificate: { cert: 'CERT', key: 'KEY' },
    });
  });

  test('reads a token, and a cluster whose certificate is not checked', async () => {
    const access = await parseAccess(toConfig({ token: 'T' }, { 'insecure-skip-tls-verify': true }), { env });
    assert.deepEqual([access?.isTlsUnchecked, access?.ca], [true, null]);
    assert.equal((await access?.credentials())?.token, 'T');
  });

  test('has no other credentials where those of the file are refused', async () => {
    const access = await parseAccess(toConfig({ token: 'T' }), { env });
    const given = await access?.credentials();
    assert.equal(await access?.credentials(given), given);
  });

  test('reads the name in the certificate, and whom to act as', async () => {
    const user = { as: 'bob', 'as-uid': '7', 'as-groups': ['a', 'b'] };
    const access = await parseAccess(toConfig(user, { 'tls-server-name': 'api.internal' }), { env });
    assert.equal(access?.tlsServerName, 'api.internal');
    assert.deepEqual(access?.impersonation, {
      'impersonate-user': 'bob',
      'impersonate-uid': '7',
      'impersonate-group': ['a', 'b'],
    });
  });

  for (const [what, user, cluster, message] of [
    [
      'a proxy of another kind',
      {},
      { 'proxy-url': 'socks5://p:1' },
      /^proxy-url of the cluster in the kubeconfig must be http:\/\//,
    ],
    ['an auth-provider', { 'auth-provider': { name: 'gcp' } }, {}, /^auth-provider of user "u" .* \(exec\)$/],
    ['a password', { username: 'a', password: 'b' }, {}, /^username of user "u"/],
    [
      'impersonation with extras',
      { as: 'a', 'as-user-extra': { k: ['v'] } },
      {},
      /^as-user-extra of user "u"/,
    ],
    [
      'a server without a scheme',
      {},
      { server: 'api:6443' },
      /^the server "api:6443" of the kubeconfig is no/,
    ],
    ['a relative tokenFile', { tokenFile: 'token' }, {}, /^the tokenFile "token" .* is not an absolute path/],
    ['a tokenFile that is not there', { tokenFile: '/no/such' }, {}, /^the tokenFile .* ENOENT.*\/no\/such/],
    [
      'a plugin that asks its user',
      { exec: { command: '/bin/sh', interactiveMode: 'Always' } },
      {},
      /^the credential plugin "\/bin\/sh" .* wants a terminal/,
    ],
    ['a plugin that fails', { exec: { command: '/no/such/plugin' } }, {}, /plugin "\/no\/such\/plugin"/],
  ] as const) {
    test(`refuses ${what}`, async () => {
      await assert.rejects(
        parseAccess(toConfig(user, cluster), { env }),
        (error: Error) => error instanceof Fault && message.test(error.message),
      );
    });
  }

  test('asks a credential plugin, with its arguments and environment', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: '/bin/sh',
      args: ['-c', `printf '{"status":{"token":"%s-%s"}}' "$REGION" "$HOME_OF"`],
      env: [{ name: 'REGION', value: 'eu' }],
    };
    const access = await parseAccess(toConfig({ exec }), { env: { ...process.env, HOME_OF: 'me' } });
    assert.equal((await access?.credentials())?.token, 'eu-me');
  });

  test('tells a plugin of the cluster where it wants that, and hands it an input that is at its end', async () => {
    const exec = {
      provideClusterInfo: true,
      command: '/bin/sh',
      args: [
        '-c',
        `cat >/dev/null; printf '{"status":{"token":"%s"}}' "$(printf %s "$KUBERNETES_EXEC_INFO" | base64 | tr -d '\\n')"`,
      ],
    };
    const cluster = {
      'certificate-authority-data': base64('CA'),
      extensions: [
        { name: 'other', extension: { a: 1 } },
        { name: 'client.authentication.k8s.io/exec', extension: { audience: 'me' } },
      ],
    };
    const access = await parseAccess(toConfig({ exec }, cluster), { env: process.env });
    const told = JSON.parse(Buffer.from((await access?.credentials())?.token ?? '', 'base64').toString());
    assert.deepEqual(told, {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: {
        cluster: {
          server: 'https://api:6443/',
          'certificate-authority-data': base64('CA'),
          config: { audience: 'me' },
        },
        interactive: false,
      },
    });
  });

  test('asks the plugin again a minute before the end, once for all who want it', async () => {
    let clockMs = Date.UTC(2026, 0, 1);
    const nowMs = () => clockMs;
    const access = await parseAccess(toConfig({ exec: toPlugin('ends', nowMs) }), {
      env: process.env,
      nowMs,
    });
    const tokens = async () => {
      const given = await Promise.all([access?.credentials(), access?.credentials()]);
      return given.map((credentials) => credentials?.token);
    };
    clockMs += 839_999;
    assert.deepEqual(await tokens(), ['T1', 'T1']);
    clockMs += 1;
    assert.deepEqual(await tokens(), ['T2', 'T2']);
  });

  test('asks the plugin again when its token was refused, once for all whose was', async () => {
    const exec = toPlugin('refused', Date.now, false);
    const access = await parseAccess(toConfig({ exec }), { env: process.env });
    const refused = await access?.credentials();
    const others = await Promise.all([access?.credentials(refused), access?.credentials(refused)]);
    assert.deepEqual(
      [...others, await access?.credentials(refused)].map((credentials) => credentials?.token),
      ['T2', 'T2', 'T2'],
    );
  });

  test('keeps a token that is still good when the plugin fails, to its end', async () => {
    let clockMs = Date.UTC(2026, 0, 1);
    const nowMs = () => clockMs;
    const exec = toPlugin('fails', nowMs);
    const access = await parseAccess(toConfig({ exec }), { env: process.env, nowMs });
    rmSync(join(directory, 'fails.json'));
    clockMs += 899_999;
    assert.equal((await access?.credentials())?.token, 'T1');
    clockMs += 1;
    await assert.rejects(async () => access?.credentials(), Fault);
  });

  test('reads a tokenFile, and again after a minute', async () => {
    let clockMs = 0;
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, 'A\n');
    const access = await parseAccess(toConfig({ token: 'old', tokenFile }), { env, nowMs: () => clockMs });
    writeFileSync(tokenFile, 'B\n');
    clockMs = 59_999;
    assert.equal((await access?.credentials())?.token, 'A');
    clockMs = 60_000;
    assert.equal((await access?.credentials())?.token, 'B');
  });

  test('is null where no cluster is configured', async () => {
    assert.equal(await parseAccess({ clusters: null, contexts: null, users: null }, { env }), null);
  });

  test('takes the namespace default where the context names none', async () => {
    const config = { ...toConfig({}), contexts: [{ name: 'x', context: {} }] };
    assert.equal((await parseAccess(config, { env }))?.namespace, 'default');
  });
});

describe('readAccess()', () => {
  for (const context of [null, 'x']) {
    test(`says that kubectl is missing where the context is ${context}`, async () => {
      await assert.rejects(
        readAccess({ context, env: { PATH: directory } }),
        (error: Error) => error instanceof Fault && /^kubectl is not on the PATH/.test(error.message),
      );
    });
  }
});

describe('toRenewalMs()', () => {
  for (const [issuedMs, expiresMs, renewalMs] of [
    [0, 900_000, 840_000],
    [0, 120_000, 60_000],
    [0, 119_998, 59_999],
    [5, 5, 5],
    [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ] as const) {
    test(`issued at ${issuedMs}, good until ${expiresMs}: ${renewalMs}`, () =>
      assert.equal(toRenewalMs(issuedMs, expiresMs), renewalMs));
  }
});

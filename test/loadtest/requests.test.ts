import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseReport } from '../../loadtest/report/report.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../fixtures/certificate.ts';
import { createShop } from '../fixtures/shop-server.ts';
import { startTinyproxy, type Tinyproxy } from '../fixtures/tinyproxy.ts';
import { TOOLS, testWith } from '../tools.ts';
import { createBinary, createPrograms, listen, type Program, start } from './command-line.ts';

const EXACT = '--no-server-metrics';
const { programs, directory, remove } = createPrograms();
const { alone } = createBinary(directory);
const fileOf = (name: string) => join(directory, name);
const call = (program: Program, ...args: string[]) => start(program, args).ended;
const write = (name: string, text: string) => {
  writeFileSync(fileOf(name), text);
  return fileOf(name);
};
const readFailures = (name: string) => parseReport(readFileSync(fileOf(name), 'utf8'), name).failures;

const PAIR = { cert: TEST_CERTIFICATE, key: TEST_KEY };
const closers: (() => unknown)[] = [remove];
after(async () => {
  for (const close of closers) await close();
});

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function listenShop(options: Parameters<typeof createShop>[0] = {}) {
  const shop = createShop(options);
  const target = await listen(shop.listener);
  closers.push(target.close);
  return { ...shop, url: target.url, reach: target.reach };
}

/** Passes TCP on, and keeps what its clients say first: in TLS the name they ask for, in the clear. */
async function listenBefore(port: number): Promise<{ port: number; openings: string[] }> {
  const openings: string[] = [];
  const sockets = new Set<Socket>();
  const own = await portOf(
    createServer((client) => {
      const server = connect({ host: '127.0.0.1', port });
      for (const socket of [client, server]) {
        sockets.add(socket);
        socket.on('error', () => {});
      }
      client.once('data', (bytes) => openings.push(bytes.toString('latin1')));
      client.pipe(server).pipe(client);
    }),
  );
  closers.unshift(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { port: own, openings };
}

const text = readFileSync(join(import.meta.dirname, '../../docs/requests.md'), 'utf8');
const block = (language: string) =>
  new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ??
  assert.fail(`no ${language} in the page`);
const commands = [...text.matchAll(/^dropless run .*$/gm)].map(([line]) => line);

mkdirSync(fileOf('docs'));
write('docs/requests.jsonl', block('jsonl'));
write('docs/question.json', block('json'));
write('docs/items.csv', block('csv'));
write('docs/headers.txt', block('http'));
write('docs/ca.pem', TEST_CERTIFICATE);
write('docs/client.pem', TEST_CERTIFICATE);
write('docs/client.key', TEST_KEY);

for (const program of [...programs, alone]) {
  describe(`requests of dropless on ${program.name}`, () => {
    test('40 of 40 streams that end early in good form are truncated, each with what is missing', async () => {
      const shop = await listenShop({ endsEarly: true });
      const requests = write('early.jsonl', '{"path":"/chat","expectEnd":"[DONE]"}\n');
      const ending = await call(
        program,
        ...['run', shop.url, '--requests', requests, '--rate', '100', '--count', '40', EXACT],
        ...['--json', fileOf('early.json')],
      );
      assert.equal(ending.code, 1, ending.stderr);
      assert.match(ending.stdout, /^truncated +40 +100(\.0+)?% +yes/m);
      const failures = readFailures('early.json');
      assert.equal(failures.length, 40);
      for (const { detail, status } of failures) {
        assert.equal(detail, 'the body of 11 bytes ends with "data: one", not with "[DONE]"');
        assert.equal(status, 200);
      }
      const untold = await call(program, 'run', `${shop.url}/chat`, '--rate', '100', '--count', '40', EXACT);
      assert.equal(untold.code, 0, 'without an expected end they are taken for whole');
    });

    test('the values of a JSON body are held to what is expected, with data and secrets in place', async () => {
      const shop = await listenShop();
      const requests = write(
        'json.jsonl',
        '{"path":"/items/{{id}}","expectBody":{"json":{"/available":true}}}\n{"method":"POST","path":"/cart","body":{"token":"{{token}}"},"expectStatus":201}\n',
      );
      const data = write('json.csv', 'id,token\na b,"s3cret""1"\nnone,"s3cret""2"\n');
      const outputs = ['--json', fileOf('json.json'), '--html', fileOf('json.html')];
      const ending = await call(
        program,
        ...['run', shop.url, '--requests', requests, '--data', data, '--count', '100', '--rate', '200'],
        ...[EXACT, ...outputs],
      );
      assert.equal(ending.code, 1, ending.stderr);
      const wrong = readFailures('json.json').map(({ outcome, detail }) => `${outcome}: ${detail}`);
      assert.deepEqual([...new Set(wrong)], ['wrong_body: /available: expected true, got false']);
      assert.equal(wrong.length, shop.paths.filter((path) => path === '/items/none').length);
      assert.deepEqual(new Set(shop.paths), new Set(['/items/a%20b', '/items/none', '/cart']));
      const tokens = new Set(shop.bodies.filter((body) => body !== '').map((body) => JSON.parse(body).token));
      assert.deepEqual(tokens, new Set(['s3cret"1', 's3cret"2']));
      for (const name of ['json.json', 'json.html']) {
        assert.doesNotMatch(readFileSync(fileOf(name), 'utf8') + ending.stdout, /s3cret/);
      }
    });

    test('tokens are taken from their file as it changes, and no request is lost for it', async () => {
      const shop = await listenShop();
      const headers = write('headers.txt', 'Authorization: Bearer one\n');
      const running = start(program, [
        ...['run', `${shop.url}/items/1`, '--rate', '100', '--count', '300', EXACT],
        ...['--header-file', headers, '--json', fileOf('token.json')],
      ]);
      await shop.reach(50);
      write('headers.txt', 'Authorization: Bea');
      write('headers.txt', 'Authorization: Bearer two\n');
      while (!shop.tokens.includes('Bearer two')) await sleep(20);
      write('headers.txt', 'Bearer three\n');
      const ending = await running.ended;
      assert.match(ending.stderr, /^the headers stay as they were: .*headers\.txt:1: must be Name: value\n$/);
      assert.equal(ending.code, 0, ending.stdout + ending.stderr);
      assert.equal(shop.tokens.length, 300);
      assert.deepEqual([...new Set(shop.tokens)], ['Bearer one', 'Bearer two']);
      assert.doesNotMatch(readFileSync(fileOf('token.json'), 'utf8') + ending.stdout, /Bearer/);
    });

    test('parts of other requests are not merged', async () => {
      const shop = await listenShop();
      const parts = [];
      for (const index of [0, 1]) {
        const requests = write('part.jsonl', `{"path":"/items/1","headers":{"X-Part":"${index}"}}`);
        parts.push(fileOf(`part-${index}.json`));
        const flags = ['--requests', requests, '--shard', `${index}/2`, '--json', parts[index] ?? ''];
        await call(program, 'run', shop.url, '--count', '10', EXACT, ...flags);
      }
      const merged = await call(program, 'merge', ...parts);
      assert.equal(merged.code, 2);
      assert.match(merged.stderr, /parts 0 and 1 are not from the same run/);
    });

    test('faults in the files are told before anything is sent, with line and field', async () => {
      const shop = await listenShop();
      const requests = write('bad.jsonl', '{"path":"/{{ID}}"}\n{"path":"x","weigth":1}\n');
      const data = write('bad.csv', 'id\n1\n');
      const ending = await call(program, 'run', shop.url, '--requests', requests, '--data', data, EXACT);
      assert.deepEqual([ending.code, ending.stdout, shop.paths.length], [2, '', 0]);
      assert.match(ending.stderr, /bad\.jsonl:1: path names \{\{ID\}\}: the columns are id\n/);
      assert.match(ending.stderr, /bad\.jsonl:2: weigth is not known: there are name, method,/);
      assert.match(ending.stderr, /bad\.jsonl:2: path "x" must start with \//);
    });

    test('an IPv6 address is reached', { skip: !hasIpv6() }, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
      });
      server.listen(0, '::1');
      await once(server, 'listening');
      closers.push(() => server.close());
      const url = `http://[::1]:${(server.address() as AddressInfo).port}/x`;
      const ending = await call(program, 'run', url, '--rate', '100', '--count', '20', EXACT);
      assert.equal(ending.code, 0, ending.stdout + ending.stderr);
    });

    for (const [what, create, scheme] of [
      ['in cleartext', () => createHttp2Server(), 'http'],
      ['by TLS', () => createSecureServer(PAIR), 'https'],
    ] as const) {
      test(`a server that speaks HTTP/2 only, ${what}, is told so in one sentence`, async () => {
        const url = `${scheme}://127.0.0.1:${await portOf(create())}`;
        const ending = await call(program, 'run', url, '--insecure', '--count', '10', EXACT);
        assert.deepEqual([ending.code, ending.stdout], [2, '']);
        assert.match(ending.stderr, /^dropless: 127\.0\.0\.1 on port \d+ speaks HTTP\/2 only, .*\n$/);
      });
    }

    test('--servername is asked for, and the certificate is held against it', async () => {
      const shop = createShop();
      const front = await listenBefore(await portOf(createHttpsServer(PAIR, shop.listener)));
      const args = [
        ...['run', 'https://shop.test/items/1', '--connect-to', `127.0.0.1:${front.port}`],
        ...['--ca', fileOf('docs/ca.pem'), '--rate', '100', '--count', '20', EXACT],
      ];
      const wrong = await call(program, ...args);
      assert.equal(wrong.code, 2);
      assert.match(
        wrong.stderr,
        /cannot reach shop\.test on port 443 at 127\.0\.0\.1:\d+: its certificate is not/,
      );
      assert.ok(front.openings.every((bytes) => bytes.includes('shop.test')));
      front.openings.length = 0;
      const right = await call(program, ...args, '--servername', 'localhost');
      assert.equal(right.code, 0, right.stdout + right.stderr);
      assert.ok(front.openings.length > 0);
      assert.ok(front.openings.every((bytes) => bytes.includes('localhost')));
      assert.equal(shop.paths.length, 20);
    });
  });
}

describe('docs/requests.md', () => {
  const [, onNode] = programs;
  const shop = createShop();
  const secure = createHttpsServer({ ...PAIR, ca: TEST_CERTIFICATE, requestCert: true }, shop.listener);
  let plain: Awaited<ReturnType<typeof listenShop>>;
  let proxy: Tinyproxy | null = null;
  let port: number;

  before(async () => {
    plain = await listenShop();
    port = await portOf(secure);
    if (TOOLS.tinyproxy.command !== undefined) {
      proxy = await startTinyproxy('me', 'secret');
      closers.unshift(() => proxy?.close());
    }
  });

  assert.equal(commands.length, 6, 'commands are found');
  for (const line of commands) {
    const isProxied = line.includes('--proxy');
    const run = isProxied ? testWith(TOOLS.tinyproxy) : test;
    run(line, async () => {
      const args = line
        .replace('http://localhost:3000', plain.url)
        // The certificate is for localhost, and nobody resolves these names.
        .replace('10.0.0.7:8443', `127.0.0.1:${port}`)
        .replace('proxy.test:3128', `127.0.0.1:${proxy?.port}`)
        .replace(
          'https://shop.test',
          line.includes('--connect-to') ? 'https://localhost' : `https://localhost:${port}`,
        )
        .replace('shop.test', 'localhost')
        .replace(/--duration \w+/, '--duration 1s')
        .match(/'[^']*'|\S+/g)
        ?.map((word) => word.replaceAll("'", ''))
        .map((word) => (/^[\w-]+\.(jsonl|csv|txt|pem|key)$/.test(word) ? fileOf(`docs/${word}`) : word));
      const [name, ...words] = args ?? [];
      assert.equal(name, 'dropless');
      const ending = await call(onNode ?? assert.fail(), ...words, EXACT);
      assert.deepEqual([ending.code, ending.stderr], [0, ''], ending.stdout);
      if (isProxied) {
        assert.match(proxy?.log() ?? '', new RegExp(`CONNECT localhost:${port}`));
        const refused = words.map((word) => word.replace('me:secret', 'me:wrong'));
        const untrusted = await call(onNode ?? assert.fail(), ...refused, EXACT);
        assert.equal(untrusted.code, 2);
        assert.match(untrusted.stderr, /through the proxy 127\.0\.0\.1:\d+: .* responded 40[17] to CONNECT/);
      }
    });
  }

  test('the example sends what it says', () => {
    const ids = plain.paths.filter((path) => path.startsWith('/items/'));
    assert.deepEqual(new Set(ids), new Set(['/items/1', '/items/2']));
    assert.ok(plain.bodies.includes('{"item":"2","quantity":1}'));
    assert.ok(plain.bodies.some((body) => body.includes('Is item 1 in stock?')));
    assert.ok(plain.tokens.includes('Bearer eyJhbGciOi'));
  });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((own) => own?.some(({ address }) => address === '::1'));
}

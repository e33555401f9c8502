/** What npm installs, where nothing of the project can be reached: every command line of the documents, and bad surroundings. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { COMMANDS } from '../../loadtest/commands/registry.ts';
import { formatProofReport } from '../../loadtest/proof/proof-report.ts';
import { formatRunReport } from '../../loadtest/report/report.ts';
import { toFindings } from '../../loadtest/report/summary.ts';
import { spawnProgram, stop } from '../contract/service.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../fixtures/certificate.ts';
import { type ConnectProxy, startConnectProxy } from '../fixtures/connect-proxy.ts';
import { onSchedule } from '../fixtures/on-schedule.ts';
import { createSampleProof } from '../fixtures/sample-proof.ts';
import { createSampleReport } from '../fixtures/sample-report.ts';
import { createShop } from '../fixtures/shop-server.ts';
import { listen, type Running, start, type Target } from './command-line.ts';
import { type DocCommand, readDocCommands, toCommands } from './doc-commands.ts';
import { installPackage, readPackageFile } from './installed-package.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const installed = installPackage();
const { directory, env, packed } = installed;
type Runtime = keyof typeof installed.programs;

/** Runs the installed program. */
function call(runtime: Runtime, args: readonly string[], cwd = directory, input = ''): Running['ended'] {
  return start(installed.programs[runtime], args, input, { cwd, env }).ended;
}

const shop = createShop();
const secure = createHttpsServer(
  {
    cert: TEST_CERTIFICATE,
    key: TEST_KEY,
    ca: TEST_CERTIFICATE,
    requestCert: true,
    rejectUnauthorized: false,
  },
  shop.listener,
);
const service = spawnProgram(['node', join(directory, 'node_modules/dropless/dist/service/main.js')], {
  LAME_DUCK_MS: '0',
});
let serviceUrl: string;
let plainShop: Target;
let securePort: number;
let proxy: ConnectProxy;

before(async () => {
  const { port } = await service
    .logged(({ state }) => state === 'ready')
    .then(() => service.logged(({ message }) => message === 'listening'));
  serviceUrl = `http://127.0.0.1:${port}`;
  plainShop = await listen(shop.listener);
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  securePort = (secure.address() as AddressInfo).port;
  proxy = await startConnectProxy({ password: 'me:secret' });
});

after(async () => {
  await stop(service);
  await plainShop.close();
  secure.close();
  proxy.close();
  installed.remove();
});

describe('the package', () => {
  const packageJson = JSON.parse(readPackageFile(installed, 'package.json'));

  test('brings nothing else, and runs nothing when it is installed', () => {
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies']) {
      assert.equal(packageJson[kind], undefined, kind);
    }
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
      assert.equal(packageJson.scripts[script], undefined, script);
    }
    assert.deepEqual(
      readdirSync(join(directory, 'node_modules')).filter((name) => !name.startsWith('.')),
      ['dropless'],
    );
  });

  test('is built before it is packed', () => {
    assert.equal(packageJson.scripts.prepack, 'npm --prefix .. run -s build');
  });

  test('is small, and holds nothing that is of no use there', () => {
    assert.ok(packed.size < 2_000_000, `${packed.size} bytes`);
    assert.ok(packed.unpackedSize < 3_000_000, `${packed.unpackedSize} bytes`);
    for (const { path } of packed.files) {
      assert.doesNotMatch(path, /\.map$|\.test\.|(?<!\.d)\.ts$/);
      assert.ok(!readPackageFile(installed, path).includes(root), `${path} names a folder of this machine`);
    }
  });

  test('has the licenses, and a page that lists every command', () => {
    assert.equal(readPackageFile(installed, 'LICENSE'), read('LICENSE'));
    const { components } = JSON.parse(readPackageFile(installed, 'dist/sbom.cdx.json'));
    const { devDependencies } = packageJson as { devDependencies: Readonly<Record<string, string>> };
    for (const name of Object.keys(devDependencies).filter((each) => each !== 'esbuild')) {
      const bundled = components.find((component: { name: string }) => component.name === name);
      assert.ok(bundled?.evidence.licenses[0].license.text.content.length > 0, name);
    }
    const page = readPackageFile(installed, 'README.md');
    assert.deepEqual(
      [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name),
      COMMANDS.map(({ name }) => name),
    );
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
    assert.deepEqual(
      links.filter((link) => link?.startsWith('http') === false),
      [],
    );
  });
});

describe('the program', () => {
  // Of the project, nothing: npm puts its programs there.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(root));
  const outside = { ...env, PATH: path.join(delimiter), npm_config_update_notifier: 'false' };

  for (const [what, argv, runtime] of [
    ['npx', ['npx', '--offline', 'dropless'], 'node'],
    ['bunx', [process.execPath, 'x', '--bun', '--no-install', 'dropless'], 'bun'],
  ] as const) {
    test(`is started by ${what}, without network and with a home that cannot be written to`, async () => {
      const [command, ...args] = argv;
      const place = { cwd: directory, env: outside };
      const { code, stdout, stderr } = await start(
        { name: what, argv: [command] },
        [...args, '--version'],
        '',
        place,
      ).ended;
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^dropless \\S+ \\(commit \\S+, ${runtime} \\S+\\)\\n$`));
    });
  }
});

/** Without a cluster and without a published release. */
const commands = readDocCommands().filter(({ needsCluster }) => !needsCluster);

describe('readDocCommands()', () => {
  test('finds every command of the program, and leaves out what is none', () => {
    const all = readDocCommands();
    const names = COMMANDS.map(({ name }) => name);
    assert.deepEqual(new Set(all.map(({ words }) => words[0])), new Set(['--version', ...names]));
    assert.ok(commands.length >= 35, `${commands.length} lines`);
    const text = [
      'Say dropless run URL.\n\n    dropless run URL [flags]\n    docker build -t dropless:dev .',
      '```yaml\n- run: dropless lint deploy/ -o sarif > lint.sarif\n```',
      "    helm template . | dropless lint -\n    npx dropless prove drain deploy/web --endpoint 'GET /'",
    ].join('\n');
    assert.deepEqual(
      toCommands('a.md', text).map(({ words, isPiped, needsCluster }) => [words, isPiped, needsCluster]),
      [
        [['lint', 'deploy/', '-o', 'sarif'], false, false],
        [['lint', '-'], true, false],
        [['prove', 'drain', 'deploy/web', '--endpoint', 'GET /'], false, true],
      ],
    );
  });
});

/** A server of the reader's: by the paths that the documents name. */
const SERVER = `
const server = require('node:http').createServer((request, response) => {
  if (isEnding) response.setHeader('Connection', 'close');
  if (request.url === '/report') return void setTimeout(() => response.end('late'), 1500);
  if (request.url === '/cart') return void response.writeHead(201).end();
  if (request.url === '/chat') return void response.end('data: [DONE]\\n\\n');
  response.end('{"available":true}');
}).listen(process.env.PORT);
server.keepAliveTimeout = 75000;
let isEnding = false;
process.on('SIGTERM', () => {
  isEnding = true;
  setTimeout(() => server.close(), 500);
});
`;

const MANIFEST = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 10
      containers:
        - name: web
          image: web
          readinessProbe: { httpGet: { path: /healthz, port: 3000 }, periodSeconds: 1 }
          lifecycle: { preStop: { sleep: { seconds: 1 } } }
`;

const PARTS = [0, 1].map((index) => {
  const part = createSampleReport({ index, of: 2 });
  return formatRunReport(part, toFindings(part));
});

const MANIFESTS = read('test/fixtures/manifests/podinfo.yaml');

/** What a reader has in the folder where a command of the documents is run. */
function furnish(folder: string): void {
  const page = read('docs/requests.md');
  const block = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  const report = createSampleReport();
  const run = formatRunReport(report, toFindings(report));
  const files: Readonly<Record<string, string | undefined>> = {
    'server.js': SERVER,
    'web.yaml': MANIFEST,
    'requests.jsonl': block('jsonl'),
    'question.json': block('json'),
    'items.csv': block('csv'),
    'headers.txt': block('http'),
    'ca.pem': TEST_CERTIFICATE,
    'client.pem': TEST_CERTIFICATE,
    'client.key': TEST_KEY,
    'part-0.json': PARTS[0],
    'part-1.json': PARTS[1],
    'report.json': run,
    'run.json': run,
    'main.json': run,
    'branch.json': run,
    'proof.json': formatProofReport({ proofs: [createSampleProof()], controls: [], cutShort: null }),
    'kustomize/overlays/prod/web.yaml': MANIFESTS,
    'deploy/web.yaml': MANIFESTS,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text ?? assert.fail(`docs/requests.md has no ${name}`));
  }
}

/** As written, but against what listens here, and shorter. */
function toArguments({ line, words: [name = '', ...given] }: DocCommand): string[] {
  const isShop = line.includes('--requests');
  const words = given.map((word, at) => {
    const flag = given[at - 1];
    if (flag === '--duration') return '500ms';
    if (flag === '--warmup') return '200ms';
    if (flag === '--stage') return word.replace(/\/\w+$/, '/500ms');
    if (flag === '--count') return String(Math.min(Number(word), 200));
    if (flag === '--start-at') return new Date(Date.now() + 2_000).toISOString();
    return (
      word
        .replace('http://localhost:3000', isShop ? plainShop.url : serviceUrl)
        // The certificate is for localhost, and nobody resolves these names.
        .replace('10.0.0.7:8443', `127.0.0.1:${securePort}`)
        .replace('proxy.test:3128', `127.0.0.1:${proxy.port}`)
        .replace(
          'https://shop.test',
          `https://localhost${line.includes('--connect-to') ? '' : `:${securePort}`}`,
        )
        .replace('shop.test', 'localhost')
    );
  });
  const isEndless = !['--duration', '--stage', '--count'].some((flag) => given.includes(flag));
  if (name === 'run' && isEndless) return [name, ...words, '--duration', '500ms'];
  if (name === 'contract') return [name, ...words, '--idle', '0ms'];
  if (name !== 'prove') return [name, ...words];
  const edges = ['--baseline', '100ms', '--tail', '100ms', '--rate', '50', '--propagation', '100ms'];
  if (line.includes('--manifest')) return [name, ...words, ...edges];
  return [name, ...words, ...edges, '--replicas', '1', '--pre-stop', '300ms', '--lame-duck', '300ms'];
}

interface Trial {
  readonly runtime: Runtime;
  readonly command: DocCommand;
}

/** All on Node, and the first of each command on Bun. */
const trials: readonly Trial[] = [
  ...commands.map((command) => ({ runtime: 'node', command }) as const),
  ...COMMANDS.flatMap(({ name }) => {
    const command = commands.find(({ words }) => words[0] === name);
    return command === undefined ? [] : [{ runtime: 'bun', command } as const];
  }),
];

describe('the command lines of the documents, from the package', () => {
  const endings = new Map<Trial, Running['ended']>();

  before(() => {
    // Proofs wait for most of their time, so loads go on beside them; two loads at once would be late.
    const lanes = new Map<string, Promise<unknown>>();
    const folders = new Set<string>();
    for (const trial of trials) {
      const { runtime, command } = trial;
      const [name = ''] = command.words;
      const folder = join(directory, `${runtime} ${command.page.replaceAll('/', ' ')}`);
      if (!folders.has(folder)) furnish(folder);
      folders.add(folder);
      const input = command.isPiped ? (name === 'merge' ? PARTS.join('') : MANIFESTS) : '';
      const carryOut = () => call(runtime, toArguments(command), folder, input);
      const lane = ['prove', 'contract'].includes(name) ? name : 'load';
      const ending = Promise.resolve(lanes.get(lane)).then(() =>
        onSchedule(carryOut, ({ stdout }) => /^The load itself was late/m.test(stdout)),
      );
      endings.set(trial, ending);
      lanes.set(lane, ending);
    }
  });

  for (const trial of trials) {
    const { runtime, command } = trial;
    test(`on ${runtime}: ${command.line}`, async () => {
      const { code, stdout, stderr } = (await endings.get(trial)) ?? assert.fail();
      // How it ends is for others to test; here, that it is carried out.
      assert.ok([0, 1, 3, 4].includes(code ?? -1), stdout + stderr);
      assert.doesNotMatch(stderr, /^dropless: |^\s+at |Error/m);
      assert.notEqual(stdout, '');
      assert.ok(!`${stdout}${stderr}`.includes('\u001b'), 'no terminal, no colours');
      if (command.page !== 'docs/load-testing.md' || command.words[0] !== 'run') return;
      assert.deepEqual([code, stderr], [0, ''], stdout);
      assert.match(stdout, /^ok +[\d,]+ +\d+% {2}no/m);
      if (!command.line.includes('--rate 200')) return;
      assert.match(
        stdout,
        /^Endpoint +RequestCount +TotalDuration\(ms\) +AverageLatency\(ms\) +ServerAverage\(ms\)\n/,
      );
      assert.match(stdout, /^\/payload +[\d,]+ +[\d.]+ +[\d.]+ +[\d.]+$/m);
    });
  }
});

describe('where something is missing', () => {
  /** One sentence, and nothing that only its authors understand. */
  const isSentence = (text: string) => /^dropless: [^\n]+\n$/.test(text) && !/Error|\bat /.test(text);

  for (const runtime of ['node', 'bun'] as const) {
    for (const [what, args, expected] of [
      ['no server', ['run', 'http://127.0.0.1:1'], 'cannot reach 127.0.0.1 on port 1'],
      ['no cluster', ['prove', 'rollout', 'deploy/web'], 'cluster'],
    ] as const) {
      test(`${what} is told in a sentence on ${runtime}`, async () => {
        const { code, stdout, stderr } = await call(runtime, args);
        assert.deepEqual([code, stdout, isSentence(stderr)], [2, '', true], stderr);
        assert.ok(stderr.includes(expected), stderr);
      });
    }
  }

  for (const { line, words } of readDocCommands().filter(
    ({ page, needsCluster }) => page === 'README.md' && needsCluster,
  )) {
    test(`a cluster, and nothing else, is missing for: ${line}`, async () => {
      const { code, stdout, stderr } = await call('node', words);
      assert.deepEqual([code, stdout, isSentence(stderr)], [2, '', true], stderr);
      assert.match(stderr, /^dropless: no cluster /);
    });
  }

  test('a report that cannot be written is told before anything is sent', async () => {
    const { code, stderr } = await call('node', ['run', serviceUrl, '--json', '/dev/null/run.json']);
    assert.deepEqual([code, isSentence(stderr)], [2, true], stderr);
  });

  for (const [version, isRefused] of [
    ['8.17.0', true],
    ['18.20.4', true],
    ['20.18.3', true],
    ['20.19.0', false],
    ['100.0.0', false],
  ] as const) {
    test(`Node ${version} is ${isRefused ? 'told that it is too old' : 'good'}`, async () => {
      const preload = join(directory, `node-${version}.cjs`);
      writeFileSync(
        preload,
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
      );
      const bin = join(directory, 'node_modules/dropless/bin/dropless.cjs');
      const program = { name: version, argv: ['node', '--require', preload, bin] } as const;
      const argv = [...program.argv] as [string, ...string[]];
      const { code, stderr } = await start({ name: version, argv }, ['--version'], '', {
        cwd: directory,
        env,
      }).ended;
      assert.deepEqual(
        [code, stderr],
        isRefused ? [2, `dropless: needs Node 20.19 or newer, and this is Node ${version}\n`] : [0, ''],
      );
    });
  }
});

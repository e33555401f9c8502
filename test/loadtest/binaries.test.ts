/** The binaries: that of this machine is run, here and by the suites beside this; the others are looked at. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { formatRunReport } from '../../loadtest/report/report.ts';
import { RUNNER_VARIABLE } from '../../loadtest/runner/runner-objects.ts';
import { PLATFORMS } from '../../release/platforms.ts';
import { createSampleReport } from '../fixtures/sample-report.ts';
import { TOOLS, type Tool, testWith } from '../tools.ts';
import { createBinary, createPrograms } from './command-line.ts';

interface Header {
  readonly format: 'ELF' | 'Mach-O';
  /** e_machine, or cputype. */
  readonly machine: number;
  /** The dynamic linker. */
  readonly linker: string;
}

const HEADERS: Readonly<Record<string, Header>> = {
  'dropless-darwin-arm64': { format: 'Mach-O', machine: 0x100000c, linker: '/usr/lib/dyld' },
  'dropless-darwin-x64': { format: 'Mach-O', machine: 0x1000007, linker: '/usr/lib/dyld' },
  'dropless-linux-arm64': { format: 'ELF', machine: 0xb7, linker: '/lib/ld-linux-aarch64.so.1' },
  'dropless-linux-arm64-musl': { format: 'ELF', machine: 0xb7, linker: '/lib/ld-musl-aarch64.so.1' },
  'dropless-linux-x64': { format: 'ELF', machine: 0x3e, linker: '/lib64/ld-linux-x86-64.so.2' },
  'dropless-linux-x64-musl': { format: 'ELF', machine: 0x3e, linker: '/lib/ld-musl-x86_64.so.1' },
};
/** What `bun build --compile` ends its modules with. */
const TRAILER = '\n---- Bun! ----\n';
const MB = 1_000_000;

const root = join(import.meta.dirname, '../..');
const { directory, programs, remove } = createPrograms();
const { here, alone } = createBinary(directory);
const [native] = here.argv;
const bundle = join(directory, 'loadtest/dist');

after(remove);

function build(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, ['release/binaries.ts', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
}

describe('the binary of each platform', () => {
  // A folder beside, since the binary of this machine is in use.
  const all = join(directory, 'all');
  cpSync(bundle, join(all, 'loadtest/dist'), { recursive: true });
  const { status, stderr } = build([all]);
  const fileOf = (name: string) => join(all, 'dist/binaries', name);
  const runtimeOf = (name: string): Tool => ({
    name: "Bun's runtime for it, from npm",
    command: existsSync(fileOf(name)) ? [fileOf(name)] : undefined,
  });

  test('is built, or told by its name', () => {
    assert.deepEqual(
      Object.keys(HEADERS),
      Object.keys(PLATFORMS)
        .map((name) => `dropless-${name}`)
        .sort(),
    );
    const missing = Object.keys(HEADERS).filter((name) => !existsSync(fileOf(name)));
    for (const name of missing) assert.match(stderr, new RegExp(`${name}, for want of @oven/bun-`));
    assert.equal(status, missing.length === 0 ? 0 : 1, stderr);
  });

  for (const [name, { format, machine, linker }] of Object.entries(HEADERS)) {
    testWith(runtimeOf(name))(`${name} is a program of its platform, and complete`, () => {
      const file = readFileSync(fileOf(name));
      const isElf = format === 'ELF';
      assert.equal(file.readUInt32BE(0), isElf ? 0x7f454c46 : 0xcffaedfe);
      assert.equal(isElf ? file.readUInt16LE(18) : file.readUInt32LE(4), machine);
      assert.ok(file.subarray(0, 0x1000).includes(`${linker}\0`));
      assert.ok(file.length > 90 * MB && file.length < 125 * MB, `${file.length} bytes`);
      assert.ok((statSync(fileOf(name)).mode & 0o111) !== 0);

      const embedded = ['page-client.js', 'page-client.css', 'service'].flatMap((path) => listFiles(path));
      assert.equal(embedded.length, 5);
      const places = embedded.map((path) => file.indexOf(readFileSync(path)));
      assert.ok(!places.includes(-1), embedded.join());
      assert.ok(file.lastIndexOf(TRAILER) > Math.max(...places));
      assert.ok(file.includes('/load-worker.js'), 'the thread of the load');
    });
  }

  testWith(runtimeOf('dropless-darwin-arm64'))('the one for Macs with ARM is signed, each page of it', () => {
    const { pages, broken } = readSignature(readFileSync(fileOf('dropless-darwin-arm64')));
    assert.ok(pages > 20_000);
    assert.equal(broken, 0);
  });
  testWith(runtimeOf('dropless-darwin-x64'))(
    'the one for Macs with Intel has no signature, rather than an old one',
    () => {
      assert.equal(readSignature(readFileSync(fileOf('dropless-darwin-x64'))).pages, 0);
    },
  );
});

test('without a network the binary of this machine is built, and what is missing told in one sentence', () => {
  const offline = join(directory, 'offline');
  cpSync(bundle, join(offline, 'loadtest/dist'), { recursive: true });
  const env = { npm_config_offline: 'true', npm_config_cache: join(offline, 'npm') };
  const { status, stderr } = build(['--runtimes', join(offline, 'runtimes'), offline], env);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^not built: dropless-[\w-]+, for want of @oven\/bun-[\w-]+@[\d.]+, which npm cannot fetch: ENOTCACHED; .*\n$/,
  );
  assert.equal(readdirSync(join(offline, 'dist/binaries')).length, 1);
  assert.equal(stderr.split('; ').length, Object.keys(HEADERS).length - 1);
});

describe('the binary of this machine', () => {
  const run = (argv: readonly string[], env: Readonly<Record<string, string | undefined>> = process.env) => {
    const [program = '', ...args] = argv;
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, env, encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  testWith(TOOLS.bareRoot)(
    'is run in a root with a shell and the C library besides, and nothing else',
    () => {
      const files = readdirSync(join(directory, 'root'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name);
      assert.ok(files.length > 3);
      for (const name of files)
        assert.match(name, /^(dropless|sh|(ld-linux|libc|libm|libdl|libpthread)\b.*)$/);
      assert.match(run([...alone.argv, '--version']).stdout, /^dropless \d/);
    },
  );

  test('makes the page that the bundle makes', () => {
    writeFileSync(join(directory, 'run.json'), formatRunReport(createSampleReport(), {}));
    const page = (program: string, argv: readonly string[]) => {
      const file = join(directory, `${program}.html`);
      assert.equal(run([...argv, 'report', join(directory, 'run.json'), '--html', file]).status, 1);
      return readFileSync(file, 'utf8');
    };
    const [onBun = assert.fail()] = programs;
    assert.equal(page('binary', alone.argv), page('bundle', onBun.argv));
  });

  test('reads no .env that lies where it is run', () => {
    writeFileSync(join(directory, '.env'), `${RUNNER_VARIABLE}=x\n`);
    assert.equal(run([...here.argv, '--version']).status, 0);
  });

  describe('as kubectl-dropless', () => {
    const folder = join(directory, 'plugin');
    const plugin = join(folder, 'kubectl-dropless');
    mkdirSync(folder);
    linkSync(native, plugin);
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, KUBECONFIG: '/dev/null' };
    const line = ['dropless', 'prove', 'rollout', 'deploy/web'];

    test('says kubectl dropless in its help', () => {
      assert.match(run([plugin, 'prove', '--help']).stdout, /^Usage: kubectl dropless prove /);
    });

    testWith(TOOLS.kubectl)('is run by kubectl', () => {
      const { status, stderr } = run(['kubectl', ...line], env);
      assert.match(stderr, /^kubectl dropless: no cluster /);
      assert.equal(status, 2);
    });
  });
});

/** A file or a folder of the bundle, as the paths of its files. */
function listFiles(path: string): readonly string[] {
  const whole = join(bundle, path);
  return statSync(whole).isFile() ? [whole] : readdirSync(whole).map((name) => join(whole, name));
}

/**
 * Of a program for macOS: the pages that its code directory has hashes of, and how many of these do not fit.
 *
 * https://github.com/apple-oss-distributions/xnu/blob/main/osfmk/kern/cs_blobs.h
 */
function readSignature(file: Buffer): { readonly pages: number; readonly broken: number } {
  const [CODE_SIGNATURE, CODE_DIRECTORY] = [0x1d, 0xfade0c02];
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0 && file.readUInt32LE(at) !== CODE_SIGNATURE; left -= 1) {
    at += file.readUInt32LE(at + 4);
  }
  if (file.readUInt32LE(at) !== CODE_SIGNATURE) return { pages: 0, broken: 0 };
  const signature = file.subarray(file.readUInt32LE(at + 8));
  const directory = signature.subarray(signature.readUInt32BE(16));
  assert.equal(directory.readUInt32BE(0), CODE_DIRECTORY);
  const [hashes, pages, limit] = [16, 28, 32].map((offset) => directory.readUInt32BE(offset));
  const [hashSize, pageSize] = [directory.readUInt8(36), 2 ** directory.readUInt8(39)];
  assert.ok(hashes !== undefined && pages !== undefined && limit !== undefined);
  const isBroken = (page: number) => {
    const content = file.subarray(page * pageSize, Math.min((page + 1) * pageSize, limit));
    const hash = directory.subarray(hashes + page * hashSize, hashes + (page + 1) * hashSize);
    return !createHash('sha256').update(content).digest().equals(hash);
  };
  return { pages, broken: Array.from({ length: pages }, (_, page) => page).filter(isBroken).length };
}

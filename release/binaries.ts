/**
 * Makes the program one file for each platform, from the bundles below this folder or the one named:
 * `bun release/binaries.ts [--native] [--runtimes FOLDER] [DIRECTORY]` writes `dist/binaries/dropless-PLATFORM`. Each holds
 * Bun, the bundles, and what these read from beside them, the example service included.
 *
 * Bun's runtimes for other platforms come from npm, held to package-lock.json, and are kept, 100 MB each. Where one
 * cannot be had, the rest is built, and the exit code is 1.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EXAMPLE_SERVICE } from '../loadtest/local/fleet-setup.ts';
import { PLATFORMS } from './platforms.ts';

const ROOT = join(import.meta.dirname, '..');
const LOCK: {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
} = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));

class Unavailable extends Error {}

/** Neither of the two starts the other: each handles signals from its first line on. */
const ENTRY = `
if (process.argv[2] === '${EXAMPLE_SERVICE}') await import(new URL('./service/main.js', import.meta.url).href);
else await import('./main.js');
`;
/** Read as they are; the service is loaded from there, too. */
const ASSETS = ['./page-client.js', './page-client.css', './service'];

const { values, positionals } = parseArgs({
  options: {
    native: { type: 'boolean', default: false },
    runtimes: { type: 'string', default: join(ROOT, 'node_modules/.cache/bun-runtimes') },
  },
  allowPositionals: true,
});
const directory = resolve(positionals[0] ?? ROOT);
const runtimes = resolve(values.runtimes);
const binaries = join(directory, 'dist/binaries');
rmSync(binaries, { recursive: true, force: true });
mkdirSync(binaries, { recursive: true });
// What is embedded keeps its path from here.
process.chdir(join(directory, 'loadtest/dist'));

const native = findNative();
const missing: string[] = [];
for (const platform of values.native ? [native] : Object.keys(PLATFORMS)) {
  try {
    await compile(platform, platform === native ? process.execPath : await fetchRuntime(platform));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    missing.push(`dropless-${platform}, for want of ${error.message}`);
  }
}
if (missing.length > 0) {
  console.error(`not built: ${missing.join('; ')}`);
  process.exitCode = 1;
}

async function compile(platform: string, executablePath: string): Promise<void> {
  const target = PLATFORMS[platform]?.target;
  const outfile = join(binaries, `dropless-${platform}`);
  await Bun.build({
    entrypoints: ['./dropless.js', './load-worker.js'],
    files: { './dropless.js': ENTRY },
    // Only the sources need it.
    external: ['esbuild'],
    target: 'bun',
    format: 'esm',
    // Starts in less than half the time, for a twentieth of the size.
    bytecode: true,
    compile: {
      ...(target === undefined ? {} : { target }),
      executablePath,
      outfile,
      assets: ASSETS,
      // What happens to lie where the program is run is no part of it.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
  if (platform === 'darwin-x64') removeSignature(outfile);
}

/**
 * Takes the signature out of a program for macOS. Bun 1.4.5 signs what it makes for ARM alone: one for Intel still has
 * the signature of Bun itself, and is to macOS a program that was tampered with. There it need not have one.
 *
 * https://en.wikipedia.org/wiki/Mach-O#Load_commands
 */
function removeSignature(path: string): void {
  const [SEGMENT, CODE_SIGNATURE] = [0x19, 0x1d];
  const file = readFileSync(path);
  const [commands, size] = [file.readUInt32LE(16), file.readUInt32LE(20)];
  let linkEdit = 0;
  let at = 32;
  for (let passed = 1; passed < commands; passed += 1) {
    const isSegment = file.readUInt32LE(at) === SEGMENT;
    if (isSegment && file.toString('latin1', at + 8, at + 18) === '__LINKEDIT') linkEdit = at;
    at += file.readUInt32LE(at + 4);
  }
  const [start, length] = [file.readUInt32LE(at + 8), file.readUInt32LE(at + 12)];
  const isLast = file.readUInt32LE(at) === CODE_SIGNATURE && start + length === file.length;
  if (!isLast || linkEdit === 0) throw new Error(`the signature of ${path} is not at its end`);
  file.fill(0, at, at + 16);
  file.writeUInt32LE(commands - 1, 16);
  file.writeUInt32LE(size - 16, 20);
  file.writeBigUInt64LE(file.readBigUInt64LE(linkEdit + 48) - BigInt(length), linkEdit + 48);
  writeFileSync(path, file.subarray(0, start));
}

/** This machine's platform. */
function findNative(): string {
  const { platform, arch, report } = process;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  const isMusl = platform === 'linux' && header.glibcVersionRuntime === undefined;
  return `${platform}-${arch}${isMusl ? '-musl' : ''}`;
}

/**
 * Bun for another platform, of the version that runs this.
 * @throws {Unavailable} where npm cannot fetch it
 */
async function fetchRuntime(platform: string): Promise<string> {
  const { runtime } = PLATFORMS[platform] ?? {};
  const { version, integrity } = LOCK.packages[`node_modules/${runtime}`] ?? {};
  const name = `${runtime}@${version}`;
  const kept = join(runtimes, name);
  const program = join(kept, 'package/bin/bun');
  if (existsSync(program)) return program;

  // Under its name only once it is whole.
  const fetched = `${kept}.part`;
  rmSync(fetched, { recursive: true, force: true });
  mkdirSync(fetched, { recursive: true });
  const args = ['pack', '--json', '--pack-destination', fetched, name];
  const { status, stdout } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
  const told = JSON.parse(stdout);
  if (status !== 0) {
    rmSync(fetched, { recursive: true });
    throw new Unavailable(`${name}, which npm cannot fetch: ${told.error.code}`);
  }
  // A list, or since npm 12 an object by name.
  const [packed] = Object.values<{ readonly integrity: string; readonly filename: string }>(told);
  if (packed === undefined || packed.integrity !== integrity) {
    throw new Error(`${name} is not the one that package-lock.json names`);
  }
  const archive = join(fetched, packed.filename);
  await new Bun.Archive(await Bun.file(archive).bytes()).extract(fetched, { glob: 'package/bin/bun' });
  rmSync(archive);
  renameSync(fetched, kept);
  return program;
}

/**
 * Bundles what is shipped for Node and Bun alike, below this folder or the one named: `bun build.ts [DIRECTORY]`.
 * `dist/service` is the service, `loadtest/dist` the program `dropless`, which carries the service as its example.
 * Workers are loaded by URL, so each is an entry of its own beside the program that starts it.
 */
import { spawnSync } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildResult, build } from 'esbuild';
import packageJson from './loadtest/package.json' with { type: 'json' };
import { PAGE_CLIENT } from './loadtest/report/assets.ts';

const SERVICE = {
  main: 'src/main.ts',
  'fibonacci-worker': 'src/runtime/fibonacci-worker.ts',
  // Piscina starts this file, from beside itself, in each of its threads.
  worker: 'node_modules/piscina/dist/worker.js',
};
const DROPLESS = {
  main: 'loadtest/main.ts',
  library: 'loadtest/library/library.ts',
  'load-worker': 'loadtest/load/load-worker.ts',
};

/** CommonJS dependencies expect these; a module has neither. */
const COMMONJS_NAMES = [
  "import { createRequire as dropless_createRequire } from 'node:module';",
  'const require = dropless_createRequire(import.meta.url);',
  "import { fileURLToPath as dropless_toPath } from 'node:url';",
  "const __dirname = dropless_toPath(new URL('.', import.meta.url));",
].join('\n');

type Bundled = BuildResult<{ metafile: true }>;

/** What each bundle says of itself. The version stands in loadtest/package.json and nowhere else. */
const BUILD = {
  BUILD_VERSION: JSON.stringify(packageJson.version),
  BUILD_REVISION: JSON.stringify(process.env.REVISION || readRevision() || 'unknown'),
};

const root = process.argv[2] ?? '.';
const service = join(root, 'dist/service');
const dropless = join(root, 'loadtest/dist');

await writeLicenses([await bundle(SERVICE, service)], service);
const bundled = [await bundle(DROPLESS, dropless)];
for (const client of ['charts.ts', 'page.css']) {
  const entryPoints = { 'page-client': `loadtest/report/client/${client}` };
  bundled.push(await build({ ...PAGE_CLIENT, entryPoints, outdir: dropless, metafile: true }));
}
await writeLicenses(bundled, dropless);
await cp(service, join(dropless, 'service'), { recursive: true });

async function bundle(entryPoints: Readonly<Record<string, string>>, outdir: string): Promise<Bundled> {
  await rm(outdir, { recursive: true, force: true });
  return build({
    entryPoints,
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Piscina's optional native module lowers the priority of threads; it does without. Bundled, nothing bundles.
    external: ['@napi-rs/nice', 'esbuild'],
    banner: { js: COMMONJS_NAMES },
    define: BUILD,
    metafile: true,
    logLevel: 'warning',
  });
}

/** The packages in the bundles with their licenses, which want to go along with every copy. */
async function writeLicenses(bundles: readonly Bundled[], outdir: string): Promise<void> {
  const outputs = bundles.flatMap(({ metafile }) => Object.values(metafile.outputs));
  const folders = outputs
    .flatMap(({ inputs }) => Object.keys(inputs))
    .flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const notices = [...new Set(folders)].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    const text =
      file === undefined ? 'It comes without the text.' : await readFile(join(folder, file), 'utf8');
    return `${name} ${version}: ${license}\n\n${text.trim()}\n`;
  });
  const text = (await Promise.all(notices)).join(`\n${'-'.repeat(80)}\n\n`);
  await writeFile(join(outdir, 'THIRD-PARTY-LICENSES.txt'), text);
}

/** The commit of this folder, `-dirty` where it has been edited since; empty where git knows of none. */
function readRevision(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' });
  // Unpacked within another repository, it is no part of that one's commit.
  const { status, stdout } = git('rev-parse', '--show-prefix');
  if (status !== 0 || stdout.trim() !== '') return '';
  return git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*').stdout.trim();
}

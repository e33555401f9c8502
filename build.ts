/**
 * Bundles what is shipped for Node and Bun alike, below this folder or the one named: `bun build.ts [DIRECTORY]`.
 * `dist/service` is the service, `loadtest/dist` the program `dropless`, which carries the service as its example.
 * Workers are loaded by URL, so each is an entry of its own beside the program that starts it. Beside each program is
 * `sbom.cdx.json`, the packages that went into it, with their licenses.
 */
import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';
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

/** What each bundle says of itself. The version stands in loadtest/package.json and nowhere else. */
const BUILD = {
  BUILD_VERSION: JSON.stringify(packageJson.version),
  BUILD_REVISION: JSON.stringify(process.env.REVISION || readRevision() || 'unknown'),
};

const root = process.argv[2] ?? '.';
const service = join(root, 'dist/service');
const dropless = join(root, 'loadtest/dist');

const serviceParts = await bundle(SERVICE, service);
const parts = [serviceParts, await bundle(DROPLESS, dropless)];
for (const client of ['charts.ts', 'page.css']) {
  const entryPoints = { 'page-client': `loadtest/report/client/${client}` };
  const { metafile } = await build({ ...PAGE_CLIENT, entryPoints, outdir: dropless, metafile: true });
  parts.push(metafile);
}
await cp(service, join(dropless, 'service'), { recursive: true });
await Promise.all([listPackages(service, '.', [serviceParts]), listPackages(dropless, 'loadtest', parts)]);

async function bundle(entryPoints: Readonly<Record<string, string>>, outdir: string): Promise<Metafile> {
  await rm(outdir, { recursive: true, force: true });
  const { metafile } = await build({
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
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
  });
  return metafile;
}

/**
 * Writes the SBOM of a folder. It holds no times: the same build makes the same bytes.
 * @param workspace the folder whose package.json says what the whole is
 */
async function listPackages(
  folder: string,
  workspace: string,
  metafiles: readonly Metafile[],
): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), 'dropless-build-'));
  const metafile = join(temporary, 'metafile.json');
  await writeFile(metafile, JSON.stringify(mergeMetafiles(workspace, metafiles)));
  const file = join(folder, 'sbom.cdx.json');
  // The licenses want to go along with every copy.
  const texts = ['--output-reproducible', '--gather-license-texts'];
  const args = [...texts, '--build-working-dir', workspace, '--output-file', file, metafile];
  await promisify(execFile)('node_modules/.bin/cyclonedx-esbuild', args);
  await rm(temporary, { recursive: true });
}

/** One of several, with its paths from a folder instead of this one. */
function mergeMetafiles(from: string, metafiles: readonly Metafile[]): Metafile {
  const move = <T>(record: Readonly<Record<string, T>>) =>
    Object.entries(record).map(([path, value]) => [relative(from, path), value] as const);
  const inputs = metafiles.flatMap((metafile) => move(metafile.inputs));
  const outputs = metafiles.flatMap((metafile) => move(metafile.outputs));
  return {
    inputs: Object.fromEntries(
      inputs.map(([path, input]) => {
        const imports = input.imports.map((each) => ({ ...each, path: relative(from, each.path) }));
        return [path, { ...input, imports }];
      }),
    ),
    outputs: Object.fromEntries(
      outputs.map(([path, { entryPoint = '', ...output }]) => {
        const inputs = Object.fromEntries(move(output.inputs));
        return [path, { ...output, inputs, entryPoint: relative(from, entryPoint) }];
      }),
    ),
  };
}

/** The commit of this folder, `-dirty` where it has been edited since; empty where git knows of none. */
function readRevision(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' });
  // Unpacked within another repository, it is no part of that one's commit.
  const { status, stdout } = git('rev-parse', '--show-prefix');
  if (status !== 0 || stdout.trim() !== '') return '';
  return git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*').stdout.trim();
}

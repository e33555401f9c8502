/**
 * Bundles what is shipped for Node and Bun alike, below this folder or the one named: `bun build.ts [DIRECTORY]`.
 * `dist/service` is the service, `loadtest/dist` the program `dropless`, which carries the service as its example.
 * Workers are loaded by URL, so each is an entry of its own beside the program that starts it.
 */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PAGE_CLIENT } from './loadtest/report/assets.ts';

const SERVICE = {
  main: 'src/main.ts',
  'fibonacci-worker': 'src/runtime/fibonacci-worker.ts',
  // Piscina starts this file, from beside itself, in each of its threads.
  worker: 'node_modules/piscina/dist/worker.js',
};
const DROPLESS = {
  main: 'loadtest/main.ts',
  'load-worker': 'loadtest/load/load-worker.ts',
};

/** CommonJS dependencies expect these; a module has neither. */
const COMMONJS_NAMES = [
  "import { createRequire as dropless_createRequire } from 'node:module';",
  'const require = dropless_createRequire(import.meta.url);',
  "import { fileURLToPath as dropless_toPath } from 'node:url';",
  "const __dirname = dropless_toPath(new URL('.', import.meta.url));",
].join('\n');

const root = process.argv[2] ?? '.';
const service = join(root, 'dist/service');
const dropless = join(root, 'loadtest/dist');

await bundle(SERVICE, service);
await bundle(DROPLESS, dropless);
for (const client of ['charts.ts', 'page.css']) {
  const entryPoints = { 'page-client': `loadtest/report/client/${client}` };
  await build({ ...PAGE_CLIENT, entryPoints, outdir: dropless });
}
await cp(service, join(dropless, 'service'), { recursive: true });

async function bundle(entryPoints: Readonly<Record<string, string>>, outdir: string): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await build({
    entryPoints,
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Piscina's optional native module lowers the priority of threads; it does without. Bundled, nothing bundles.
    external: ['@napi-rs/nice', 'esbuild'],
    banner: { js: COMMONJS_NAMES },
    sourcemap: 'linked',
    legalComments: 'linked',
    logLevel: 'warning',
  });
}

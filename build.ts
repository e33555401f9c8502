/**
 * Bundles what is shipped for Node and Bun alike, into dist/ or the directory named: `bun build.ts [DIRECTORY]`.
 * Workers are loaded by URL, so each is an entry of its own beside the program that starts it.
 */
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { PAGE_CLIENT } from './loadtest/page/assets.ts';

const ENTRIES = {
  'service/main': 'src/main.ts',
  'service/fibonacci-worker': 'src/runtime/fibonacci-worker.ts',
  // Piscina starts this file, from beside itself, in each of its threads.
  'service/worker': 'node_modules/piscina/dist/worker.js',
  'loadtest/main': 'loadtest/main.ts',
  'loadtest/witness-worker': 'loadtest/prove/witness-worker.ts',
  'loadtest/load-worker': 'loadtest/load-worker.ts',
};

/** CommonJS dependencies expect these; a module has neither. */
const COMMONJS_NAMES = [
  "import { createRequire as dropless_createRequire } from 'node:module';",
  'const require = dropless_createRequire(import.meta.url);',
  "const __dirname = new URL('.', import.meta.url).pathname;",
].join('\n');

const outdir = process.argv[2] ?? 'dist';

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: ENTRIES,
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

await build({
  ...PAGE_CLIENT,
  entryPoints: { 'loadtest/page-client': 'loadtest/page/client/charts.ts' },
  outdir,
});
await build({
  ...PAGE_CLIENT,
  entryPoints: { 'loadtest/page-client': 'loadtest/page/client/page.css' },
  outdir,
});

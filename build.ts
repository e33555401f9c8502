/**
 * Bundles what is shipped into dist/, for Node and Bun alike: `bun build.ts`.
 * Workers are loaded by URL, so each is an entry of its own beside the program that starts it.
 */
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

const ENTRIES = {
  'loadtest/main': 'loadtest/main.ts',
};

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: ENTRIES,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
});

/**
 * Builds the images, runs the end-to-end suite on the cluster of KUBECONFIG, and prints the figures.
 *
 *   npm run e2e [-- --write] [-- --images-only] [FILE ...]
 *
 * E2E_REGISTRY   where the cluster pulls from (localhost:5001)
 * E2E_BUILD      builds and pushes one image, given what `docker build` is given; empty: they are built already
 * E2E_TAG        first part of the images' tags (made anew for each run)
 * --write        keeps the figures in docs/cluster-figures.md
 * --images-only  builds, and runs nothing
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { replaceBlock } from '../../generate/block.ts';
import { formatTable } from '../../generate/markdown-table.ts';
import { countCases } from '../junit.ts';
import { readFigures } from './figures.ts';
import { buildImages } from './images.ts';
import { findLack } from './preflight.ts';

const ROOT = join(import.meta.dirname, '../..');

const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean' }, 'images-only': { type: 'boolean' } },
  allowPositionals: true,
});
const lack = await findLack(process.env, { needsCluster: values['images-only'] !== true });
if (lack !== null) {
  console.error(lack);
  process.exit(2);
}
buildImages(process.env);
if (values['images-only'] === true) process.exit(0);

const work = mkdtempSync(join(tmpdir(), 'e2e-'));
const figuresFile = join(work, 'figures');
const files = [...new Bun.Glob('test/e2e/*.e2e.ts').scanSync(ROOT)]
  .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))
  .sort();
const report = join(work, 'report.xml');
const suite = spawnSync(
  process.execPath,
  [
    'test',
    '--timeout=600000',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...files.map((file) => `./${file}`),
  ],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, E2E_FIGURES: figuresFile } },
);
const table = formatTable(
  ['Figure', 'Value'],
  readFigures(figuresFile).map(({ what, value }) => [what, value]),
);
console.log(`\n${table}`);
const page = join(ROOT, 'docs/cluster-figures.md');
if (values.write === true && suite.status === 0) writeFileSync(page, replaceBlock(page, table));
const { passed, failed } = countCases(report);
rmSync(work, { recursive: true });
console.log(`${passed} passed, ${failed.length} failed`);
process.exit(suite.status ?? 1);

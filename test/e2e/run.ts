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
import { replaceBlock } from '../../docs/generated-block.ts';
import { formatTable } from '../../loadtest/markdown-table.ts';
import { countCases } from '../junit.ts';
import { readFigures } from './figures.ts';
import { type Image, toImages } from './images.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Reproducible: no timestamps of its own, and no attestation that holds the time of the build. */
const DOCKER_BUILD = 'docker buildx build --provenance=false --output type=registry,rewrite-timestamp=true';

const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean' }, 'images-only': { type: 'boolean' } },
  allowPositionals: true,
});
process.env.E2E_TAG ??= `e2e-${Date.now().toString(36)}`;
const build = process.env.E2E_BUILD ?? DOCKER_BUILD;
if (build !== '') buildImages(build);
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
console.log(`${passed} passed, ${failed} failed`);
process.exit(suite.status ?? 1);

function buildImages(command: string): void {
  const revision = read('git', ['rev-parse', 'HEAD']);
  process.env.SOURCE_DATE_EPOCH ??= read('git', ['log', '-1', '--format=%ct']);
  const { first, second, node, again } = toImages(process.env);
  for (const image of [first, second, node]) buildImage(command, image, revision, []);
  buildImage(command, again, revision, ['--no-cache']);
}

function buildImage(
  command: string,
  { reference, target, version }: Image,
  revision: string,
  flags: readonly string[],
): void {
  console.log(`# building ${reference}`);
  const versions = ['--build-arg', `VERSION=${version}`, '--build-arg', `REVISION=${revision}`];
  const args = ['-t', reference, '--target', target, ...versions, ...flags, '.'];
  const { status } = spawnSync('sh', ['-c', `${command} "$@"`, 'build', ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(1);
}

function read(program: string, args: readonly string[]): string {
  return spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' }).stdout.trim();
}

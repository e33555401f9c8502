/**
 * Changes the sources of `targets.ts` in one place at a time, and lists the changes that no unit test notices.
 *
 *   npm run mutate [-- PATH ...]     PATH: only the sources whose path begins so
 *
 * Exits 0 whatever the score: a survivor is for a person to look at.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { MutantResult, Position } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { TARGETS } from './targets.ts';

/** Long enough for any test on a busy machine, and short enough for an endless loop. */
const TIMEOUT_MS = 20_000;

const root = join(import.meta.dirname, '../..');
const paths = process.argv.slice(2);
const sources = TARGETS.flatMap((target) => target.sources).filter(
  (source) => paths.length === 0 || paths.some((path) => source.startsWith(path)),
);
if (sources.length === 0) {
  console.error(`no source in test/mutation/targets.ts begins with ${paths.join(' or ')}`);
  process.exit(2);
}

// Of each process that Stryker starts: they load the runner.
process.env.NODE_OPTIONS = '--import=tsx';
const mutants = await new Stryker({
  mutate: sources,
  testRunner: 'bundle',
  plugins: [join(import.meta.dirname, 'runner.ts')],
  coverageAnalysis: 'off',
  // Stryker rewrites tsconfig.json by an API that TypeScript 7 does not have.
  tsconfigFile: 'none',
  ignorePatterns: ['/bench', '/docs', '/kustomize', '**/dist'],
  tempDirName: join(tmpdir(), 'dropless-mutants'),
  reporters: ['dots'],
  concurrency: 2,
  timeoutMS: TIMEOUT_MS,
}).runMutationTest();

for (const source of sources)
  console.log(
    toScore(
      source,
      mutants.filter((mutant) => toPath(mutant) === source),
    ),
  );
console.log(toScore('total', mutants));
for (const mutant of mutants.filter(({ status }) => status === 'Survived'))
  console.log(`\n${toSurvivor(mutant)}`);

function toPath({ fileName }: MutantResult): string {
  return relative(root, fileName);
}

/** A mutant that hangs the tests, or that they cannot load, is noticed as well. */
function toScore(name: string, own: readonly MutantResult[]): string {
  const noticed = own.filter(({ status }) => status !== 'Survived').length;
  const share = own.length === 0 ? 100 : (100 * noticed) / own.length;
  return `${share.toFixed(1).padStart(5)} %  ${noticed} of ${own.length}  ${name}`;
}

function toSurvivor(mutant: MutantResult): string {
  const { location, replacement = '' } = mutant;
  const { start, end } = location;
  const text = readFileSync(join(root, toPath(mutant)), 'utf8');
  const before = text.slice(toOffset(text, start), toOffset(text, end));
  return `${toPath(mutant)}:${start.line}:${start.column}\n  - ${toOneLine(before)}\n  + ${toOneLine(replacement)}`;
}

/** Lines and columns count from 1. */
function toOffset(text: string, { line, column }: Position): number {
  const before = text.split('\n').slice(0, line - 1);
  return before.reduce((sum, { length }) => sum + length + 1, column - 1);
}

function toOneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

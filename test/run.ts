/**
 * Runs every test: all `*.test.ts` under `bun test`, two files at a time, and beside it the ones that are not tied
 * to Bun's process (everything outside test/) again under Node's own runner. Tells at the end what was not run for
 * want of a tool. The last line is `N passed, N failed`.
 *
 *   bun test/run.ts [--only bun|node] [PATH ...]
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { type Counts, countCases } from './junit.ts';
import { formatNotRun, NOT_RUN_FILE } from './tools.ts';

const { values, positionals } = parseArgs({
  options: { only: { type: 'string' } },
  allowPositionals: true,
});
const root = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'dropless-tests-'));
const notRunFile = join(reports, 'not-run');
writeFileSync(notRunFile, '');

/** `kustomize` is `test/kustomize` as well. */
const prefixes = positionals
  .map((path) => path.replace(/^\.\//, ''))
  .flatMap((path) => [path, `test/${path}`]);
const files = [...new Bun.Glob('{src,loadtest,generate,test,bench}/**/*.test.ts').scanSync(root)]
  .filter((file) => !file.includes('node_modules/'))
  .filter((file) => prefixes.length === 0 || prefixes.some((prefix) => file.startsWith(prefix)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ') || 'the source tree'}`);
  process.exit(2);
}

interface Runner {
  readonly name: string;
  readonly files: readonly string[];
  /** The report is a JUnit file that it writes. */
  toArgv(report: string): readonly string[];
}

const all: readonly Runner[] = [
  {
    name: 'node',
    files: files.filter((file) => !file.startsWith('test/')),
    toArgv: (report) => [
      'node',
      '--import=tsx',
      '--test',
      '--test-concurrency=1',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=junit',
      `--test-reporter-destination=${report}`,
    ],
  },
  {
    name: 'bun',
    files,
    toArgv: (report) => [
      process.execPath,
      'test',
      '--parallel=2',
      '--reporter=junit',
      `--reporter-outfile=${report}`,
    ],
  },
];
const runners = all.filter(
  ({ name, files }) => files.length > 0 && (values.only === undefined || values.only === name),
);

async function run({ name, files, toArgv }: Runner): Promise<Counts> {
  const report = join(reports, `${name}.xml`);
  const [command = '', ...args] = toArgv(report);
  const child = spawn(command, [...args, ...files.map((file) => `./${file}`)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [NOT_RUN_FILE]: notRunFile },
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await once(child, 'close');
  const counts = countCases(report);
  // A runner that dies before it writes its report has failed, whatever the report counts.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(`\n# ${name}: ${files.length} test files\n${(await output).join('')}`);
  console.log(`# ${name}: ${counts.passed} passed, ${counts.failed} failed`);
  return counts;
}

// The suites run what is shipped.
execFileSync(process.execPath, ['build.ts'], { cwd: root, stdio: 'inherit' });
const counts = await Promise.all(runners.map(run));
const sum = (kind: keyof Counts) => counts.reduce((total, each) => total + each[kind], 0);
const notRun = readFileSync(notRunFile, 'utf8').split('\n').filter(Boolean);
rmSync(reports, { recursive: true });

const skipped = sum('skipped') - notRun.length;
if (skipped > 0) console.log(`${skipped} skipped`);
process.stdout.write(formatNotRun(notRun));
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exit(sum('failed') === 0 ? 0 : 1);

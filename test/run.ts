/**
 * Runs every test: first the unit tests on Bun and beside them on Node, then the suites that start processes of
 * their own, on Bun and by themselves: their times are those of the machine. Tells at the end what was not run for
 * want of a tool. The last line is `N passed, N failed`.
 *
 *   bun test/run.ts [--only bun|node] [PATH ...]
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
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
const files = [...new Bun.Glob('{src,loadtest,generate,release,test,bench}/**/*.test.ts').scanSync(root)]
  .filter((file) => !file.includes('node_modules/'))
  .filter((file) => prefixes.length === 0 || prefixes.some((prefix) => file.startsWith(prefix)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ') || 'the source tree'}`);
  process.exit(2);
}

/** Their subjects are processes, and what they measure is time. */
const isOfProcesses = (file: string) => /^test\/(contract|hostile|loadtest)\//.test(file);

interface Job {
  readonly name: string;
  readonly files: readonly string[];
  readonly argv: readonly string[];
}

/** Node starts a process for each file that it is given, which takes longer than most files do. */
function writeEntry(paths: readonly string[]): string {
  const entry = join(reports, 'all.mjs');
  const imports = paths.map((path) => `await import(${JSON.stringify(pathToFileURL(join(root, path)))});`);
  writeFileSync(entry, imports.join('\n'));
  return entry;
}

const BUN_TEST = [process.execPath, 'test', '--reporter=junit'];
const units = files.filter((file) => !isOfProcesses(file));
/** In this order; the jobs of one stage run side by side. */
const stages: readonly (readonly Job[])[] = [
  [
    { name: 'bun', files: units, argv: BUN_TEST },
    {
      name: 'node',
      files: units.filter((file) => !file.startsWith('test/')),
      argv: ['node', '--import=tsx', '--test-reporter=junit'],
    },
  ],
  [{ name: 'bun, processes', files: files.filter(isOfProcesses), argv: BUN_TEST }],
];

/** Shows the output of a job once it is complete, so that those of two jobs do not mix. */
async function run({ name, files, argv }: Job): Promise<Counts> {
  const report = join(reports, `${name}.xml`);
  const [command = '', ...args] = argv;
  const into = command === 'node' ? `--test-reporter-destination=${report}` : `--reporter-outfile=${report}`;
  const startMs = performance.now();
  const operands = command === 'node' ? [writeEntry(files)] : files.map((file) => `./${file}`);
  const child = spawn(command, [...args, into, ...operands], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [NOT_RUN_FILE]: notRunFile },
  });
  console.log(`# ${name}: ${files.length} test files`);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await once(child, 'close');
  const counts = countCases(report);
  // A runner that dies before it writes its report has failed, whatever the report counts.
  if (status !== 0 && counts.failed.length === 0) counts.failed.push(`exit code ${status}`);
  if (counts.failed.length > 0) {
    console.log((await output).join(''));
    // Node's cases are in its report alone.
    if (command === 'node' && existsSync(report)) console.log(readFileSync(report, 'utf8'));
  }
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  console.log(`# ${name}: ${counts.passed} passed, ${counts.failed.length} failed in ${seconds} s`);
  counts.failed = counts.failed.map((test) => `${name}: ${test}`);
  return counts;
}

// The suites run what is shipped.
execFileSync(process.execPath, ['build.ts'], { cwd: root, stdio: 'inherit' });
const counts: Counts[] = [];
for (const stage of stages) {
  const jobs = stage.filter(
    ({ name, files }) => files.length > 0 && (values.only === undefined || name.startsWith(values.only)),
  );
  counts.push(...(await Promise.all(jobs.map(run))));
}
const sum = (count: (counts: Counts) => number) => counts.reduce((total, each) => total + count(each), 0);
const failed = counts.flatMap((each) => each.failed);
const notRun = readFileSync(notRunFile, 'utf8').split('\n').filter(Boolean);
rmSync(reports, { recursive: true });

const skipped = sum((each) => each.skipped) - notRun.length;
if (skipped > 0) console.log(`${skipped} skipped`);
process.stdout.write(formatNotRun(notRun));
for (const test of failed) console.log(`FAILED: ${test}`);
console.log(`${sum((each) => each.passed)} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);

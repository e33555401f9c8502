/**
 * Runs every test: all `*.test.ts` under `bun test`, then the ones that are not tied to Bun's process
 * (everything outside test/) again under Node's own runner. The last line is `N passed, N failed`.
 *
 *   bun test/run.ts [--only bun|node] [PATH ...]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Counts, countCases } from './junit.ts';

const { values, positionals } = parseArgs({
  options: { only: { type: 'string' } },
  allowPositionals: true,
});
const root = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'dropless-tests-'));

const files = [...new Bun.Glob('{src,loadtest,generate,test,bench}/**/*.test.ts').scanSync(root)]
  .filter((file) => positionals.length === 0 || positionals.some((path) => file.startsWith(path)))
  .sort();

const runners: Record<string, { files: string[]; argv: (report: string) => string[] }> = {
  bun: {
    files,
    argv: (report) => [
      process.execPath,
      'test',
      '--timeout=120000',
      '--reporter=junit',
      `--reporter-outfile=${report}`,
      ...files.map((file) => `./${file}`),
    ],
  },
  node: {
    files: files.filter((file) => !file.startsWith('test/')),
    argv: (report) => [
      'node',
      '--import=tsx',
      '--test',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=junit',
      `--test-reporter-destination=${report}`,
      ...files.filter((file) => !file.startsWith('test/')),
    ],
  },
};

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const [name, runner] of Object.entries(runners)) {
  if ((values.only !== undefined && values.only !== name) || runner.files.length === 0) continue;
  console.log(`\n# ${name}: ${runner.files.length} test files`);
  const report = join(reports, `${name}.xml`);
  const [command = '', ...args] = runner.argv(report);
  const run = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const counts = countCases(report);
  // A runner that dies before it writes its report has failed, whatever the report counts.
  if (run.status !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(`# ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
rmSync(reports, { recursive: true });
if (total.passed + total.failed === 0) {
  console.error(`no test file matches ${positionals.join(' ') || 'the source tree'}`);
  process.exit(2);
}
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exit(total.failed === 0 ? 0 : 1);

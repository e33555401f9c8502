/** Preloaded by `bun test`, by itself or from run.ts: once, or once in each process that runs files side by side. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatNotRun, NOT_RUN_FILE } from './tools.ts';

/** A test that hangs is ended by then. Longer than any takes, on a busy machine too. */
const TIME_LIMIT_MS = 120_000;

// Bun takes no limit from bunfig.toml, and forgets what is set here after the first file.
Bun.plugin({
  name: 'time limit of each test file',
  setup: (build) => {
    build.onLoad({ filter: /\.test\.ts$/ }, async ({ path }) => ({
      loader: 'ts',
      contents: `(await import('bun:test')).setDefaultTimeout(${TIME_LIMIT_MS});${await readFile(path, 'utf8')}`,
    }));
  },
});

// run.ts does both itself.
if (process.env[NOT_RUN_FILE] === undefined) {
  // The suites run what is shipped.
  execFileSync(process.execPath, ['build.ts'], { cwd: join(import.meta.dirname, '..'), stdio: 'inherit' });
  const directory = mkdtempSync(join(tmpdir(), 'dropless-tests-'));
  const file = join(directory, 'not-run');
  writeFileSync(file, '');
  process.env[NOT_RUN_FILE] = file;
  process.on('exit', () => {
    process.stderr.write(formatNotRun(readFileSync(file, 'utf8').split('\n').filter(Boolean)));
    rmSync(directory, { recursive: true });
  });
}

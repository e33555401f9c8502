/** The action's script, on releases that are folders of this machine and whose program is a shell script. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import { TOOLS, testWith } from '../tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'action/run.sh');
const ACTION = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8'));
const VERSION = dropless.version;
/** Tells its words, one a line, and exits as EXIT says; what it would add to the summary of the job goes there. */
const PROGRAM = `#!/bin/sh
printf '<%s>\\n' "$@"
echo ran >>"\${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "\${EXIT:-0}"
`;

const testAction = testWith(TOOLS.curl);
const work = mkdtempSync(join(tmpdir(), 'dropless-action-'));
after(() => rmSync(work, { recursive: true }));

interface Given {
  readonly args?: string;
  readonly version?: string;
  readonly sarif?: string;
  readonly runner?: readonly [os: string, arch: string];
  readonly exit?: number;
  /** What the release has; by default one good program for Linux on X64. */
  readonly release?: Readonly<Record<string, string>>;
}

/** Runs the action as a step of a job of its own. */
function act({ args = '', version = '', sarif = '', runner = ['Linux', 'X64'], exit = 0, release }: Given) {
  const job = mkdtempSync(join(work, 'job-'));
  const files = release ?? { 'dropless-linux-x64': PROGRAM, SHA256SUMS: sum('dropless-linux-x64', PROGRAM) };
  const folder = join(job, 'releases', `v${version === '' ? VERSION : version.replace(/^v/, '')}`);
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const [RUNNER_OS, RUNNER_ARCH] = runner;
  const { status, stdout, stderr } = spawnSync('bash', [SCRIPT], {
    cwd: job,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      INPUT_ARGS: args,
      INPUT_VERSION: version,
      INPUT_SARIF: sarif,
      INPUT_RELEASES: pathToFileURL(join(job, 'releases')).href,
      RUNNER_OS,
      RUNNER_ARCH,
      RUNNER_TEMP: join(job, 'a temp'),
      GITHUB_PATH: join(job, 'path'),
      GITHUB_STEP_SUMMARY: join(job, 'summary'),
      EXIT: String(exit),
    },
  });
  const read = (name: string) => (existsSync(join(job, name)) ? readFileSync(join(job, name), 'utf8') : '');
  return { status, stdout, stderr, path: read('path'), summary: read('summary'), sarif: read(sarif || 'no') };
}

function sum(name: string, content: string): string {
  return `${createHash('sha256').update(content).digest('hex')}  ${name}\n`;
}

describe('action.yml', () => {
  testAction('hands each of its inputs to the script', () => {
    const [step] = ACTION.runs.steps;
    for (const name of Object.keys(ACTION.inputs)) {
      const variable = `INPUT_${name.toUpperCase()}`;
      assert.ok(step.env[variable].includes(`inputs.${name}`), name);
      assert.ok(readFileSync(SCRIPT, 'utf8').includes(variable), name);
    }
    assert.ok(existsSync(join(ROOT, step.run.replaceAll('"', '').replace('$GITHUB_ACTION_PATH/', ''))));
  });
});

describe('the action', () => {
  testAction('runs the words of args, and keeps what is quoted together', () => {
    const { status, stdout, path } = act({
      args: `prove rollout\n  --endpoint 'GET /a b'\n\n  --require "p99 < 80ms" --header 'A: "b"'\n`,
    });
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      ...['<prove>', '<rollout>', '<--endpoint>', '<GET /a b>', '<--require>', '<p99 < 80ms>', '<--header>'],
      '<A: "b">',
    ]);
    assert.equal(status, 0);
    assert.ok(path.endsWith(`/a temp/dropless-${VERSION}\n`), path);
  });

  testAction('expands nothing', () => {
    const { stdout } = act({ args: '$HOME $(touch made) `touch made` * ; exit 9' });
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      ...['<$HOME>', '<$(touch>', '<made)>', '<`touch>', '<made`>', '<*>', '<;>', '<exit>', '<9>'],
    ]);
  });

  for (const exit of [1, 2, 3, 4]) {
    testAction(`hands on the exit code ${exit}, with an annotation`, () => {
      const { status, stdout } = act({ args: 'prove rollout', exit });
      assert.equal(status, exit);
      assert.match(stdout, new RegExp(`^::error title=dropless prove::exit code ${exit};`, 'm'));
    });
  }

  testAction('without args only puts it on the PATH', () => {
    for (const args of ['', ' \n ']) {
      const { status, stdout, path } = act({ args, exit: 9 });
      assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
      assert.equal(path.split('\n').length, 2);
    }
  });

  testAction('of lint writes annotations and one summary, and SARIF where it is asked to', () => {
    const plain = act({ args: 'lint deploy/', exit: 1 });
    assert.deepEqual(
      { status: plain.status, stdout: plain.stdout, summary: plain.summary },
      { status: 1, stdout: '<lint>\n<deploy/>\n<--output>\n<github>\n', summary: 'ran\n' },
    );
    const both = act({ args: 'lint deploy/', sarif: 'lint.sarif', exit: 1 });
    assert.equal(both.status, 1);
    assert.equal(both.sarif, '<lint>\n<deploy/>\n<--output>\n<sarif>\n');
    assert.equal(both.stdout, plain.stdout);
    assert.equal(both.summary, 'ran\n');
  });

  testAction('takes a version with or without its v', () => {
    for (const version of ['9.8.7', 'v9.8.7']) {
      assert.match(act({ version, args: 'run' }).path, /\/dropless-9\.8\.7\n$/);
    }
  });
});

describe('the action refuses, and runs nothing,', () => {
  const good = sum('dropless-linux-x64', PROGRAM);
  const refusals: readonly (readonly [what: string, given: Given, message: RegExp])[] = [
    [
      'a binary that was changed',
      { release: { 'dropless-linux-x64': `${PROGRAM}#`, SHA256SUMS: good } },
      /^::error title=dropless::dropless-linux-x64 of [\d.]+ has the SHA-256 [0-9a-f]{64}, and should have [0-9a-f]{64}$/m,
    ],
    [
      'a binary without a checksum',
      { release: { 'dropless-linux-x64': PROGRAM, SHA256SUMS: sum('dropless-linux-x64.old', PROGRAM) } },
      /and should have one in SHA256SUMS$/m,
    ],
    [
      'a release without checksums',
      { release: { 'dropless-linux-x64': PROGRAM } },
      /cannot get .*\/SHA256SUMS$/m,
    ],
    [
      'a release without the binary',
      { release: { SHA256SUMS: good } },
      /cannot get .*\/dropless-linux-x64$/m,
    ],
    ['a system without a binary', { runner: ['Linux', 'S390X'] }, /there is no binary for Linux on S390X$/m],
    ['quotes that do not end', { args: "run 'http://a" }, /the quotes in args are not balanced$/m],
    [
      'SARIF of another command',
      { args: 'prove rollout', sarif: 'a.sarif' },
      /sarif is for lint: dropless prove/m,
    ],
  ];
  for (const [what, given, message] of refusals) {
    testAction(what, () => {
      const { status, stdout, summary } = act({ args: 'run', ...given });
      assert.equal(status, 2);
      assert.match(stdout, message);
      assert.equal(summary, '');
    });
  }
});

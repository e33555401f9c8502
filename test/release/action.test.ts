/** The action's script, on releases that are folders of this machine. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import { PLATFORMS } from '../../release/platforms.ts';
import { TOOLS, testWith } from '../tools.ts';
import { makeRelease } from './release.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'action/run.sh');
const ACTION = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8'));
const VERSION = dropless.version;
/** Tells its words, one a line, and exits as EXIT says; adds its platform to the summary of the job. */
const toProgram = (platform: string) => `#!/bin/sh
printf '<%s>\\n' "$@"
echo ${platform} >>"\${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "\${EXIT:-0}"
`;

const ARCHIVE = 'dropless-linux-x64.tar.gz';
const RUNNERS = [
  [['Linux', 'X64'], 'linux-x64'],
  [['Linux', 'ARM64'], 'linux-arm64'],
  [['macOS', 'X64'], 'darwin-x64'],
  [['macOS', 'ARM64'], 'darwin-arm64'],
] as const;

const testAction = testWith(TOOLS.curl);
const work = mkdtempSync(join(tmpdir(), 'dropless-action-'));
after(() => rmSync(work, { recursive: true }));

interface Given {
  readonly args?: string;
  readonly version?: string;
  readonly sarif?: string;
  readonly runner?: readonly [os: string, arch: string];
  readonly exit?: number;
  /** What the release has; by default all that it should. */
  readonly release?: Readonly<Record<string, string | Buffer>>;
  /** What `ldd --version` says. */
  readonly libc?: string;
  /** Whether a program tells the checksums of files. */
  readonly hasSums?: boolean;
}

const assets = makeRelease(work, toProgram);
const asset = (name: string) => readFileSync(join(assets, name));
const GOOD = Object.fromEntries(readdirSync(assets).map((name) => [name, asset(name)]));

/** Runs the action as a step of a job of its own. */
function act({
  args = '',
  version = '',
  sarif = '',
  runner = ['Linux', 'X64'],
  exit = 0,
  release = GOOD,
  libc = 'ldd (GNU libc) 2.36',
  hasSums = true,
}: Given) {
  const job = mkdtempSync(join(work, 'job-'));
  const folder = join(job, 'releases', `v${version === '' ? VERSION : version.replace(/^v/, '')}`);
  const bin = join(job, 'bin');
  for (const directory of [folder, bin]) mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(release)) writeFileSync(join(folder, name), content);
  // musl's tells so on standard error, and fails.
  writeFileSync(join(bin, 'ldd'), `#!/bin/sh\necho '${libc}' >&2\nexit 1\n`, { mode: 0o755 });
  for (const name of hasSums ? [] : ['sha256sum', 'shasum'])
    writeFileSync(join(bin, name), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
  const [RUNNER_OS, RUNNER_ARCH] = runner;
  const { status, stdout, stderr } = spawnSync('bash', [SCRIPT], {
    cwd: job,
    encoding: 'utf8',
    env: {
      PATH: `${bin}:${process.env.PATH}`,
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
      { status: 1, stdout: '<lint>\n<deploy/>\n<--output>\n<github>\n', summary: 'linux-x64\n' },
    );
    const both = act({ args: 'lint deploy/', sarif: 'lint.sarif', exit: 1 });
    assert.equal(both.status, 1);
    assert.equal(both.sarif, '<lint>\n<deploy/>\n<--output>\n<sarif>\n');
    assert.equal(both.stdout, plain.stdout);
    assert.equal(both.summary, 'linux-x64\n');
  });

  test('has a release for each platform that it knows, and knows each that there is', () => {
    const known = RUNNERS.flatMap(([runner, platform]) =>
      runner[0] === 'Linux' ? [platform, `${platform}-musl`] : [platform],
    );
    assert.deepEqual(known.sort(), Object.keys(PLATFORMS).sort());
  });

  for (const [runner, platform] of RUNNERS) {
    testAction(`takes the binary of ${runner.join(' on ')}`, () => {
      assert.equal(act({ args: 'run', runner }).summary, `${platform}\n`);
      if (runner[0] !== 'Linux') return;
      assert.equal(act({ args: 'run', runner, libc: 'musl libc (x86_64)' }).summary, `${platform}-musl\n`);
    });
  }

  testAction('takes a version with or without its v', () => {
    for (const version of ['9.8.7', 'v9.8.7']) {
      assert.match(act({ version, args: 'run' }).path, /\/dropless-9\.8\.7\n$/);
    }
  });
});

describe('the action refuses, and runs nothing,', () => {
  const { SHA256SUMS: sums, [ARCHIVE]: archive, ...others } = GOOD;
  assert.ok(sums !== undefined && archive !== undefined);
  const other = others['dropless-linux-arm64.tar.gz'] ?? assert.fail();
  const refusals: readonly (readonly [what: string, given: Given, message: RegExp])[] = [
    [
      'an archive that is another',
      { release: { ...GOOD, [ARCHIVE]: other } },
      /^::error title=dropless::dropless-linux-x64\.tar\.gz of [\d.]+ has the SHA-256 [0-9a-f]{64}, and should have [0-9a-f]{64}$/m,
    ],
    [
      'an archive without a checksum',
      { release: { ...GOOD, SHA256SUMS: sums.toString().replace(/^.*-x64\.tar\.gz\n/gm, '') } },
      /SHA256SUMS of [\d.]+ has no checksum of dropless-linux-x64\.tar\.gz$/m,
    ],
    [
      'any archive where no program tells its checksum, least of all one without',
      { hasSums: false, release: { ...GOOD, SHA256SUMS: '' } },
      /SHA256SUMS of [\d.]+ has no checksum of /m,
    ],
    [
      'any archive where no program tells its checksum',
      { hasSums: false },
      /has the SHA-256 that nothing here can tell, and should have /m,
    ],
    ['a release without checksums', { release: { [ARCHIVE]: archive } }, /cannot get .*\/SHA256SUMS$/m],
    [
      'a release without the archive',
      { release: { SHA256SUMS: sums } },
      /cannot get .*\/dropless-linux-x64\.tar\.gz$/m,
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

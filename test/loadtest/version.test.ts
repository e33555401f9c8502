/** What a build says of itself: the version stands in loadtest/package.json alone, the commit comes from git or REVISION. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import packageJson from '../../loadtest/package.json' with { type: 'json' };
import { spawnProgram, stop } from '../contract/service.ts';
import { SOURCES, start } from './command-line.ts';

const { version } = packageJson;
const root = join(import.meta.dirname, '../..');
// Inside the project, since the bundles leave one optional package out.
const directory = mkdtempSync(join(root, 'node_modules/.dropless-version-'));
const RUNTIMES = [
  { command: process.execPath, runtime: `bun ${process.versions.bun}` },
  {
    command: 'node',
    runtime: `node ${spawnSync('node', ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)}`,
  },
];

after(() => rmSync(directory, { recursive: true }));

/** Builds into a folder of its own. */
function build(name: string, env: Readonly<Record<string, string>>): string {
  const folder = join(directory, name);
  const { REVISION: _, ...rest } = process.env;
  const built = spawnSync(process.execPath, ['build.ts', folder], {
    cwd: root,
    env: { ...rest, ...env },
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  return folder;
}

const built = build('told', { REVISION: 'abc123' });

for (const { command, runtime } of RUNTIMES) {
  describe(`a build on ${runtime}`, () => {
    test('tells version, commit and runtime', async () => {
      const program = { name: runtime, argv: [command, join(built, 'loadtest/dist/main.js')] } as const;
      const { stdout } = await start({ ...program, argv: [...program.argv] }, ['--version']).ended;
      assert.equal(stdout, `dropless ${version} (commit abc123, ${runtime})\n`);
    });

    for (const [what, env, expected] of [
      ['where nothing else is set', {}, [version, 'abc123']],
      ['where the variables are empty', { APP_VERSION: '', APP_REVISION: '' }, [version, 'abc123']],
      ['unless the environment knows better', { APP_VERSION: '9', APP_REVISION: 'def' }, ['9', 'def']],
    ] as const) {
      test(`serves its own version and commit ${what}`, async () => {
        const service = spawnProgram([command, join(built, 'dist/service/main.js')], env);
        const { port } = await service.logged(({ message }) => message === 'listening');
        const told = (await (await fetch(`http://127.0.0.1:${port}/version`)).json()) as Record<
          string,
          string
        >;
        await stop(service);
        assert.deepEqual([told.version, told.revision, told.runtime], [...expected, runtime]);
      });
    }
  });
}

test('the sources say that they are none', async () => {
  const { stdout } = await start(SOURCES, ['--version']).ended;
  assert.equal(stdout, `dropless ${version} (from the sources, bun ${process.versions.bun})\n`);
});

describe('the commit of a build', () => {
  const readCommit = (folder: string) =>
    spawnSync('node', [join(folder, 'loadtest/dist/main.js'), '--version'], { encoding: 'utf8' }).stdout;

  test('is unknown where there is no git', () => {
    assert.match(readCommit(build('without', { GIT_DIR: join(directory, 'none') })), /\(commit unknown, /);
  });

  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const skip = git('rev-parse').status === 0 ? false : 'this is no checkout';

  test('is not that of a repository around this folder', { skip }, () => {
    const around = {
      GIT_DIR: git('rev-parse', '--absolute-git-dir').stdout.trim(),
      GIT_WORK_TREE: join(root, '..'),
    };
    assert.match(readCommit(build('within', around)), /\(commit unknown, /);
  });

  test('is that of git, and says whether the tree was edited', { skip }, () => {
    const commit = git('rev-parse', 'HEAD').stdout.trim();
    assert.match(readCommit(build('checkout', {})), new RegExp(`\\(commit ${commit}(-dirty)?, `));
  });
});

test('the version has no second place', () => {
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  assert.equal(JSON.parse(read('package.json')).version, undefined);
  for (const path of ['Dockerfile', 'build.ts', 'src/config.ts', 'loadtest/cli/version.ts']) {
    assert.ok(!read(path).includes(version), path);
  }
});

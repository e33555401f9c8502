/** The README's commands: each is run by a test, or marked `release` and held here to what a release has. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import service from '../../package.json' with { type: 'json' };
import { toCodeLines, toCommands } from '../loadtest/doc-commands.ts';
import { TOOLS, testWith } from '../tools.ts';
import { makeRelease, REPOSITORY } from './release.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const page = read('README.md');
const blocks = (fence: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${fence}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);

describe('what needs the release', () => {
  const work = mkdtempSync(join(tmpdir(), 'dropless-install-'));
  after(() => rmSync(work, { recursive: true }));

  testWith(TOOLS.curl)(
    'is what a release has: the archive, the program in it, the image, the package',
    () => {
      const assets = makeRelease(work, (platform) => `#!/bin/sh\necho "\${0##*/} of ${platform}: $*"\n`);
      const bin = join(work, 'bin');
      mkdirSync(bin);
      const programs = {
        docker: 'echo "docker $*: $(cat)"',
        npx: 'echo "npx $*"',
        // As kubectl finds its plugins.
        kubectl: 'name=$1; shift; exec "kubectl-$name" "$@"',
      };
      for (const [name, text] of Object.entries(programs)) {
        writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
        chmodSync(join(bin, name), 0o755);
      }
      writeFileSync(join(work, 'web.yaml'), 'kind: Deployment\n');
      const script = blocks('sh release')
        .join('')
        .replaceAll(`https://github.com/${REPOSITORY}/releases/latest/download`, pathToFileURL(assets).href)
        .replaceAll('/usr/local/bin', bin);
      const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', script], {
        cwd: work,
        env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.deepEqual(stdout.trimEnd().split('\n'), [
        `npx ${dropless.name} --version`,
        'dropless of linux-x64: --version',
        'kubectl-dropless of linux-x64: --version',
        `docker run --rm -i ghcr.io/${REPOSITORY}:${dropless.version} lint -: kind: Deployment`,
        `npx ${dropless.name} prove rollout --local`,
      ]);
    },
  );

  test('is the action, as docs/ci.md has it', () => {
    const steps = blocks('yaml release').flatMap((text) => parse(text));
    assert.equal(steps.length, 1);
    for (const step of steps) {
      assert.equal(step.uses, `${REPOSITORY}@v${dropless.version.split('.')[0]}`);
      assert.deepEqual(Object.keys(step.with), ['args']);
      // test/github/pipeline-docs.test.ts holds its commands and flags to the program.
      assert.ok(read('docs/ci.md').includes(`\n          args: ${step.with.args}\n`), step.with.args);
    }
  });
});

describe('what needs no release', () => {
  const stages = [...read('Dockerfile').matchAll(/^FROM .* AS (\w+)$/gm)].map(([, name]) => name);

  /** Who holds a line of code of the README to what it says. */
  function isHeld(line: string): boolean {
    // test/loadtest/package.test.ts runs it.
    if (toCommands('README.md', `    ${line}`).length === 1) return true;
    if (/^alias dropless="node '\$PWD\/loadtest\/dist\/main\.js'"$/.test(line)) return true;
    const [, stage] = /^docker build -t \S+ --target (\w+) \.$/.exec(line) ?? [];
    if (stage !== undefined) return stages.includes(stage);
    return line.split(' && ').every((part) => {
      const [, run] = /^npm (?:run )?([\w:]+)$/.exec(part) ?? [];
      return run !== undefined && (part === 'npm ci' || run in service.scripts);
    });
  }

  test('is run by a test, line by line', () => {
    // test/contract/readme.test.ts runs the console blocks.
    const lines = toCodeLines(page).filter(({ fence }) => !/^console$| release$/.test(fence));
    assert.ok(lines.length >= 8);
    assert.deepEqual(
      lines.map(({ line }) => line).filter((line) => !isHeld(line)),
      [],
    );
  });

  test('names what .ci/fresh-root runs on a bare machine', () => {
    const script = read('.ci/fresh-root');
    for (const line of ['npm ci && npm start', 'npm ci && npm test']) {
      assert.ok(script.includes(`count '${line}'`), line);
      assert.ok(
        toCodeLines(page).some((each) => each.line === line),
        line,
      );
    }
  });

  test('isHeld() sees scripts, stages and programs that there are not', () => {
    for (const line of [
      'npm run gone',
      'npm ci && curl x',
      'docker build -t a --target gone .',
      'dropless gone',
    ]) {
      assert.equal(isHeld(line), false, line);
    }
  });
});

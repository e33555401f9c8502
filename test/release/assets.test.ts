import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import { parseChecksums } from '../../release/channels.ts';
import { PLATFORMS } from '../../release/platforms.ts';
import { TOOLS, testWith } from '../tools.ts';
import { makeRelease, REPOSITORY } from './release.ts';

const ROOT = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'dropless-release-'));
after(() => rmSync(work, { recursive: true }));
const platforms = Object.keys(PLATFORMS);
const assets = makeRelease(work, (platform) => `#!/bin/sh\necho ${platform}\n`);

describe('the assets of a release', () => {
  test('are an archive for each binary, the checksums, an SBOM, a manifest for krew and a formula', () => {
    assert.deepEqual(
      readdirSync(assets).sort(),
      [
        ...['SHA256SUMS', 'dropless.cdx.json', 'dropless.rb', 'dropless.yaml'],
        ...platforms.map((platform) => `dropless-${platform}.tar.gz`),
      ].sort(),
    );
  });

  test('have in each archive the program, which can be run, and its license', () => {
    for (const platform of platforms) {
      const folder = mkdtempSync(join(work, 'unpacked-'));
      // tar finds no gzip on a machine with nothing but Node.
      const tar = gunzipSync(readFileSync(join(assets, `dropless-${platform}.tar.gz`)));
      execFileSync('tar', ['-x', '-f', '-', '-C', folder], { input: tar });
      assert.deepEqual(readdirSync(folder).sort(), ['LICENSE', 'dropless']);
      assert.equal(execFileSync(join(folder, 'dropless'), { encoding: 'utf8' }), `${platform}\n`);
    }
  });

  test('have the checksums of the archives', () => {
    const archives = parseChecksums(readFileSync(join(assets, 'SHA256SUMS'), 'utf8'));
    assert.equal(archives.length, platforms.length);
    for (const { name, sha256 } of archives) {
      const content = readFileSync(join(assets, name));
      assert.equal(createHash('sha256').update(content).digest('hex'), sha256, name);
    }
  });

  const krew = TOOLS.krew.command;
  testWith(TOOLS.krew)("have a manifest that krew's own validation takes", () => {
    const [program = '', ...args] = krew ?? [];
    // Installing is what it cannot: nothing is published.
    const { status, stdout, stderr } = spawnSync(
      program,
      [...args, '-manifest', join(assets, 'dropless.yaml'), '-skip-install'],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout + stderr);
    assert.match(stderr, /no overlapping spec\.platform/);
  });

  testWith(TOOLS.ruby)('have a formula that Ruby takes', () => {
    const [program = ''] = TOOLS.ruby.command ?? [];
    const { status, stdout, stderr } = spawnSync(program, ['-c', join(assets, 'dropless.rb')], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim(), 'Syntax OK');
  });

  test('are of no repository that has no owner', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'release/assets.ts'), 'dropless'], {
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.equal(stderr, 'the repository is "dropless": must be OWNER/NAME\n');
  });
});

describe('the notes of a release', () => {
  const take = (tag: string) =>
    spawnSync(process.execPath, [join(ROOT, 'release/notes.ts'), tag], { encoding: 'utf8' });

  test('are refused where the tag is not the version', () => {
    for (const tag of [dropless.version, 'v0.0.9', '']) {
      const { status, stdout, stderr } = take(tag);
      assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
      assert.match(stderr, /^the tag is ".*", and the version in loadtest\/package\.json /);
    }
  });

  test('are the section of the version, if the changelog has one', () => {
    const { status, stdout, stderr } = take(`v${dropless.version}`);
    const isReleased = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').includes(
      `\n## ${dropless.version} - `,
    );
    assert.equal(status, isReleased ? 0 : 1);
    assert.equal(stdout !== '', isReleased);
    assert.equal(stderr, isReleased ? '' : `CHANGELOG.md has nothing under ${dropless.version}\n`);
  });
});

test('the repository of a release is where the image of the program is looked for', () => {
  const source = readFileSync(join(ROOT, 'loadtest/commands/in-cluster.ts'), 'utf8');
  assert.ok(source.includes(`'ghcr.io/${REPOSITORY}'`));
});

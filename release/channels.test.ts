import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { formatFormula, formatKrewManifest, parseChecksums, type Release } from './channels.ts';

const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'linux-x64-musl'];
const digest = (at: number) => String(at).repeat(64);
const CHECKSUMS = PLATFORMS.map((platform, at) => `${digest(at)}  dropless-${platform}.tar.gz\n`).join('');
const RELEASE: Release = {
  version: '1.2.3',
  repository: 'owner/name',
  archives: parseChecksums(CHECKSUMS),
};

describe('parseChecksums()', () => {
  test('reads each archive with its platform', () => {
    assert.deepEqual(
      RELEASE.archives.map(({ os, arch, isMusl, sha256 }) => [os, arch, isMusl, sha256]),
      [
        ['darwin', 'arm64', false, digest(0)],
        ['darwin', 'x64', false, digest(1)],
        ['linux', 'arm64', false, digest(2)],
        ['linux', 'x64', false, digest(3)],
        ['linux', 'x64', true, digest(4)],
      ],
    );
    assert.deepEqual(parseChecksums(''), []);
  });

  for (const line of [
    `${digest(1).slice(1)}  dropless-linux-x64.tar.gz`,
    `${digest(1)} dropless-linux-x64.tar.gz`,
    `${digest(1)}  dropless-linux-x64`,
    `${digest(1)}  dropless-linux.tar.gz`,
    `${digest(1)}  dropless-linux-x64-gnu.tar.gz`,
  ]) {
    test(`refuses ${line.slice(60)}`, () => {
      assert.throws(() => parseChecksums(`${CHECKSUMS}${line}\n`), { message: /^no archive of a release: / });
    });
  }
});

/** https://github.com/kubernetes-sigs/krew/blob/v0.5.0/internal/index/validation/validate.go */
test("formatKrewManifest() is what krew's validation asks for, with one platform for each system", () => {
  const { apiVersion, kind, metadata, spec } = parse(formatKrewManifest(RELEASE));
  assert.equal(apiVersion, 'krew.googlecontainertools.github.com/v1alpha2');
  assert.equal(kind, 'Plugin');
  assert.equal(metadata.name, 'dropless');
  assert.equal(spec.version, 'v1.2.3');
  assert.match(spec.shortDescription, /^[^\n]{1,50}$/);
  assert.deepEqual(
    spec.platforms.map((platform: Record<string, unknown>) => platform),
    ['darwin-arm64', 'darwin-amd64', 'linux-arm64', 'linux-amd64'].map((platform, at) => {
      const [os, arch] = platform.split('-');
      return {
        selector: { matchLabels: { os, arch } },
        uri: `https://github.com/owner/name/releases/download/v1.2.3/dropless-${PLATFORMS[at]}.tar.gz`,
        sha256: digest(at),
        bin: 'dropless',
      };
    }),
  );
});

describe('formatFormula()', () => {
  test('has the address and the checksum of each system beside each other, and none for musl', () => {
    const text = formatFormula(RELEASE);
    const pairs = [...text.matchAll(/(on_\w+) do\n\s+url "(.*)"\n\s+sha256 "(.*)"\n/g)];
    assert.deepEqual(
      pairs.map(([, processor, url, sha256]) => [processor, url, sha256]),
      (
        [
          ['on_arm', 0],
          ['on_intel', 1],
          ['on_arm', 2],
          ['on_intel', 3],
        ] as const
      ).map(([processor, at]) => [
        processor,
        `https://github.com/owner/name/releases/download/v1.2.3/dropless-${PLATFORMS[at]}.tar.gz`,
        digest(at),
      ]),
    );
    assert.match(text, /^ {2}version "1\.2\.3"$/m);
    // https://docs.brew.sh/Formula-Cookbook: the audit takes no longer one.
    assert.match(text, /^ {2}desc ".{1,79}"$/m);
  });

  test('is none of a release that lacks a system', () => {
    const archives = RELEASE.archives.filter(({ os }) => os !== 'darwin');
    assert.throws(() => formatFormula({ ...RELEASE, archives }), {
      message: 'the release has no archive for darwin on arm64',
    });
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDockerfile } from './dockerfile.ts';
import { formatOutputs, parseBases } from './image.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const RECIPE = parseDockerfile(`ARG BUILD=docker.io/a/build:1
ARG BASE=docker.io/a/base:2
FROM --platform=$BUILDPLATFORM \${BUILD} AS build
RUN build
FROM \${BASE} AS last
COPY --from=build /a /a
LABEL title="A, and B" version="\${VERSION}" revision="\${REVISION}"
`);
const PINNED = `BUILD=docker.io/a/build:1@${DIGEST}\nBASE=docker.io/a/base:2@${DIGEST}\n`;

describe('parseBases()', () => {
  test('has each image of the Dockerfile by digest', () => {
    assert.deepEqual(parseBases(PINNED, RECIPE), {
      BUILD: `docker.io/a/build:1@${DIGEST}`,
      BASE: `docker.io/a/base:2@${DIGEST}`,
    });
  });

  for (const [what, text, message] of [
    ['a tag', PINNED.replace(`@${DIGEST}`, ''), /^no base of the Dockerfile by digest: "BUILD=/],
    ['a digest that is cut', PINNED.replace(DIGEST, DIGEST.slice(1)), /^no base/],
    ['another image', PINNED.replace('a/base:2', 'a/base:3'), /^no base of the Dockerfile by digest: "BASE=/],
    ['another argument', PINNED.replace('BASE', 'OTHER'), /^no base of the Dockerfile by digest: "OTHER=/],
    ['one that is missing', PINNED.replace(/^BASE.*\n/m, ''), /^not pinned: BASE$/],
    ['nothing', '', /^not pinned: BUILD, BASE$/],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => parseBases(text, RECIPE), { message });
    });
  }
});

describe('formatOutputs()', () => {
  const built = {
    version: '1.2.3',
    revision: 'abc',
    committedS: 1_795_000_000,
    bases: parseBases(PINNED, RECIPE),
  };

  test("has the Dockerfile's labels with what the release knows, the same as annotations, and the bases", () => {
    const entries = [
      'title=A, and B',
      'version=1.2.3',
      'revision=abc',
      'org.opencontainers.image.created=2026-11-18T11:06:40.000Z',
      'org.opencontainers.image.base.name=docker.io/a/base:2',
      `org.opencontainers.image.base.digest=${DIGEST}`,
    ];
    assert.equal(
      formatOutputs(RECIPE, 'last', built),
      [
        ...['version<<END', '1.2.3', 'END', 'platforms<<END', 'linux/amd64,linux/arm64', 'END'],
        ...['build-args<<END', 'VERSION=1.2.3', 'REVISION=abc', ...PINNED.trim().split('\n'), 'END'],
        ...['labels<<END', ...entries, 'END'],
        ...['annotations<<END', ...entries.map((entry) => `index,manifest:${entry}`), 'END', ''],
      ].join('\n'),
    );
  });

  test('is none of a target that there is not', () => {
    assert.throws(() => formatOutputs(RECIPE, 'first', built), {
      message: 'no target of the Dockerfile: "first"',
    });
  });
});

/** What the images of the Dockerfile are: of any platform without emulation, and called what the packages are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import service from '../../package.json' with { type: 'json' };
import { parseDockerfile } from '../../release/dockerfile.ts';
import { REPOSITORY } from './release.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const { stages } = parseDockerfile(read('Dockerfile'));
const [build, ...targets] = stages;
const { jobs } = parse(read('.github/workflows/release.yml'));

describe('the images', () => {
  test('are those that a release publishes, and without a target the service on Bun', () => {
    assert.deepEqual(
      targets.map(({ name }) => name),
      ['node', 'dropless', 'bun'],
    );
    const published = jobs.images.strategy.matrix.include.map(({ target }: { target: string }) => target);
    assert.deepEqual(published.toSorted(), targets.map(({ name }) => name).toSorted());
  });

  test('need no emulation: what runs is of the platform that builds, and the rest copies', () => {
    assert.equal(build?.platform, '$BUILDPLATFORM');
    for (const { name, platform, keywords } of targets) {
      assert.equal(platform, null, name);
      assert.ok(keywords.includes('COPY') && !keywords.includes('RUN'), `${name}: ${keywords}`);
    }
    assert.doesNotMatch(read('.github/workflows/release.yml'), /qemu/i);
  });

  for (const { name, labels } of targets) {
    test(`${name} is labelled with what its package.json says, and with version and commit`, () => {
      const { description, license } = name === 'dropless' ? dropless : service;
      const { 'org.opencontainers.image.title': title, ...rest } = labels;
      assert.match(title ?? '', /^dropless/);
      assert.deepEqual(rest, {
        'org.opencontainers.image.description': description,
        'org.opencontainers.image.licenses': license,
        'org.opencontainers.image.source': `https://github.com/${REPOSITORY}`,
        'org.opencontainers.image.version': `\${VERSION}`,
        'org.opencontainers.image.revision': `\${REVISION}`,
      });
    });
  }
});

/** What the images of the Dockerfile are: of any platform without emulation, and called what the packages are. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as streamText } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import service from '../../package.json' with { type: 'json' };
import { parseDockerfile } from '../../release/dockerfile.ts';
import { REPOSITORY } from './release.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const { defaults, stages } = parseDockerfile(read('Dockerfile'));
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

describe('the bases of the images', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const bases = Object.entries(defaults)
    .map(([name, reference]) => `${name}=${reference}@${digest}\n`)
    .join('');

  test('are by tag in the Dockerfile, and each stage starts from one', () => {
    assert.deepEqual(
      new Set(stages.map(({ image }) => image)),
      new Set(Object.keys(defaults).map((name) => `\${${name}}`)),
    );
    for (const reference of Object.values(defaults)) assert.match(reference, /^docker\.io\/[\w/]+:[\w.-]+$/);
  });

  test('are pinned to what their registry serves, all of them or none', async (context) => {
    const index = JSON.stringify({
      manifests: ['amd64', 'arm64'].map((architecture) => ({ platform: { os: 'linux', architecture } })),
    });
    const server = createServer(({ url }, response) => {
      response.setHeader('content-type', 'application/vnd.oci.image.index.v1+json');
      response.writeHead(url === '/v2/a/b/manifests/1' ? 200 : 404).end(index);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const folder = mkdtempSync(join(tmpdir(), 'dropless-bases-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const dockerfile = join(folder, 'Dockerfile');
    const image = `127.0.0.1:${(server.address() as AddressInfo).port}/a/b`;
    const pin = async (text: string) => {
      writeFileSync(dockerfile, text);
      const child = spawn(process.execPath, ['release/bases.ts', dockerfile], { cwd: ROOT });
      const [[status], stdout, stderr] = await Promise.all([
        once(child, 'close'),
        streamText(child.stdout),
        streamText(child.stderr),
      ]);
      return { status, stdout, stderr };
    };
    const sha256 = createHash('sha256').update(index).digest('hex');
    assert.deepEqual(await pin(`ARG A=${image}:1\nFROM \${A}\n`), {
      status: 0,
      stdout: `A=${image}:1@sha256:${sha256}\n`,
      stderr: '',
    });
    assert.deepEqual(await pin(`ARG A=${image}:1\nARG B=${image}:2\nFROM \${A}\n`), {
      status: 1,
      stdout: '',
      stderr: `${image}:2: http://${image.replace('/', '/v2/')}/manifests/2 is 404\n`,
    });
  });

  test('go into the build as docs/deploy.md has it, and into what a release builds with', () => {
    const [, substitute] =
      /^npm run -s pin:bases > bases\.txt\ndocker build \$\((sed .+) bases\.txt\) /m.exec(
        read('docs/deploy.md'),
      ) ?? assert.fail('no such commands');
    assert.equal(service.scripts['pin:bases'], 'bun release/bases.ts');
    assert.ok(
      read('.github/workflows/release.yml').includes('- run: npx bun release/bases.ts > bases.txt\n'),
    );
    const flags = execFileSync('sh', ['-c', substitute ?? ''], { input: bases, encoding: 'utf8' });
    assert.equal(flags, bases.replace(/^/gm, '--build-arg ').replace(/--build-arg $/, ''));
    const outputs = execFileSync(process.execPath, ['release/outputs.ts', 'dropless', 'abc', '0'], {
      cwd: ROOT,
      input: bases,
      encoding: 'utf8',
    });
    assert.ok(outputs.includes(`build-args<<END\nVERSION=${dropless.version}\nREVISION=abc\n${bases}END\n`));
    assert.ok(outputs.includes(`index,manifest:org.opencontainers.image.version=${dropless.version}\n`));
  });

  test('and all else that the release computes is used by the workflow, by its name', () => {
    const { with: given, env } = jobs.images.steps.find(({ id }: { id?: string }) => id === 'build');
    const used = [...JSON.stringify({ given, env }).matchAll(/steps\.image\.outputs\.([\w-]+)/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(used.sort(), ['annotations', 'build-args', 'labels', 'platforms', 'version']);
  });
});

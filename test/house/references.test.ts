import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, test } from 'node:test';
import { listFiles, ROOT } from './modules.ts';

/** What may speak of files: prose, comments, manifests, scripts. */
const SPEAKS = /(\.(md|ts|js|ya?ml)|(^|\/)Dockerfile|^\.ci\/\w+)$/;
/** Of other projects, or what a build and a run write. */
const ELSEWHERE = /^(node_modules|dist|loadtest\/dist|\.\.|\/)/;

const files = listFiles('', '');
const known = new Set(files.flatMap(withFolders));

describe('what the project says of its files', () => {
  for (const path of files.filter((file) => SPEAKS.test(file))) {
    const dead = findDead(path, readFileSync(join(ROOT, path), 'utf8'));
    // One test a file would be hundreds of lines in the log.
    if (dead.length > 0) test(`${path} names files that exist`, () => assert.deepEqual(dead, []));
  }

  test('is read in all of them', () => {
    assert.ok(files.filter((file) => SPEAKS.test(file)).length > 300);
  });
});

describe('findDead()', () => {
  const sample = (path: string, text: string) => findDead(path, text);

  test('sees a link, a path in code marks and a path in a comment that lead nowhere', () => {
    assert.deepEqual(
      sample('docs/lint.md', 'See [it](gone.md), `loadtest/fleet/x.ts` and [this](lint.md#top).'),
      ['gone.md', 'loadtest/fleet/x.ts'],
    );
    assert.deepEqual(sample('src/app.ts', '// docs/gone.md says why\nconst a = 1; /** test/run.ts */'), [
      'docs/gone.md',
    ]);
  });

  test('takes a path from the root, from its own file, or below the folder of a half', () => {
    assert.deepEqual(
      sample('kustomize/README.md', '`base/hpa.yaml` [x](../docs/lint.md) `kustomize/base`'),
      [],
    );
    assert.deepEqual(sample('ARCHITECTURE.md', '`load/load.ts` `runtime/bun.ts` `domain/` `gone/`'), [
      'gone/',
    ]);
  });

  test('leaves addresses, patterns, packages and what a build writes alone', () => {
    const text = '[a](https://a.test/b.md) `src/**` `@hono/node-server` `dist/service/main.js` `x/y`';
    assert.deepEqual(sample('README.md', text), []);
  });
});

function withFolders(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Paths of files that a text names and that are nowhere. */
function findDead(path: string, text: string): string[] {
  return toReferences(path, text).filter((reference) => {
    if (ELSEWHERE.test(posix.normalize(reference))) return false;
    const places = ['', posix.dirname(path), 'src', 'loadtest', 'kustomize', 'kustomize/overlays/prod'];
    return !places.some((place) => known.has(posix.join(place, reference).replace(/\/$/, '')));
  });
}

function toReferences(path: string, text: string): string[] {
  if (path.endsWith('.md')) {
    const links = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    const relative = links
      .filter((link) => !/^\w+:/.test(link))
      .map((link) => (link.startsWith('../') ? posix.join(posix.dirname(path), link) : link));
    const marked = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) =>
      isPath(code) ? [code] : [],
    );
    return [...relative, ...marked];
  }
  const comments = /\.(ts|js)$/.test(path)
    ? [...text.matchAll(/\/\*[\s\S]*?\*\/|(?:^|\s)\/\/.*$/gm)].map(([comment]) => comment)
    : [...text.matchAll(/(?:^|\s)#.*$/gm)].map(([comment]) => comment);
  return comments
    .flatMap((comment) => comment.split(/[\s`'"(),;[\]]+/))
    .map((word) => word.replace(/[.:]+$/, ''))
    .filter((word) => ROOTED.test(word) && isPath(word));
}

/** In a comment only what begins with a folder of the project is taken for a path: `GET /a/b.ts` may be anything. */
const ROOTED = /^(docs|src|loadtest|kustomize|test|bench|generate|\.ci)\//;

/** A name with a folder that ends in one, or in a kind of file that the project has. */
function isPath(text: string): boolean {
  return (
    /^\.{0,2}[\w-][\w./-]*$/.test(text) &&
    /\/.*\.(ts|js|md|ya?ml|json|css|html|sh)$|^[\w-]+(\/[\w-]+)*\/$/.test(text)
  );
}

/** What GitHub reads of this project: nothing here runs it, so its form is held to rules. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { REPOSITORY } from '../release/release.ts';
import { TOOLS, testWith } from '../tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const WORKFLOWS = readdirSync(join(ROOT, '.github/workflows')).map((name) => `.github/workflows/${name}`);
const FORMS = readdirSync(join(ROOT, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml');

/** What else is read here of a workflow. */
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

describe('the workflows', () => {
  const { command } = TOOLS.actionlint;
  testWith(TOOLS.actionlint)('actionlint finds nothing in them', () => {
    const [program = '', ...args] = command ?? [];
    const { status, stdout, stderr } = spawnSync(program, [...args, '-no-color'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });

  for (const path of WORKFLOWS) {
    test(`${path} runs no action but by commit, with its version`, () => {
      assert.deepEqual(findUnpinned(read(path)), []);
    });

    test(`${path} may by itself read the repository at most, and ends`, () => {
      const { permissions, jobs } = parse(read(path)) as Workflow;
      assert.ok(permissions !== undefined, 'no permissions: those of the repository, whatever they are');
      assert.ok(
        Object.entries(permissions).every(([scope, access]) => `${scope}: ${access}` === 'contents: read'),
      );
      const endless = Object.entries(jobs).filter(([, job]) => !('timeout-minutes' in job || 'uses' in job));
      assert.deepEqual(endless, []);
    });
  }

  test('name files of this repository that exist', () => {
    const named = WORKFLOWS.flatMap((path) => [
      ...read(path).matchAll(/(?<![\w/])(?:test|action|release|loadtest)\/[\w./-]+\.\w+/g),
    ]);
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.map(([file]) => file).filter((file) => !existsSync(join(ROOT, file))),
      [],
    );
  });
});

test('the workflows run scripts that package.json has', () => {
  const named = WORKFLOWS.flatMap((path) => [...read(path).matchAll(/npm run ([\w:-]+)/g)]).map(
    ([, name]) => name,
  );
  assert.ok(named.includes('build:binaries'));
  const { scripts } = JSON.parse(read('package.json'));
  assert.deepEqual(
    named.filter((name = '') => !(name in scripts)),
    [],
  );
});

test('findUnpinned() sees a tag, a branch and a commit without its version, and leaves local ones alone', () => {
  const commit = '3d3c42e5aac5ba805825da76410c181273ba90b1';
  const text = [
    'actions/checkout@v7',
    `actions/checkout@${commit}`,
    'a/b/c@main # v1.0.0',
    `a/b/c@${commit} # v1.0.0`,
    './.github/workflows/ci.yml',
  ];
  assert.deepEqual(findUnpinned(text.map((uses) => `      - uses: ${uses}`).join('\n')), text.slice(0, 3));
});

describe('the issue forms', () => {
  test('send a vulnerability to where this repository takes it in private', () => {
    const { contact_links } = parse(read('.github/ISSUE_TEMPLATE/config.yml'));
    assert.equal(contact_links[0].url, `https://github.com/${REPOSITORY}/security/advisories/new`);
  });

  for (const name of FORMS) {
    // https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
    test(`${name} has the form that GitHub asks for`, () => {
      const form = parse(read(`.github/ISSUE_TEMPLATE/${name}`));
      assert.ok(form.name !== '' && form.description !== '');
      assert.ok(form.body.length > 0);
      const ids: string[] = [];
      for (const { type, id, attributes } of form.body) {
        assert.ok(['input', 'textarea'].includes(type), type);
        assert.match(id, /^[\w-]+$/);
        assert.ok(attributes.label !== '');
        ids.push(id);
      }
      assert.equal(new Set(ids).size, ids.length);
    });
  }
});

/** The actions of a text that are not `owner/name@COMMIT # vN.N.N`. */
function findUnpinned(text: string): string[] {
  return [...text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)]
    .map(([, uses = '']) => uses)
    .filter((uses) => !uses.startsWith('./') && !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(uses));
}

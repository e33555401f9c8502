/** The pipelines of the documents: what is copied from there must be what the action, the hooks and the program take. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { COMMANDS } from '../../loadtest/commands/registry.ts';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import { REPOSITORY } from '../release/release.ts';
import { TOOLS, testWith } from '../tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/ci.md');
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
const workflows = blocks.filter((text) => /^on:/m.test(text));

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
}
interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

describe('the workflows of docs/ci.md', () => {
  const steps = workflows
    .flatMap((text) => Object.values((parse(text) as Workflow).jobs))
    .flatMap((job) => job.steps.filter(({ uses = '' }) => uses.startsWith('dropless/')));

  test('use the action by the major version of the package, with inputs that it has', () => {
    assert.equal(steps.length, 3);
    const inputs = Object.keys(parse(read('action.yml')).inputs);
    for (const step of steps) {
      assert.equal(step.uses, `${REPOSITORY}@v${dropless.version.split('.')[0]}`);
      assert.deepEqual(
        Object.keys(step.with ?? {}).filter((name) => !inputs.includes(name)),
        [],
      );
    }
    const documented = [...page.matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
    assert.deepEqual(documented, inputs);
  });

  test('run commands with flags that they have', () => {
    for (const step of steps) assert.deepEqual(findUnknown(step.with?.args ?? ''), []);
  });

  const { command } = TOOLS.actionlint;
  for (const [at, workflow] of workflows.entries()) {
    testWith(TOOLS.actionlint)(`actionlint finds nothing in the one at ${at + 1}`, () => {
      const [program = '', ...args] = command ?? [];
      const { status, stdout } = spawnSync(program, [...args, '-no-color', '-'], {
        input: workflow,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout);
    });
  }
});

describe('the hooks for pre-commit', () => {
  interface Hook {
    readonly id: string;
    readonly entry: string;
    readonly args?: readonly string[];
  }
  const hooks = parse(read('.pre-commit-hooks.yaml')) as Hook[];

  test('run lint, with the image of this version', () => {
    assert.deepEqual(
      hooks.map(({ id, entry }) => [id, entry]),
      [
        ['dropless-lint', 'dropless lint'],
        ['dropless-lint-docker', `ghcr.io/${REPOSITORY}:${dropless.version} lint`],
      ],
    );
  });

  test('are named in docs/ci.md as they are, with flags that lint has', () => {
    const config = blocks.find((text) => text.startsWith('repos:')) ?? assert.fail('no repos');
    const [repository] = parse(config).repos;
    assert.equal(repository.repo, `https://github.com/${REPOSITORY}`);
    assert.equal(repository.rev, `v${dropless.version}`);
    for (const { id, args } of repository.hooks as Hook[]) {
      const hook = hooks.find((each) => each.id === id) ?? assert.fail(id);
      assert.deepEqual(findUnknown([...hook.entry.split(' ').slice(1), ...(args ?? [])].join(' ')), []);
    }
  });
});

for (const [path, count] of [
  ['docs/ci.md', 3],
  ['SECURITY.md', 3],
] as const) {
  test(`${path} names no version but that of the package`, () => {
    const versions = [...read(path).matchAll(/\bv?(\d+\.\d+\.\d+)\b/g)].map(([, version]) => version);
    assert.deepEqual(versions, Array(count).fill(dropless.version));
  });
}

test('findUnknown() sees a command and a flag that there are not', () => {
  assert.deepEqual(findUnknown('lint a -n b --fail-on error'), []);
  assert.deepEqual(findUnknown('lint a --rate 3 -x'), ['--rate', '-x']);
  assert.deepEqual(findUnknown('lintt a --rate'), ['lintt']);
});

/** What of a command line the program does not have: its command, or flags. */
function findUnknown(line: string): string[] {
  const [name = '', ...words] = line.trim().split(/\s+/);
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) return [name];
  const flags = Object.entries(command.options).flatMap(([flag, { short }]) => [
    `--${flag}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
  return words.filter((word) => word.startsWith('-') && !flags.includes(word));
}

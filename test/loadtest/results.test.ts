import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { COMMANDS } from '../../loadtest/commands/registry.ts';
import { toBinomialRange } from '../../loadtest/report/noise.ts';
import { countCases } from '../junit.ts';
import { createPrograms, listen, start, type Target } from './command-line.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/results.md'), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block);
const { programs, directory, remove } = createPrograms();
const [, onNode = assert.fail()] = programs;
const fileOf = (name: string) => join(directory, name);

after(remove);

describe('docs/results.md', () => {
  let target: Target;
  const traces = new Set<string>();

  before(async () => {
    target = await listen(({ headers }, response) => {
      traces.add(String(headers.traceparent));
      response.end('ok');
    });
  });
  after(() => target.close());

  const lines = blocks('sh').flatMap((block) => block.trim().split('\n'));
  assert.equal(lines.length, 3);
  for (const line of lines) {
    test(line, async () => {
      const [, ...words] = line.split(' ');
      const args = words.map((word) => {
        if (word.startsWith('http:')) return target.url;
        if (word === '20s') return '1s';
        return /\.(json|html|xml)$/.test(word) ? fileOf(word) : word;
      });
      // The program writes to the summary of the job that it is told of.
      process.env.GITHUB_STEP_SUMMARY = fileOf('summary.md');
      const { code, stdout, stderr } = await start(onNode, args).ended;
      delete process.env.GITHUB_STEP_SUMMARY;
      assert.deepEqual([code, stderr], [0, ''], stdout);
    });
  }

  test('leaves the files that it names', () => {
    assert.deepEqual(countCases(fileOf('dropless.xml')), { passed: 1, skipped: 0, failed: [] });
    assert.equal(JSON.parse(readFileSync(fileOf('comparison.json'), 'utf8')).schema, 'dropless.comparison/1');
    assert.ok(existsSync(fileOf('comparison.html')));
    assert.deepEqual(readFileSync(fileOf('summary.md'), 'utf8').match(/^## \S+ \w+/gm), [
      '## ✓ Proven',
      '## ✓ Proven',
      '## Two runs',
    ]);
  });

  test('names a trace of each planned request, in no two runs the same', () => {
    const named = [...traces].filter((value) => /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/.test(value));
    // 100 a second for a second, twice.
    assert.equal(named.length, 200);
  });

  test('has a pipeline that parses, with commands and flags that there are', () => {
    const [gitlab] = blocks('yaml').map((text) => parse(text));
    for (const command of gitlab.rollout.script as string[]) {
      const [program, name, ...words] = command.split(' ');
      assert.equal(program, 'dropless');
      const { options } = COMMANDS.find((one) => one.name === name) ?? assert.fail(name);
      for (const word of words.filter((each) => each.startsWith('--'))) {
        assert.ok(Object.hasOwn(options, word.slice(2)), word);
      }
    }
    assert.equal(gitlab.rollout.artifacts.reports.junit, 'dropless.xml');
  });

  test('says how many requests p99.9 needs', () => {
    const isEnough = (count: number) => toBinomialRange(count, 0.999, 0.995)[1] < count;
    assert.ok(isEnough(6_100) && !isEnough(5_900));
  });
});

test('a summary that cannot be written is a note, and changes no verdict', async () => {
  const target = await listen();
  process.env.GITHUB_STEP_SUMMARY = fileOf('none/summary.md');
  const { code, stderr } = await start(onNode, ['run', target.url, '--count', '20']).ended;
  delete process.env.GITHUB_STEP_SUMMARY;
  await target.close();
  assert.equal(code, 0);
  assert.match(
    stderr,
    /^the job summary ".*none\/summary\.md" \(GITHUB_STEP_SUMMARY\) was not written: ENOENT/,
  );
});

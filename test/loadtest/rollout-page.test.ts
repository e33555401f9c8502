import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { COMMANDS } from '../../loadtest/commands/registry.ts';
import { MAX_LAG_OF_A_LOSS_MS } from '../../loadtest/load/evidence.ts';
import { CAUSES } from '../../loadtest/proof/cause.ts';
import { DEFAULT_LOAD, toLoadSpec } from '../../loadtest/proof/proof-load.ts';
import { PROOF_SCHEMA } from '../../loadtest/proof/proof-report.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/does-my-rollout-drop-requests.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);
const defaults = new Map(
  COMMANDS.flatMap(({ name, options }) =>
    Object.entries(options).map(([flag, { defaultText }]) => [`${name} --${flag}`, defaultText] as const),
  ),
);

describe('docs/does-my-rollout-drop-requests.md', () => {
  test('names commands and flags that there are, with values that they take', () => {
    const commands = [...lines, scripts.prove.replace('bun loadtest/main.ts', 'dropless')].flatMap((line) => {
      const [, name = '', rest = ''] = /(?:npx )?dropless (\w+)(.*)/.exec(line) ?? [];
      return name === ''
        ? []
        : [{ name, words: [...rest.matchAll(/'([^']*)'|(\S+)/g)].map(([, a, b]) => a ?? b ?? '') }];
    });
    assert.equal(commands.length, 10);
    for (const { name, words } of commands) {
      const command = COMMANDS.find((candidate) => candidate.name === name);
      assert.ok(command !== undefined, name);
      for (const [index, word] of words.entries()) {
        if (!word.startsWith('--')) continue;
        const option = command.options[word.slice(2)];
        assert.ok(option !== undefined, `${name} ${word}`);
        if (option.placeholder !== null) option.parse([words[index + 1] ?? '']);
      }
    }
  });

  test('states the defaults as they are', () => {
    assert.equal(defaults.get('prove --propagation'), '1500ms');
    assert.match(page, /removed endpoints 1\.5 s late/);
    assert.equal(defaults.get('prove --rate'), '400');
    assert.match(page, /under 400 requests a second/);
    const { endpoints } = toLoadSpec(new URL('http://web.test/'), DEFAULT_LOAD).plan;
    const held = endpoints.find(({ path }) => path === '/payload?delayMs=3000');
    const weight = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0);
    assert.equal((held?.weight ?? 0) / weight, 1 / 20);
    assert.match(page, /hold one of twenty responses back for 3 s/);
    assert.equal(MAX_LAG_OF_A_LOSS_MS, 250);
    assert.match(page, /99 % no more than 250 ms late/);
    assert.ok(page.includes(`schema \`${PROOF_SCHEMA}\``));
    assert.equal(DEFAULT_LOAD.podHeader, 'X-Pod');
    assert.equal(defaults.get('prove --latency'), '15ms');
    assert.match(readFileSync(join(root, 'docs/decisions/local-fleet.md'), 'utf8'), /With 15 ms each way/);
  });

  test('explains every cause', () => {
    for (const { title, shows, fix } of Object.values(CAUSES)) {
      assert.ok(page.includes(`### ${title}\n\n${shows}\n\n**Fix.** ${fix}\n`), title);
    }
  });
});

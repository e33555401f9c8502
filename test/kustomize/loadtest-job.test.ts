import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { COMMANDS } from '../../loadtest/commands/registry.ts';

const { spec } = parse(
  readFileSync(join(import.meta.dirname, '../../kustomize/components/loadtest/job.yaml'), 'utf8'),
);
const [container] = spec.template.spec.containers;
const env = new Map<string, string>(
  container.env.map(({ name, value }: Record<string, string>) => [name, value]),
);

test('the Job of loadtest has as many shards as completions, all at a time, each tried once', () => {
  assert.equal(env.get('SHARDS'), String(spec.completions));
  assert.equal(spec.parallelism, spec.completions);
  assert.deepEqual([spec.completionMode, spec.backoffLimit], ['Indexed', 0]);
});

test('the Job of loadtest names flags that there are, with values that they take', () => {
  const [command, ...args]: string[] = container.args;
  const { options } = COMMANDS.find(({ name }) => name === command) ?? assert.fail(`no command ${command}`);
  env.set('JOB_COMPLETION_INDEX', '0');
  const flags = args.filter((arg) => arg.startsWith('--'));
  assert.equal(flags.length, args.length - 1, 'one argument is the target');
  for (const flag of flags) {
    const [, name = '', value = ''] = /^--([\w-]+)=(.*)$/.exec(flag) ?? assert.fail(flag);
    const given = value.replace(/\$\((\w+)\)/g, (_, variable) => env.get(variable) ?? assert.fail(variable));
    assert.ok(options[name] !== undefined, flag);
    assert.doesNotThrow(() => options[name]?.parse([given]), flag);
  }
});

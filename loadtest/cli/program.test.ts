import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defineCommand } from './command.ts';
import {
  choice,
  duration,
  integer,
  number,
  optional,
  repeatable,
  text,
  toggle,
  withDefault,
} from './option.ts';
import { runCli } from './program.ts';
import { UsageError } from './usage-error.ts';
import type { World } from './world.ts';

const greet = defineCommand({
  name: 'greet',
  summary: 'say hello',
  positionals: { placeholder: 'NAME', min: 1, max: 1 },
  options: {
    times: withDefault('1', integer('How often', { min: 1, max: 3 })),
    share: withDefault('0.5', number('SHARE', 'How much', { min: 0, max: 1 })),
    wait: withDefault('1s', duration('How long before', { min: 0, max: 60_000 })),
    tone: withDefault('kind', choice('How', ['kind', 'rude'])),
    file: optional(text('FILE', 'Where to')),
    word: repeatable(text('WORD', 'What to add')),
    loud: toggle('In capitals'),
  },
  examples: [{ line: 'dropless greet Ada --times 2', shows: 'twice' }],
  run: async ({ options, positionals }, { stdout }) => {
    stdout.write(JSON.stringify({ ...options, name: positionals[0] }));
    return 'inconclusive';
  },
});

async function call(...args: string[]) {
  const out = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (content: string) => {
      out[name] += content;
    },
    isTerminal: false,
    columns: 80,
  });
  const world: World = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    env: {},
    interrupted: new AbortController().signal,
    nowMs: () => 0,
    prepareFile: () => assert.fail('opens a file'),
    readText: () => assert.fail('reads a file'),
    writeText: () => assert.fail('writes a file'),
  };
  return { code: await runCli([greet], args, world), ...out };
}

describe('runCli()', () => {
  test('hands defaults and given values to the command and returns its exit code', async () => {
    const defaults = { times: 1, share: 0.5, wait: 1_000, tone: 'kind', word: [], loud: false, name: 'Ada' };
    const plain = await call('greet', 'Ada');
    assert.deepEqual([plain.code, JSON.parse(plain.stdout), plain.stderr], [3, defaults, '']);

    const given = '--times=3 Ada --wait 250ms --share .25 --tone rude --file=-x --word a --word=b --loud';
    const { stdout } = await call('greet', ...given.split(' '));
    const values = {
      times: 3,
      share: 0.25,
      wait: 250,
      tone: 'rude',
      file: '-x',
      word: ['a', 'b'],
      loud: true,
    };
    assert.deepEqual(JSON.parse(stdout), { ...defaults, ...values });
  });

  const faults: readonly (readonly [string, string])[] = [
    ['sing', 'unknown command "sing"; the commands are greet'],
    ['--loud', 'unknown command "--loud"; the commands are greet'],
    ['greet', 'NAME is missing: dropless greet NAME'],
    ['greet Ada Bob', 'unexpected argument "Bob"'],
    ['greet Ada --lod', 'unknown flag --lod; dropless greet --help lists them'],
    ['greet Ada --toString', 'unknown flag --toString; dropless greet --help lists them'],
    ['greet Ada -x', 'unknown flag -x; dropless greet --help lists them'],
    ['greet Ada --times', '--times needs a value: --times N'],
    ['greet Ada --times --loud', '--times needs a value: --times N'],
    ['greet Ada --times 1 --times 2', '--times is given twice'],
    ['greet Ada --loud=yes', '--loud takes no value, but was given "yes"'],
    ['greet Ada --times 0', '--times "0": must be a whole number from 1 to 3'],
    ['greet Ada --times 4', '--times "4": must be a whole number from 1 to 3'],
    ['greet Ada --times 1.5', '--times "1.5": must be a whole number from 1 to 3'],
    ['greet Ada --share 1.01', '--share "1.01": must be a number from 0 to 1'],
    ['greet Ada --share x', '--share "x": must be a number from 0 to 1'],
    ['greet Ada --wait 5', '--wait "5": must be a time with its unit (ms, s, m or h) from 0ms to 1m'],
    ['greet Ada --wait 2m', '--wait "2m": must be a time with its unit (ms, s, m or h) from 0ms to 1m'],
    ['greet Ada --tone curt', '--tone "curt": must be kind or rude'],
    ['greet Ada --file=', '--file "": is empty'],
  ];
  for (const [line, message] of faults) {
    test(`answers "${line}" with one line and exit code 2`, async () => {
      assert.deepEqual(await call(...line.split(' ')), {
        code: 2,
        stdout: '',
        stderr: `dropless: ${message}\n`,
      });
    });
  }

  test('shows every flag with its default and the examples on --help', async () => {
    const { code, stdout } = await call('greet', '--help', '--nonsense');
    assert.equal(code, 0);
    for (const part of [
      'Usage: dropless greet NAME [flags]',
      '--times N         How often (1 to 3) [1]',
      '--wait TIME       How long before (0ms to 1m) [1s]',
      '--word WORD       What to add; may be repeated\n',
      '--loud            In capitals\n',
      '  # twice\n  dropless greet Ada --times 2\n',
    ]) {
      assert.ok(stdout.includes(part), `${part} is not in\n${stdout}`);
    }
  });

  test('shows commands and exit codes on --help, and as a usage fault without a command', async () => {
    const { code, stdout } = await call('--help');
    assert.equal(code, 0);
    assert.match(stdout, /greet {2}say hello\n/);
    assert.match(stdout, /3 {2}inconclusive/);
    assert.deepEqual(await call(), { code: 2, stdout, stderr: '' });
  });

  test('leaves faults that are not the caller’s to the caller of main', async () => {
    const broken = defineCommand({
      ...greet,
      options: {},
      run: async () => {
        throw new TypeError('broken');
      },
    });
    await assert.rejects(broken.run(['Ada'], {} as World), TypeError);
    await assert.rejects(broken.run([], {} as World), UsageError);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWorld } from '../../test/fixtures/world.ts';
import { defineCommand } from './command.ts';
import { Fault } from './fault.ts';
import {
  choice,
  duration,
  integer,
  number,
  optional,
  refine,
  repeatable,
  text,
  toggle,
  withDefault,
} from './option.ts';
import { wrapCommandLine } from './parser.ts';
import { exactlyOne, NONE } from './positionals.ts';
import { runCli } from './program.ts';

const greet = defineCommand({
  name: 'greet',
  summary: 'say hello',
  positionals: exactlyOne('NAME', (name) => name),
  options: {
    times: withDefault('1', integer('How often', { min: 1, max: 3 })),
    share: withDefault('0.5', number('SHARE', 'How much', { min: 0, max: 1 })),
    wait: withDefault('1s', duration('How long before', { min: 0, max: 60_000 })),
    tone: withDefault('kind', choice('How', ['kind', 'rude'])),
    file: optional(text('FILE', 'Where to')),
    word: repeatable(text('WORD', 'What to add')),
    loud: refine(toggle('In capitals'), { conflictsWith: ['--quiet'] }),
    quiet: refine(toggle('In small letters'), { short: 'q' }),
    'no-echo': toggle('Not twice'),
    output: refine(withDefault('text', choice('Format', ['text', 'json'])), { short: 'o' }),
  },
  retired: { shout: 'use --loud' },
  examples: [{ line: 'dropless greet Ada --times 2', shows: 'twice' }],
  run: async ({ options, positionals }, { stdout }) => {
    stdout.write(JSON.stringify({ ...options, name: positionals }));
    return 'inconclusive';
  },
});

const BARE = { summary: 'do', positionals: NONE, options: {}, examples: [] };

async function call(...args: string[]) {
  const { world, out } = createWorld();
  return { code: await runCli({ version: 'dropless 1.2.3', commands: [greet] }, args, world), ...out };
}

async function callThrowing(error: Error, interrupted?: AbortSignal) {
  const { world, out } = createWorld(interrupted === undefined ? {} : { interrupted });
  const command = defineCommand({ ...BARE, name: 'fail', run: () => Promise.reject(error) });
  return { code: await runCli({ version: '1', commands: [command] }, ['fail'], world), ...out };
}

describe('runCli()', () => {
  test('hands defaults and given values to the command and returns its exit code', async () => {
    const defaults = {
      times: 1,
      share: 0.5,
      wait: 1_000,
      tone: 'kind',
      word: [],
      loud: false,
      quiet: false,
      'no-echo': false,
      output: 'text',
      name: 'Ada',
    };
    const plain = await call('greet', 'Ada');
    assert.deepEqual([plain.code, JSON.parse(plain.stdout), plain.stderr], [3, defaults, '']);

    const given =
      '--times=3 Ada --wait 250ms --share .25 --tone rude --file=-x --word a --word=b --loud --no-echo -o=json';
    const { stdout } = await call('greet', ...given.split(' '));
    const values = {
      times: 3,
      share: 0.25,
      wait: 250,
      tone: 'rude',
      file: '-x',
      word: ['a', 'b'],
      loud: true,
      'no-echo': true,
      output: 'json',
    };
    assert.deepEqual(JSON.parse(stdout), { ...defaults, ...values });
  });

  const faults: readonly (readonly [string, string])[] = [
    ['sing', "unknown command 'sing'; --help lists them"],
    ['gret', "unknown command 'gret' (Did you mean greet?)"],
    ['--loud', "unknown option '--loud'; --help lists them"],
    ['greet', 'NAME is missing'],
    ['greet Ada Bob', 'unexpected argument "Bob"'],
    ['greet Ada --lod', "unknown option '--lod' (Did you mean --loud?)"],
    ['greet Ada --toString', "unknown option '--toString'; --help lists them"],
    ['greet Ada -x', "unknown option '-x'; --help lists them"],
    ['greet Ada --shout', '--shout no longer exists: use --loud'],
    ['greet Ada --shout loudly', '--shout no longer exists: use --loud'],
    ['greet Ada --loud -q', '--loud and --quiet cannot be combined'],
    ['greet Ada --times', '--times needs a value: --times N'],
    ['greet Ada --times --loud', '--times needs a value: --times N'],
    ['greet Ada --times -q', '--times needs a value: --times N'],
    ['greet Ada --times 1 --times 2', '--times is given twice'],
    ['greet Ada --loud=yes', "unknown option '--loud=yes'; --help lists them"],
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
      'Usage: dropless greet NAME [flags]\n\nSay hello.\n',
      '  --times N               How often (1 to 3; default: 1)\n',
      '  --wait TIME             How long before (0ms to 1m; default: 1s)\n',
      '  --word WORD             What to add (may be repeated)\n',
      '  --loud                  In capitals\n',
      '  -o, --output text|json  Format (default: text)\n',
      '  # twice\n  dropless greet Ada --times 2\n',
    ]) {
      assert.ok(stdout.includes(part), `${part} is not in\n${stdout}`);
    }
  });

  test('shows no flag that is retired', async () => {
    assert.doesNotMatch((await call('greet', '--help')).stdout, /shout/);
  });

  test('is called kubectl dropless in help and messages where kubectl runs it', async () => {
    const called = async (...args: string[]) => {
      const { world, out } = createWorld({ program: 'kubectl dropless' });
      const hinted = defineCommand({
        ...BARE,
        name: 'hint',
        retired: { shout: 'try dropless greet NAME instead' },
        run: () => Promise.resolve('proven'),
      });
      await runCli({ version: 'dropless 1', commands: [greet, hinted] }, args, world);
      return out;
    };
    const { stdout } = await called('greet', '--help');
    assert.match(stdout, /^Usage: kubectl dropless greet NAME \[flags\]\n/);
    assert.match(stdout, /^ {2}kubectl dropless greet Ada --times 2$/m);
    assert.match((await called('--help')).stdout, /^Usage: kubectl dropless COMMAND \[flags\]\n/);
    const { stderr } = await called('hint', '--shout');
    assert.equal(
      stderr,
      'kubectl dropless: --shout no longer exists: try kubectl dropless greet NAME instead\n',
    );
  });

  test('shows its version', async () => {
    assert.deepEqual(await call('--version'), { code: 0, stdout: 'dropless 1.2.3\n', stderr: '' });
  });

  test('shows commands and exit codes on --help, and as a usage fault without a command', async () => {
    const { code, stdout } = await call('--help');
    assert.equal(code, 0);
    assert.match(stdout, / {2}greet {10}say hello\n/);
    assert.match(stdout, /3 {2}inconclusive/);
    assert.deepEqual(await call(), { code: 2, stdout, stderr: 'dropless: which command?\n' });
    assert.deepEqual(await call('help'), { code: 0, stdout, stderr: '' });
  });

  for (const [what, thrown, code, stderr] of [
    ['usage', new Fault('no such file'), 2, 'dropless: no such file\n'],
    ['inconclusive', new Fault('no response', { exit: 'inconclusive' }), 3, 'dropless: no response\n'],
  ] as const) {
    test(`tells a fault of ${what}, and exits ${code}`, async () => {
      assert.deepEqual(await callThrowing(thrown), { code, stdout: '', stderr });
    });
  }

  test('leaves faults of the program to its caller, unless it was interrupted', async () => {
    await assert.rejects(callThrowing(new TypeError('broken')), TypeError);
    assert.deepEqual(await callThrowing(new TypeError('aborted'), AbortSignal.abort()), {
      code: 3,
      stdout: '',
      stderr: 'dropless: interrupted before anything could be shown\n',
    });
  });
});

describe('wrapCommandLine()', () => {
  const line = "dropless run URL --rate 5 --endpoint 'GET /' --html a.html";
  for (const [width, lines] of [
    [80, [`  ${line}`]],
    [50, ["  dropless run URL --rate 5 --endpoint 'GET /' \\", '      --html a.html']],
    [
      20,
      ['  dropless run URL \\', '      --rate 5 \\', "      --endpoint 'GET /' \\", '      --html a.html'],
    ],
  ] as const) {
    test(`at width ${width}`, () => assert.deepEqual(wrapCommandLine(line, width), lines));
  }
});

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { comesTrue, isAlive } from '../fixtures/process.ts';
import { FLAWS } from './contract-flaws.ts';

const root = join(import.meta.dirname, '../..');
const fault = (name: string) => [
  '--command',
  `'${process.execPath}' '${join(root, 'test/faults', `${name}.ts`)}'`,
  ...['--path', '/', '--health-path', '/', '--slow', '/slow', '--grace', '4s', '--idle', '2s'],
];

const flawed = (flaw: string, idle = '2s') => [
  '--command',
  `env 'CONTRACT_FLAW=${flaw}' '${process.execPath}' '${join(import.meta.dirname, 'contract-flaws.ts')}'`,
  ...['--path', '/', '--slow', '/slow', '--grace', '4s', '--idle', idle],
];

const directory = mkdtempSync(join(tmpdir(), 'contract-'));
after(() => rmSync(directory, { recursive: true }));

const toArgv = (args: readonly string[]) => [join(root, 'loadtest/main.ts'), 'contract', ...args];
const env = { ...process.env, LAME_DUCK_MS: '800', ACCESS_LOG: 'off' };

function hold(args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, toArgv(args), {
    cwd: root,
    encoding: 'utf8',
    env,
  });
  const broken = [...stdout.matchAll(/^(.*?) +BROKEN/gm)].map(([, name]) => name);
  return { text: `${stdout}${stderr}`, broken, status };
}

/** A run on this service, which takes a minute: until it has ended, the other tests go on. */
function startLong(command: string) {
  const args = ['--command', command, '--slow', '/payload?delayMs=3000', '--idle', '60s'];
  const child = spawn(process.execPath, toArgv(args), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([text(child.stdout), once(child, 'close')]);
  const steps: string[] = [];
  const hasShutDown = new Promise<void>((resolve) => {
    const lines = createInterface({ input: child.stderr });
    lines.on('line', (line) => {
      steps.push(line);
      if (line === 'waiting for the idle connections') resolve();
    });
    lines.on('close', resolve);
  });
  return { child, steps, hasShutDown, ended };
}

describe('dropless contract', () => {
  const long = new Map<string, ReturnType<typeof startLong>>();
  before(async () => {
    for (const [runtime, command] of [
      ['Bun', `'${process.execPath}' src/main.ts`],
      ['Node', 'node --import=tsx src/main.ts'],
    ] as const) {
      const run = startLong(command);
      long.set(runtime, run);
      await run.hasShutDown;
    }
  });
  after(() => {
    for (const { child } of long.values()) child.kill();
  });

  test('holds for a server without a fault, but for what takes a minute to show', () => {
    const { text, status } = hold(fault('none'));
    assert.match(text, /^15 held, 0 broken, 1 not shown\.$/m, text);
    assert.match(text, /^keeps idle .* not shown +all 3 still open after 2 s: watch them for longer/m, text);
    assert.equal(status, 3);
  });

  test('is broken at many points by a server that nobody told of SIGTERM', () => {
    const { text, broken, status } = hold(fault('exits-on-sigterm'));
    assert.ok(broken.includes('exits 0') && broken.includes('SIGTERM: turns unready'), text);
    assert.equal(status, 1);
  });

  test('holds for the server with the flaws, without one', () => {
    const { text, status } = hold(flawed('none'));
    assert.match(text, /^15 held, 0 broken, 1 not shown\.$/m, text);
    assert.equal(status, 3);
  });

  for (const [flaw, point] of Object.entries(FLAWS)) {
    test(`is broken at its point, and at no other, by a server that ${flaw}`, () => {
      const { text, broken, status } = hold(flawed(flaw));
      // A request may be on its way at the very moment at which the flaw begins or ends, and the probe of liveness may
      // be a connection that nobody has accepted yet when listening ends.
      const races = [
        'answers every request it accepted',
        ...(flaw === 'stops listening early' ? ['stays alive while draining'] : []),
      ];
      const isOfRace = (name: string | undefined) =>
        name !== undefined && name !== point && races.includes(name);
      assert.deepEqual(
        broken.filter((name) => !isOfRace(name)),
        [point],
        text,
      );
      assert.equal(status, 1);
    });
  }

  for (const [command, message] of [
    [
      'no-such-program --port 1',
      /^dropless: the command "no-such.*exited with code 127 before it accepted a conn.*\n.*no-such-/m,
    ],
    [
      'sh -c "echo on my way; exit 0"',
      /exited with code 0 before it accepted a connection\n {2}on my way\n$/,
    ],
  ] as const) {
    test(`a command that does not come up is a fault of the command line: ${command}`, () => {
      const { text, status } = hold(['--command', command]);
      assert.match(text, message);
      assert.equal(status, 2);
    });
  }

  test('a server that cannot run beside another is told of --idle 0ms, which runs it alone', () => {
    const alone = join(directory, 'alone');
    const holdAlone = (idle: string) => {
      const [flag = '', command, ...rest] = flawed('none', idle);
      return hold([flag, `sh -c 'mkdir ${alone} || exit 9; exec "$@"' alone ${command}`, ...rest]);
    };
    const beside = holdAlone('2s');
    assert.match(
      beside.text,
      /exited with code 9 before it .*\n {2}mkdir: .*\n {2}another process .* give --idle 0ms$/m,
    );
    assert.equal(beside.status, 2);
    rmSync(alone, { recursive: true });
    const { text } = holdAlone('0ms');
    assert.match(text, /^15 held, 0 broken, 1 not shown\.$/m, text);
    assert.match(text, /not shown +not watched, as --idle 0ms asks$/m, text);
  });

  test('a bad line is exit code 2', () => {
    assert.equal(hold(['pod/a']).status, 2);
    assert.equal(hold(['pod/a', '--url', 'http://localhost:1', '--command', 'x']).status, 2);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} ends it and its servers at once, while a request is under way, and shows nothing`, async () => {
      const program = `
        const server = require('node:http').createServer((request, response) => {
          if (request.url === '/ready') response.end();
          else require('node:fs').writeFileSync(process.env.PIDS + '/' + process.pid, '');
        });
        server.listen(process.env.PORT);
      `;
      const pids = join(directory, signal);
      mkdirSync(pids);
      const child = spawn(
        process.execPath,
        [join(root, 'loadtest/main.ts'), 'contract', '--command', 'node -e "$PROGRAM"'],
        { env: { ...process.env, PROGRAM: program, PIDS: pids }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const ended = once(child, 'close');
      const output = Promise.all([text(child.stdout), text(child.stderr)]);
      // That of the idle connections, and the one under load.
      while (readdirSync(pids).length < 2) await sleep(20);
      child.kill(signal);
      assert.deepEqual(await ended, [3, null]);
      const [stdout, stderr] = await output;
      assert.equal(stdout, '');
      assert.match(stderr, /^dropless: interrupted before anything could be shown\n$/m);
      // They were sent SIGKILL; the kernel takes its time.
      for (const pid of readdirSync(pids)) {
        assert.ok(await comesTrue(() => !isAlive(Number(pid))), `server ${pid} to be gone`);
      }
    });
  }

  for (const runtime of ['Bun', 'Node']) {
    test(`holds for this service on ${runtime}, idle connections included`, async () => {
      const { ended, steps } = long.get(runtime) ?? assert.fail();
      const [table, [status]] = await ended;
      assert.deepEqual(steps, [
        'watching idle connections for 1m',
        'waiting until /ready is ok',
        'ready, and under load',
        'termination begins',
        'SIGTERM; it has 30s to exit',
        'waiting for the idle connections',
      ]);
      assert.match(table, /^16 held, 0 broken, 0 not shown\.$/m, table);
      assert.equal(status, 0);
    });
  }
});

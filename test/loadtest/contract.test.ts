import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { comesTrue, isAlive } from '../fixtures/process.ts';
import { FLAWS } from './contract-flaws.ts';

const root = join(import.meta.dirname, '../..');
const fault = (name: string) => [
  '--command',
  `'${process.execPath}' '${join(root, 'test/faults', `${name}.ts`)}'`,
  ...['--path', '/', '--health-path', '/', '--slow', '/slow', '--grace', '4s'],
];

const flawed = (flaw: string) => [
  '--command',
  `env 'CONTRACT_FLAW=${flaw}' '${process.execPath}' '${join(import.meta.dirname, 'contract-flaws.ts')}'`,
  ...['--path', '/', '--slow', '/slow', '--grace', '4s'],
];

const directory = mkdtempSync(join(tmpdir(), 'contract-'));
after(() => rmSync(directory, { recursive: true }));

function hold(args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, 'loadtest/main.ts'), 'contract', ...args],
    { cwd: root, encoding: 'utf8', env: { ...process.env, LAME_DUCK_MS: '800', ACCESS_LOG: 'off' } },
  );
  const broken = [...stdout.matchAll(/^(.*?) +BROKEN/gm)].map(([, name]) => name);
  return { text: `${stdout}${stderr}`, broken, status };
}

describe('dropless contract', () => {
  for (const [runtime, command] of [
    ['Bun', `'${process.execPath}' src/main.ts`],
    ['Node', 'node --import=tsx src/main.ts'],
  ] as const) {
    test(`holds for this service on ${runtime}`, () => {
      const { text, status } = hold(['--command', command, '--slow', '/payload?delayMs=3000']);
      assert.match(
        text,
        /^waiting until \/ready is ok\nready, and under load\ntermination begins\nSIGTERM; it has 30s to exit\n$/m,
      );
      assert.match(text, /^12 held, 0 broken, 0 not shown\.$/m, text);
      assert.equal(status, 0);
    });
  }

  test('holds for a server without a fault', () => {
    const { text, status } = hold(fault('none'));
    assert.match(text, /^12 held, 0 broken, 0 not shown\.$/m, text);
    assert.equal(status, 0);
  });

  test('is broken at many points by a server that nobody told of SIGTERM', () => {
    const { text, broken, status } = hold(fault('exits-on-sigterm'));
    assert.ok(broken.includes('exits 0') && broken.includes('SIGTERM: turns unready'), text);
    assert.equal(status, 1);
  });

  test('holds for the server with the flaws, without one', () => {
    const { text, status } = hold(flawed('none'));
    assert.match(text, /^12 held, 0 broken, 0 not shown\.$/m, text);
    assert.equal(status, 0);
  });

  for (const [flaw, point] of Object.entries(FLAWS)) {
    test(`is broken at its point, and at no other, by a server that ${flaw}`, () => {
      const { text, broken, status } = hold(flawed(flaw));
      // A request may be on its way at the very moment at which the flaw begins or ends.
      const isOfRace = (name: string | undefined) =>
        name === 'answers every request it accepted' && name !== point;
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

  test('a bad line is exit code 2', () => {
    assert.equal(hold(['pod/a']).status, 2);
    assert.equal(hold(['pod/a', '--url', 'http://localhost:1', '--command', 'x']).status, 2);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} ends it and the server at once, while a request is under way, and shows nothing`, async () => {
      const program = `
        const server = require('node:http').createServer((request, response) => {
          if (request.url === '/ready') response.end();
          else require('node:fs').writeFileSync(process.env.PID_FILE, String(process.pid));
        });
        server.listen(process.env.PORT);
      `;
      const pidFile = join(directory, signal);
      const child = spawn(
        process.execPath,
        [join(root, 'loadtest/main.ts'), 'contract', '--command', 'node -e "$PROGRAM"'],
        { env: { ...process.env, PROGRAM: program, PID_FILE: pidFile }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const ended = once(child, 'close');
      const output = Promise.all([text(child.stdout), text(child.stderr)]);
      while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await sleep(20);
      child.kill(signal);
      assert.deepEqual(await ended, [3, null]);
      const [stdout, stderr] = await output;
      assert.equal(stdout, '');
      assert.match(stderr, /^dropless: interrupted before anything could be shown\n$/m);
      // It was sent SIGKILL; the kernel takes its time.
      const serverPid = Number(readFileSync(pidFile, 'utf8'));
      assert.ok(await comesTrue(() => !isAlive(serverPid)), 'the server to be gone');
    });
  }
});

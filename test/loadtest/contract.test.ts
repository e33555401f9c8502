import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const fault = (name: string) => [
  '--command',
  `'${process.execPath}' '${join(root, 'test/faults', `${name}.ts`)}'`,
  ...['--path', '/', '--health-path', '/', '--slow', '/slow', '--grace', '4s'],
];

function hold(args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, 'loadtest/main.ts'), 'contract', ...args],
    { cwd: root, encoding: 'utf8', env: { ...process.env, LAME_DUCK_MS: '800', ACCESS_LOG: 'off' } },
  );
  const broken = [...stdout.matchAll(/^(.*?) +BROKEN/gm)].map(([, name]) => name);
  return { text: `${stdout}${stderr}`, broken, status };
}

describe('loadtest contract', () => {
  for (const [runtime, command] of [
    ['Bun', `'${process.execPath}' src/main.ts`],
    ['Node', 'node --import=tsx src/main.ts'],
  ] as const) {
    test(`holds for this service on ${runtime}`, () => {
      const { text, status } = hold(['--command', command, '--slow', '/payload?n=38']);
      assert.match(text, /^12 held, 0 broken, 0 not shown\.$/m, text);
      assert.equal(status, 0);
    });
  }

  test('holds for a server without a fault', () => {
    const { text, status } = hold(fault('none'));
    assert.match(text, /^12 held, 0 broken, 0 not shown\.$/m, text);
    assert.equal(status, 0);
  });

  for (const [name, point] of [
    ['exits-on-sigterm', 'exits 0'],
    ['closes-kept-connections', 'closes no kept connection unannounced'],
    ['stops-listening-early', 'goes on taking connections for 500 ms'],
    ['ready-too-early', 'serves while ready, and is alive'],
    ['killed-at-grace-end', 'has ended within 4 s'],
  ] as const) {
    test(`is broken by a server that ${name.replaceAll('-', ' ')}, at its point`, () => {
      const { text, broken, status } = hold(fault(name));
      assert.ok(broken.includes(point), text);
      assert.equal(status, 1);
    });
  }

  test('a server that never comes up is broken, and a bad line is exit code 2', () => {
    const { broken, status } = hold(['--command', 'sleep 0.2']);
    assert.deepEqual([broken, status], [['takes connections', 'becomes ready'], 1]);
    assert.equal(hold(['--pod', 'a']).status, 2);
    assert.equal(hold(['--url', 'http://localhost:1', '--pod', 'a', '--command', 'x']).status, 2);
  });
});

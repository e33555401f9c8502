import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { comesTrue, isAlive } from '../../test/fixtures/process.ts';
import type { World } from '../cli/world.ts';
import { contract } from './contract.ts';

const directory = mkdtempSync(join(tmpdir(), 'contract-'));
after(() => rmSync(directory, { recursive: true }));

const silent = { write: () => {}, isTerminal: false, columns: 80 };
const world: World = {
  stdout: silent,
  stderr: silent,
  env: {},
  interrupted: new AbortController().signal,
  senders: [],
  nowMs: () => 0,
  readText: async () => '',
  writeText: async () => {},
  prepareFile: async () => {},
};

describe('dropless contract', () => {
  test('refuses an address that it cannot speak to', async () => {
    const flags = new Map([['url', ['https://10.0.0.1:3000']]]);
    await assert.rejects(contract.run({ flags, words: ['pod/a'] }, world), {
      name: 'Fault',
      message: /^--url "https:.*": contract speaks plain HTTP/,
    });
  });

  test('a second interruption leaves no server behind', async () => {
    const pidFile = join(directory, 'pid');
    const main = join(import.meta.dirname, '..', 'main.ts');
    const loader = process.versions.bun === undefined ? ['--import=tsx'] : [];
    const child = spawn(
      process.execPath,
      [...loader, main, 'contract', '--command', `sh -c 'echo $$ > ${pidFile}; exec sleep 60'`],
      { stdio: 'ignore' },
    );
    const exit = once(child, 'exit');
    const readPid = () => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0);
    assert.ok(await comesTrue(() => readPid() > 0));
    const pid = readPid();
    assert.ok(isAlive(pid));
    try {
      child.kill('SIGINT');
      child.kill('SIGTERM');
      assert.deepEqual(await exit, [130, null]);
      assert.ok(await comesTrue(() => !isAlive(pid)));
    } finally {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
  });
});

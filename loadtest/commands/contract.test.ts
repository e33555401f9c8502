import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
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
  program: 'dropless',
  stdout: silent,
  stderr: silent,
  env: {},
  interrupted: new AbortController().signal,
  senders: [],
  nowMs: () => 0,
  readText: async () => '',
  writeText: async () => {},
  appendText: async () => {},
  prepareFile: async () => {},
};

describe('dropless contract', () => {
  test('refuses a pod that it cannot reach, or not by HTTP/1.1, before it asks the cluster', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const [url, message] of [
      ['http://127.0.0.1:1', /^cannot reach 127\.0\.0\.1 on port 1: connection refused/],
      [`http://127.0.0.1:${port}`, /speaks HTTP\/2 only/],
    ] as const) {
      const call = contract.run({ flags: new Map([['url', [url]]]), words: ['pod/a'] }, world);
      await assert.rejects(call, { name: 'Fault', message });
    }
    server.close();
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

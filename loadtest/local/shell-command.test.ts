import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { comesTrue, isAlive } from '../../test/fixtures/process.ts';
import { runInShell } from './shell-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'shell-command-'));
after(() => rmSync(directory, { recursive: true }));

const never = new AbortController().signal;
let files = 0;

/** A file that a command writes a process id to, line by line. */
function toPidFile() {
  files += 1;
  const path = join(directory, `${files}.pids`);
  writeFileSync(path, '');
  const read = () => readFileSync(path, 'utf8').trim().split('\n').filter(Boolean).map(Number);
  return {
    path,
    read,
    async reach(count: number): Promise<void> {
      assert.ok(await comesTrue(() => read().length >= count));
    },
  };
}

function toScript(text: string): string {
  files += 1;
  const path = join(directory, `${files}.sh`);
  writeFileSync(path, text);
  return path;
}

describe('runInShell()', () => {
  test('resolves where the command exits with 0, and says how it ended where it does not', async () => {
    await runInShell('true', never);
    await assert.rejects(runInShell('exit 7', never), { message: '"exit 7" exited with code 7' });
    await assert.rejects(runInShell('kill -9 $$', never), { message: '"kill -9 $$" exited with SIGKILL' });
  });

  test('an abort ends what the command has started, too', async () => {
    const pids = toPidFile();
    const aborting = new AbortController();
    const run = runInShell(
      `sleep 1000 & echo $! >> ${pids.path}; echo $$ >> ${pids.path}; wait`,
      aborting.signal,
    );
    await pids.reach(2);
    aborting.abort(new Error('enough'));
    await assert.rejects(run, { message: 'enough' });
    assert.ok(await comesTrue(() => !pids.read().some(isAlive)));
  });

  test('an abort waits for what cleans up, and kills what does not end', async () => {
    const pids = toPidFile();
    const cleaned = toPidFile();
    const aborting = new AbortController();
    const loop = `echo $$ >> ${pids.path}; while :; do sleep 0.05; done`;
    const tidy = toScript(`trap 'sleep 0.3; echo 1 >> ${cleaned.path}; exit' TERM; ${loop}`);
    const stubborn = toScript(`trap '' TERM; ${loop}`);
    const run = runInShell(`sh ${tidy} & sh ${stubborn} & wait`, aborting.signal, 1_500);
    await pids.reach(2);
    aborting.abort(new Error('enough'));
    await assert.rejects(run, { message: 'enough' });
    assert.deepEqual(cleaned.read(), [1]);
    assert.ok(await comesTrue(() => !pids.read().some(isAlive)));
  });

  test('does not begin after an abort', async () => {
    const pids = toPidFile();
    await assert.rejects(runInShell(`echo $$ >> ${pids.path}`, AbortSignal.abort(new Error('enough'))));
    assert.deepEqual(pids.read(), []);
  });
});

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';

const root = join(import.meta.dirname, '..');
const fault = (name: string) => `${process.execPath} ${join(import.meta.dirname, 'faults', `${name}.ts`)}`;
const json = join(tmpdir(), `dropless-prove-${process.pid}.json`);
const children: ChildProcess[] = [];

after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(json, { force: true });
});

const BASE = ['--local', '--endpoint', 'GET /', '--min-ready', '50ms', '--rate', '200', '--tail', '300ms'];
/** As short as a proof can be. */
const SHORT = [...BASE, '--propagation', '200ms', '--pre-stop', '400ms', '--baseline', '300ms'];

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'loadtest/main.ts'), 'prove', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function finish(child: ChildProcess) {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the output is piped');
  const [out, err, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'exit')]);
  return { out, err, code };
}

describe('loadtest prove --local', () => {
  test('exits 1 where requests are lost, and tells each with its pod, its cause and the fix', async () => {
    const { out, code } = await finish(
      start(['rollout', ...SHORT, '--command', fault('exits-on-sigterm'), '--json', json]),
    );
    assert.equal(code, 1, out);
    assert.match(out, /^Exits on SIGTERM +\d+ .* pod-\d/m);
    assert.match(out, /#\d+ \/ {2}(closed_before_response|reset) .* pod-\d, [a-z ]+: SIGTERM ended pod-\d/);
    assert.match(out, /^Exits on SIGTERM: Handle SIGTERM/m);
    assert.match(out, /^LOST \d+ of \d[\d,]* requests\./m);
    const { schema, proofs } = JSON.parse(readFileSync(json, 'utf8'));
    assert.equal(schema, 'dropless.proof/1');
    assert.deepEqual([proofs[0].disturbance, proofs[0].verdict.kind], ['rollout', 'losses']);
    assert.equal(proofs[0].lost, proofs[0].losses.length);
    assert.equal(proofs[0].lives.length, 6);
  });

  test('loses nothing of a server without a fault', async () => {
    const { out, code } = await finish(start(['kill', ...SHORT, '--command', fault('none')]));
    // 3: the machine was too busy for the load to keep its times, which is not to be called green.
    assert.ok(code === 0 || (code === 3 && /could not keep its schedule/.test(out)), out);
    assert.match(out, /^(PROVEN: 0 lost|INCONCLUSIVE: none lost) of [\d,]+ requests/m);
  });

  test('a control that takes away what the proof rests on is red', async () => {
    const { out, code } = await finish(
      start([
        'rollout',
        ...BASE,
        '--propagation',
        '1500ms',
        '--command',
        fault('none'),
        '--control',
        'preStop',
      ]),
    );
    assert.equal(code, 1, out);
    assert.match(out, /^rollout, without preStop: the wait before SIGTERM/m);
    assert.match(out, /As it should without preStop\.$/m);
  });

  /** Command lines of all processes. */
  const processes = () => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });

  test('ends well on Ctrl-C: the ledger settled, inconclusive, and no process left', async () => {
    const mark = `mark-${process.pid}`;
    const child = start(['rollout', '--command', `${fault('none')} ${mark}`, ...BASE, '--baseline', '1h']);
    const ended = finish(child);
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (line) => String(line).includes('under load') && resolve());
    });
    assert.equal(processes().split(`none.ts ${mark}\n`).length - 1, 3);
    child.kill('SIGINT');
    const { out, code } = await ended;
    assert.equal(code, 3, out);
    assert.match(out, /it was interrupted/);
    assert.ok(!processes().includes(mark));
  });

  for (const [what, args, message] of [
    [
      'an unknown disturbance',
      ['explode'],
      'unknown disturbance "explode"; there are rollout, scale, drain, kill',
    ],
    ['--force without kill', ['rollout', '--force'], '--force goes with kill only'],
    ['both kinds of controls', ['rollout', '--control', 'preStop', '--with-controls'], 'exclude each other'],
    [
      'an unknown control',
      ['rollout', '--control', 'x'],
      'must be preStop or lame-duck or readiness or in-flight',
    ],
    [
      'a command that ends',
      ['rollout', '--local', '--command', 'sh -c "exit 7"'],
      'ends with code 7 before it is ready',
    ],
    [
      'a command that is not there',
      ['rollout', '--local', '--command', '/no/such'],
      'ends with code 127 before it is ready',
    ],
  ] as const) {
    test(`${what} is one clear line, and exit code 2`, async () => {
      const { out, err, code } = await finish(start(args));
      assert.equal(code, 2);
      assert.equal(out, '');
      assert.ok(err.includes('loadtest: ') && err.includes(message), err);
    });
  }
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { comesTrue, isAlive, readCommandLines } from '../../test/fixtures/process.ts';
import { findPidOne } from './pid-one.ts';
import { startReplica } from './replica.ts';

const leftovers: number[] = [];
after(() => {
  for (const pid of leftovers) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

/** Starts a process in a session of its own, which holds the output open, and tells its id. */
const GET_AWAY = `
  const { spawn } = require('node:child_process');
  const away = spawn('sleep', ['60'], { detached: true, stdio: 'inherit' });
  console.log(away.pid);
  away.unref();
`;

/** Of this runtime, with a program that imports the module under test. */
function startProver(program: string) {
  const url = JSON.stringify(new URL('./replica.ts', import.meta.url).href);
  const text = `import { startReplica } from ${url};\n${program}`;
  const args =
    process.versions.bun === undefined
      ? ['--import=tsx', '--input-type=module', '--eval', text]
      : ['--eval', text];
  const env = { ...process.env, RUNTIME: process.execPath, GET_AWAY };
  return spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
}

const skip = (await findPidOne()) === 'namespace' ? false : 'no PID namespaces for this user';

describe('startReplica()', () => {
  test('tells how the process ended, and keeps its last lines', async () => {
    const replica = await startReplica(`sh -c 'echo on $PORT; echo bad >&2; exit 3'`, process.env);
    assert.deepEqual(await replica.exited, { code: 3, signal: null });
    await replica.logged;
    assert.deepEqual([...replica.log].sort(), ['bad', `on ${replica.port}`]);
  });

  test('ends what the process started, and is not held up by what has got away', async () => {
    const prover = startProver(`
      const replica = await startReplica("sh -c '\\"$RUNTIME\\" -e \\"$GET_AWAY\\"; sleep 60 & echo $!; exit 0'", process.env);
      await replica.exited;
      replica.destroy();
      await replica.logged;
      console.log(replica.log.join(' '));
    `);
    const exit = once(prover, 'exit');
    const [line] = await once(createInterface({ input: prover.stdout }), 'line');
    const [away = 0, near = 0] = String(line).split(' ').map(Number);
    leftovers.push(away, near);
    assert.ok(isAlive(away));
    assert.ok(await comesTrue(() => !isAlive(near)));
    assert.deepEqual(await exit, [0, null]);
  });

  test('ends with the process that started it, even where that is killed', async () => {
    const prover = startProver(`
      const replicas = [];
      for (let n = 0; n < 3; n += 1) replicas.push(await startReplica("sh -c 'echo $$; exec sleep 60'", process.env));
      const isTold = () => replicas.every(({ log }) => log.length > 0);
      while (!isTold()) await new Promise((resolve) => setTimeout(resolve, 10));
      console.log(replicas.map(({ log }) => log[0]).join(' '));
    `);
    const [line] = await once(createInterface({ input: prover.stdout }), 'line');
    const pids = String(line).split(' ').map(Number);
    leftovers.push(...pids);
    assert.deepEqual(pids.map(isAlive), [true, true, true]);
    prover.kill('SIGKILL');
    assert.ok(await comesTrue(() => !pids.some(isAlive)));
  });

  for (const [what, end] of [
    ['it is destroyed', 'replica.destroy();'],
    ['the process that started it is killed', 'process.kill(process.pid, "SIGKILL");'],
  ] as const) {
    test(`leaves nothing of a PID namespace behind when ${what}`, { skip }, async () => {
      const seconds = `1000.${process.pid}${what.length}`;
      const isThere = () => readCommandLines().includes(`sleep ${seconds}`);
      const prover = startProver(`
        const command = "sh -c '\\"$RUNTIME\\" -e \\"$GET_AWAY\\"; exec setsid sleep ${seconds}'";
        const env = { ...process.env, GET_AWAY: process.env.GET_AWAY.replace("'60'", "'${seconds}'") };
        const replica = await startReplica(command, env, { pidOne: 'namespace' });
        while (replica.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        console.log('started');
        await new Promise((resolve) => process.stdin.once('data', resolve));
        ${end}
        process.exit(0);
      `);
      await once(createInterface({ input: prover.stdout }), 'line');
      assert.ok(await comesTrue(isThere));
      prover.stdin.write('go\n');
      assert.ok(await comesTrue(() => !isThere()));
    });
  }
});

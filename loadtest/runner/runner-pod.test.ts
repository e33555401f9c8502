import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, PROCESS_CLOCK } from '../cli/clock.ts';
import type { World } from '../cli/world.ts';
import { type Api, toApiFault } from '../kube/api.ts';
import { type Json, listAt, textAt } from '../kube/json.ts';
import { unpackParcel } from './parcel.ts';
import { parseRunnerMessage } from './runner-message.ts';
import { createRunnerPod } from './runner-pod.ts';
import type { RunnerTask } from './runner-task.ts';

const OWNER = { name: 'dropless-1', namespace: 'shop', uid: 'U' };
const TASK: RunnerTask = {
  version: '1',
  args: ['run', 'http://web'],
  hasSummary: false,
  files: {},
  senders: [],
};

interface Behaviour {
  readonly task?: Partial<RunnerTask>;
  /** By their name in /runner/input. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the API server has each time that the Lease is asked for; null: no Lease; undefined: it is not heard. */
  readonly toLease?: (reads: number) => Json | null | undefined;
  readonly toSender?: (pod: string, reads: number) => Json;
  readonly onPost?: (body: Json) => void;
}

const lease = (renewTime: string, holderIdentity = 'caller') => ({ spec: { holderIdentity, renewTime } });
const renewed = (reads: number) => lease(`T${reads}`);

/** A runner in a pod whose clock shows a second more with each look. */
function enter({ task = {}, files = {}, toLease = renewed, toSender, onPost }: Behaviour = {}) {
  const log: string[] = [];
  const posted: Json[] = [];
  const removed: string[] = [];
  const reads = new Map<string, number>();
  const api: Api = {
    async get(path) {
      const count = (reads.get(path) ?? 0) + 1;
      reads.set(path, count);
      const name = path.split('/').at(-1) ?? '';
      if (path.includes('/pods/')) return toSender?.(name, count) ?? assert.fail(`no pod ${name}`);
      assert.equal(path, '/apis/coordination.k8s.io/v1/namespaces/shop/leases/dropless-1');
      const found = toLease(count);
      if (found === undefined) throw toApiFault(503, 'not heard');
      if (found === null) throw toApiFault(404, 'not found');
      return found;
    },
    async post(path, body) {
      assert.equal(path, '/api/v1/namespaces/shop/configmaps');
      onPost?.(body);
      posted.push(body);
      return body;
    },
    async remove(path) {
      removed.push(path);
      throw toApiFault(404, 'not found');
    },
    patch: () => assert.fail('patches nothing'),
    stream: () => assert.fail('streams nothing'),
  };
  const contents: Readonly<Record<string, string>> = {
    'task.json': JSON.stringify({ ...TASK, ...task }),
    senders: 'S3CRET',
    ...files,
  };
  const interruption = new AbortController();
  const world: World = {
    program: 'dropless',
    stdout: { write: (text) => void log.push(text), isTerminal: false, columns: 80 },
    stderr: { write: () => assert.fail('all goes to one output'), isTerminal: false, columns: 80 },
    env: { HOME: '/' },
    interrupted: interruption.signal,
    senders: [],
    nowMs: () => 0,
    readText: async (path, encoding = 'utf8') => {
      const content = contents[path.replace('/runner/input/', '')] ?? assert.fail(`no file ${path}`);
      return Buffer.from(content, 'latin1').toString(encoding);
    },
    writeText: () => assert.fail('writes no file'),
    appendText: () => assert.fail('writes no file'),
    prepareFile: () => assert.fail('writes no file'),
  };
  let nowMs = 0;
  const clock: Clock = {
    nowMs: () => (nowMs += 1_000),
    pause: (_, signal) => PROCESS_CLOCK.pause(1, signal),
  };
  const runner = createRunnerPod(api, OWNER, world, clock);
  const toTold = () =>
    log.map((line) => parseRunnerMessage(line.trimEnd()) ?? assert.fail(`no message: ${line}`));
  const toReports = () => {
    const digest = textAt(posted[0], 'metadata', 'annotations', 'dropless/digest') ?? '';
    return unpackParcel({ parts: posted.map((each) => textAt(each, 'binaryData', 'part') ?? ''), digest });
  };
  return { runner, interruption, toTold, toReports, posted, removed };
}

const isAborted = (signal: AbortSignal) =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', resolve));

describe('createRunnerPod()', () => {
  test('is given its task, and says what its command does as numbered messages', async () => {
    const { runner, toTold } = enter();
    const { args, world } = await runner.prepare('1');
    assert.deepEqual(args, ['run', 'http://web']);
    assert.deepEqual(world.env, { HOME: '/' });
    assert.deepEqual(world.senders, []);
    world.stdout.write('out\n');
    world.stderr.write('err\n');
    await world.appendText('/runner/reports/json', 'one line\n');
    await runner.finish(0);
    assert.deepEqual(toTold(), [
      // By which its caller knows it.
      { number: 0, stream: 'stderr', text: '' },
      { number: 1, stream: 'stdout', text: 'out\n' },
      { number: 2, stream: 'stderr', text: 'err\n' },
      { number: 3, stream: 'report:json', text: 'one line\n' },
    ]);
  });

  test('hands over the reports with the exit code, then lets go of its ClusterRole', async () => {
    const { runner, toReports, posted, removed } = enter({
      task: { hasSummary: true },
      onPost: (body) => {
        assert.deepEqual(
          listAt(body, 'metadata', 'ownerReferences').map((each) => textAt(each, 'uid')),
          ['U'],
        );
      },
    });
    const { world } = await runner.prepare('1');
    assert.equal(world.env.GITHUB_STEP_SUMMARY, '/runner/reports/summary');
    await world.prepareFile('/runner/reports/json');
    await world.writeText('/runner/reports/json', 'old');
    await world.writeText('/runner/reports/json', '{"é":1}');
    await world.writeText('/runner/reports/html', '<p>');
    assert.equal(posted.length, 0, 'not before it is over');
    assert.equal(await runner.finish(4), 4);
    assert.deepEqual(
      [...toReports()],
      [
        ['json', '{"é":1}'],
        ['html', '<p>'],
        ['exit', '4'],
      ],
    );
    assert.deepEqual(removed, ['/apis/rbac.authorization.k8s.io/v1/clusterroles/dropless-1']);
  });

  test('a report that is there already has come through, though nobody said so', async () => {
    const { runner } = enter({
      onPost: () => {
        throw toApiFault(409, 'already exists');
      },
    });
    await runner.prepare('1');
    assert.equal(await runner.finish(0), 0);
  });

  test('is inconclusive where its reports cannot be handed over, and says so', async () => {
    const { runner, toTold } = enter({
      onPost: () => {
        throw toApiFault(403, 'exceeded quota: q');
      },
    });
    await runner.prepare('1');
    assert.equal(await runner.finish(0), 3);
    assert.match(toTold().at(-1)?.text ?? '', /cannot be handed over: exceeded quota: q/);
  });

  test('finds the files that came along where the command looks for them, byte by byte', async () => {
    const { runner } = enter({
      task: { files: { '/runner/input/requests': 'requests', '/bodies/a.bin': 'body-0' } },
      files: { requests: '{"bodyFile":"../../bodies/a.bin"}', 'body-0': '\xff\x00' },
    });
    const { world } = await runner.prepare('1');
    assert.equal(await world.readText('/runner/input/requests'), '{"bodyFile":"../../bodies/a.bin"}');
    assert.equal(await world.readText('/bodies/a.bin', 'latin1'), '\xff\x00');
    await runner.finish(0);
  });

  test('refuses the task of another version', async () => {
    const { runner } = enter();
    await assert.rejects(runner.prepare('2'), /the runner is dropless 2, and its caller 1/);
    await runner.finish(2);
  });

  for (const [what, toLease, reason] of [
    [
      'asks for it',
      (reads: number) => lease(`T${reads}`, reads < 5 ? 'caller' : ''),
      'the caller asks for it',
    ],
    ['no longer renews', (reads: number) => lease(`T${Math.min(reads, 5)}`), 'the caller is gone'],
    ['has removed its Lease', (reads: number) => (reads < 5 ? renewed(reads) : null), 'the caller is gone'],
  ] as const) {
    test(`ends its command when the caller ${what}`, async () => {
      const { runner, toTold } = enter({ toLease });
      const { world } = await runner.prepare('1');
      await isAborted(world.interrupted);
      assert.equal(toTold().at(-1)?.text, `ending: ${reason}\n`);
      await runner.finish(3);
    });
  }

  test('goes on while the API server is not heard', async () => {
    let wasUnheard = () => {};
    const unheard = new Promise<void>((resolve) => {
      wasUnheard = resolve;
    });
    const { runner } = enter({
      toLease: (reads) => {
        if (reads > 100) wasUnheard();
        return reads < 3 ? renewed(reads) : undefined;
      },
    });
    const { world } = await runner.prepare('1');
    await Promise.race([unheard, isAborted(world.interrupted)]);
    assert.equal(world.interrupted.aborted, false);
    await runner.finish(0);
  });

  test('starts nothing where nobody renews the Lease that it finds', async () => {
    const { runner, toTold } = enter({ toLease: () => lease('T1') });
    await assert.rejects(runner.prepare('1'), { name: 'AbortError' });
    assert.equal(toTold().at(-1)?.text, 'ending: the caller is gone\n');
    await runner.finish(3);
  });

  test('is interrupted as its process is', async () => {
    const { runner, interruption } = enter();
    const { world } = await runner.prepare('1');
    interruption.abort();
    assert.equal(world.interrupted.aborted, true);
    await runner.finish(3);
  });

  const senders = [
    { pod: 's-0', node: 'a' },
    { pod: 's-1', node: 'b' },
  ];

  test('waits for the pods that send for it, and knows them by address', async () => {
    const { runner } = enter({
      task: { senders },
      toSender: (pod, reads) => ({
        status: reads < 3 ? { phase: 'Pending' } : { phase: 'Running', podIP: `10.0.0.${pod.at(-1)}` },
      }),
    });
    const { world } = await runner.prepare('1');
    assert.deepEqual(world.senders, [
      { from: 'a', host: '10.0.0.0', port: 7_878, secret: 'S3CRET' },
      { from: 'b', host: '10.0.0.1', port: 7_878, secret: 'S3CRET' },
    ]);
    await runner.finish(0);
  });

  for (const phase of ['Failed', 'Succeeded', 'Pending']) {
    test(`does not start without a sender that stays ${phase}`, async () => {
      const { runner } = enter({
        task: { senders },
        toSender: (pod) => ({ status: { phase: pod === 's-0' ? 'Pending' : phase } }),
      });
      const message = /the sender on [ab] does not run: its pod s-[01] is (Failed|Succeeded|Pending)/;
      await assert.rejects(runner.prepare('1'), { exit: 'inconclusive', message });
      await runner.finish(3);
    });
  }
});

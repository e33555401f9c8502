import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, PROCESS_CLOCK } from '../../loadtest/cli/clock.ts';
import { Fault } from '../../loadtest/cli/fault.ts';
import { createFleet, type Fleet, type FleetOptions } from '../../loadtest/local/fleet.ts';
import { findPidOne } from '../../loadtest/local/pid-one.ts';
import { type PodEvent, toPodTimelines } from '../../loadtest/proof/timeline.ts';
import { comesTrue, readCommandLines } from '../fixtures/process.ts';
import { toShellLine } from './command-line.ts';

const toFault = (name: string) =>
  toShellLine([process.execPath, join(import.meta.dirname, `../faults/${name}.ts`)]);

const PRE_STOP_MS = 100;

const options: FleetOptions = {
  command: toFault('none'),
  env: process.env,
  pidOne: 'handlers',
  replicas: 3,
  maxSurge: 1,
  maxUnavailable: 0,
  minReadyMs: 50,
  readiness: { path: '/ready', periodMs: 20, failureThreshold: 2 },
  preStop: { kind: 'sleep', ms: PRE_STOP_MS },
  graceMs: 5_000,
  propagationMs: 50,
  latencyMs: 0,
  nodeGraceMs: 100,
};
const fleets: Fleet[] = [];
const never = new AbortController().signal;
/** Longer than whatever else a fleet waits for here. */
const DEADLINE_MS = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'fleet-'));

after(async () => {
  for (const fleet of fleets) await fleet.close();
  rmSync(directory, { recursive: true });
});

/** That of the process, save that the progress deadline passes only when it is told to. */
function createDeadlineClock() {
  let pass: () => void = () => {};
  let probes = 0;
  const clock: Clock = {
    nowMs: PROCESS_CLOCK.nowMs,
    pause(ms, signal) {
      if (ms === options.readiness?.periodMs) probes += 1;
      if (ms < DEADLINE_MS) return PROCESS_CLOCK.pause(ms, signal);
      return new Promise((resolve) => {
        pass = resolve;
      });
    },
  };
  return {
    clock,
    pass: () => pass(),
    /** Once the file is there, and what is behind it has been probed. */
    async passAfter(file: string): Promise<void> {
      while (!existsSync(file)) await sleep(5);
      const before = probes;
      while (probes < before + 12) await sleep(5);
      pass();
    },
  };
}

async function start(
  change: Partial<FleetOptions> = {},
  { clock = PROCESS_CLOCK, onEvent = () => {} }: { clock?: Clock; onEvent?: (event: PodEvent) => void } = {},
) {
  const events: PodEvent[] = [];
  const marks: string[] = [];
  const fleet = await createFleet(
    { ...options, ...change },
    {
      clock,
      onEvent: (event) => {
        events.push(event);
        onEvent(event);
      },
      onMark: (text) => void marks.push(text),
      signal: never,
    },
  );
  fleets.push(fleet);
  return {
    fleet,
    events,
    marks,
    kinds: (pod: string) => events.filter((event) => event.pod === pod).map(({ kind }) => kind),
  };
}

const LISTENS = 'require("node:http").createServer((_, a) => a.end()).listen(process.env.PORT);';
const found = await findPidOne();

describe('createFleet(), its servers signaled like PID 1', () => {
  const killed = { code: null, signal: 'SIGKILL' };
  const exits = `node -e 'process.on("SIGTERM", () => process.exit(7)); ${LISTENS}'`;
  for (const [what, command, pidOne, exit] of [
    ['without a handler for SIGTERM', 'sleep 1000', 'handlers', killed],
    ['without a handler for SIGTERM', 'sleep 1000', 'namespace', killed],
    ['with a handler that exits', exits, 'handlers', { code: 7, signal: null }],
    ['with a handler that exits', exits, 'namespace', { code: 7, signal: null }],
    // Node.js itself has one, which sends SIGTERM once more, to be ended by it.
    ['without a handler of its own on Node.js', `node -e '${LISTENS}'`, 'namespace', killed],
  ] as const) {
    const isPossible = found === 'namespace' || found === pidOne;
    const skip = isPossible ? false : `this machine gives no more than ${found}`;
    test(`ends a server ${what} as a cluster would, by ${pidOne}`, { skip }, async () => {
      const probe = { path: '/', periodMs: 20, failureThreshold: 2 };
      const readiness = command.startsWith('node') ? probe : null;
      const preStop = { kind: 'sleep', ms: 0 } as const;
      const change = { command, readiness, replicas: 1, preStop, graceMs: 2_000, pidOne };
      const { fleet, events } = await start(change);
      fleet.kill('pod-1', { force: false });
      await fleet.settled(never);
      const { sigtermMs = null, exit: seen = null } = toPodTimelines(events).get('pod-1') ?? {};
      assert.deepEqual({ ...seen, ...exit }, seen);
      // It counts as sent, whatever comes of it.
      assert.ok(sigtermMs !== null);
      assert.ok(events.some(({ pod, kind }) => pod === 'pod-1' && kind === 'sigterm'));
    });
  }

  const skip = found === 'namespace' ? false : 'no PID namespaces';
  test('silences a server in a namespace when its node loses power', { skip }, async () => {
    const { fleet, events } = await start({ pidOne: 'namespace' });
    fleet.powerOff('node-2');
    await fleet.settled(never);
    assert.equal(toPodTimelines(events).get('pod-2')?.exit?.signal, 'SIGKILL');
  });
});

describe('createFleet(), its preStop a hook', () => {
  /** Deletes the only pod, and waits until it is replaced. */
  async function end(change: Partial<FleetOptions>) {
    const { fleet, events, marks } = await start({ replicas: 1, ...change });
    fleet.kill('pod-1', { force: false });
    await fleet.settled(never);
    const timeline = toPodTimelines(events).get('pod-1');
    assert.ok(timeline !== undefined);
    return { timeline, marks };
  }

  test('runs a command with the environment of the server, to its end, before SIGTERM', async () => {
    const file = join(directory, 'exec');
    const script = 'sleep 0.2; echo "$POD_NAME $PORT $HTTP_PORT $1" > "$FILE"';
    const argv = ['sh', '-c', script, 'sh', 'localhost:8080'] as const;
    const { timeline, marks } = await end({
      env: { ...process.env, FILE: file, HTTP_PORT: '8080' },
      portVariables: ['HTTP_PORT'],
      preStop: { kind: 'exec', argv, containerPort: 8_080 },
    });
    const [pod, port, alias, url] = readFileSync(file, 'utf8').trim().split(' ');
    assert.deepEqual([pod, alias, url], ['pod-1', port, `127.0.0.1:${port}`]);
    assert.ok((timeline.sigtermMs ?? 0) - (timeline.terminatingMs ?? 0) >= 200);
    assert.equal(timeline.exit?.code, 0);
    assert.deepEqual(marks, []);
  });

  test('asks the server, and sends SIGTERM when it has responded', async () => {
    const file = join(directory, 'http');
    const program = `
      const { writeFileSync } = require("node:fs");
      require("node:http").createServer((request, response) => {
        if (request.url !== "/drain?now") return response.end();
        writeFileSync("${file}", request.headers["x-why"]);
        setTimeout(() => response.writeHead(500).end(), 200);
      }).listen(process.env.PORT);
      process.on("SIGTERM", () => process.exit(0));`;
    const { timeline, marks } = await end({
      command: toShellLine(['node', '-e', program]),
      preStop: { kind: 'httpGet', path: '/drain?now', headers: { 'X-Why': 'rollout' } },
    });
    assert.equal(readFileSync(file, 'utf8'), 'rollout');
    assert.ok((timeline.sigtermMs ?? 0) - (timeline.terminatingMs ?? 0) >= 200);
    assert.deepEqual(marks, []);
  });

  for (const [what, argv, why] of [
    ['that fails', ['sh', '-c', 'exit 3'], 'exited with code 3'],
    ['that is not on this machine', ['/no/such'], 'ENOENT'],
  ] as const) {
    test(`goes on to SIGTERM after one ${what}, and says so`, async () => {
      const { timeline, marks } = await end({ preStop: { kind: 'exec', argv, containerPort: null } });
      assert.equal(timeline.exit?.code, 0);
      assert.equal(marks.length, 1);
      assert.ok(marks[0]?.startsWith('preStop of pod-1 failed: ') && marks[0].includes(why), marks[0]);
    });
  }

  test('cuts it off at the end of the grace period, with all that it has started', async () => {
    const seconds = `1000.${process.pid}`;
    const argv = ['sh', '-c', `sleep ${seconds} & wait`] as const;
    const { timeline } = await end({ graceMs: 1_000, preStop: { kind: 'exec', argv, containerPort: null } });
    assert.equal(timeline.exit?.signal, 'SIGKILL');
    assert.ok(await comesTrue(() => !readCommandLines().includes(`sleep ${seconds}`)));
  });
});

describe('createFleet()', () => {
  test('starts the replicas, spread over the nodes, and serves', async () => {
    const { fleet, events } = await start();
    assert.deepEqual(fleet.pods, ['pod-1', 'pod-2', 'pod-3']);
    const nodes = [...toPodTimelines(events).values()].map(({ node }) => node);
    assert.deepEqual(nodes, ['node-1', 'node-2', 'node-1']);
    const answer = await fetch(fleet.url);
    assert.equal(answer.headers.get('x-version'), 'v1');
  });

  test('rolls out: each pod replaced, in the order of a Deployment, ended as a kubelet does', async () => {
    const { fleet, events, kinds } = await start();
    fleet.rollout('v2');
    await fleet.settled(never);
    assert.deepEqual(fleet.pods, ['pod-4', 'pod-5', 'pod-6']);
    assert.equal((await fetch(fleet.url)).headers.get('x-version'), 'v2');
    assert.deepEqual(kinds('pod-1'), [
      'scheduled',
      'started',
      'ready',
      'endpoint-added',
      'terminating',
      'endpoint-removed',
      'sigterm',
      'exited',
      'gone',
    ]);
    const timelines = toPodTimelines(events);
    for (const [old, successor] of [
      ['pod-1', 'pod-4'],
      ['pod-2', 'pod-5'],
      ['pod-3', 'pod-6'],
    ] as const) {
      const endedMs = timelines.get(old)?.terminatingMs ?? 0;
      const readyMs = timelines.get(successor)?.ready[0]?.fromMs ?? Number.POSITIVE_INFINITY;
      assert.ok(endedMs >= readyMs + options.minReadyMs, `${old} ended before ${successor} was available`);
      assert.deepEqual(timelines.get(old)?.exit?.code, 0);
      assert.ok((timelines.get(old)?.sigtermMs ?? 0) >= endedMs + PRE_STOP_MS);
    }
    for (const [old, next] of [
      ['pod-1', 'pod-5'],
      ['pod-2', 'pod-6'],
    ] as const) {
      const scheduledMs = timelines.get(next)?.scheduledMs ?? Number.POSITIVE_INFINITY;
      assert.ok(scheduledMs < (timelines.get(old)?.sigtermMs ?? 0), `${next} waited for the end of ${old}`);
    }
  });

  test('does not probe a server before its initial delay is over', async () => {
    const readiness = { path: '/ready', periodMs: 20, failureThreshold: 2, initialDelayMs: 1_000 };
    const { events } = await start({ replicas: 1, readiness });
    const atMs = (wanted: PodEvent['kind']) => events.find(({ kind }) => kind === wanted)?.atMs ?? Number.NaN;
    assert.ok(atMs('ready') - atMs('started') >= 1_000);
  });

  test('scales up and down, the youngest first', async () => {
    const { fleet } = await start({ replicas: 1 });
    fleet.scale(3);
    await fleet.settled(never);
    assert.deepEqual(fleet.pods, ['pod-1', 'pod-2', 'pod-3']);
    fleet.scale(2);
    await fleet.settled(never);
    assert.deepEqual(fleet.pods, ['pod-1', 'pod-2']);
  });

  test('drains a node one pod at a time, and keeps it empty until it is uncordoned', async () => {
    const { fleet, events } = await start();
    await fleet.drain('node-1', never);
    await fleet.settled(never);
    const timelines = toPodTimelines(events);
    assert.deepEqual(
      fleet.pods.map((pod) => timelines.get(pod)?.node),
      ['node-2', 'node-2', 'node-2'],
    );
    fleet.uncordon('node-1');
    fleet.scale(4);
    await fleet.settled(never);
    assert.equal(toPodTimelines(events).get(fleet.pods[3] ?? '')?.node, 'node-1');
  });

  test('kills at the end of grace a pod that ignores SIGTERM, and at once by force', async () => {
    const command = toFault('ignores-sigterm');
    const { fleet, events } = await start({ command, replicas: 2, graceMs: 300 });
    fleet.kill('pod-1', { force: false });
    await fleet.settled(never);
    fleet.kill('pod-2', { force: true });
    await fleet.settled(never);
    const timelines = toPodTimelines(events);
    const stubborn = timelines.get('pod-1');
    assert.equal(stubborn?.exit?.signal, 'SIGKILL');
    assert.ok((stubborn.exit?.atMs ?? 0) - (stubborn.terminatingMs ?? 0) >= 300);
    assert.equal(timelines.get('pod-2')?.exit?.signal, 'SIGKILL');
    assert.equal(timelines.get('pod-2')?.graceMs, 0);
    assert.ok(!events.some(({ pod, kind }) => pod === 'pod-2' && kind === 'sigterm'));
    assert.deepEqual(fleet.pods, ['pod-3', 'pod-4']);
  });

  test('replaces the pods of a node that lost its power, once that is noticed', async () => {
    const { fleet, events } = await start();
    fleet.powerOff('node-2');
    await fleet.settled(never);
    const timelines = toPodTimelines(events);
    assert.notEqual(timelines.get('pod-2')?.nodeLostMs ?? null, null);
    assert.deepEqual(
      fleet.pods.map((pod) => timelines.get(pod)?.node),
      ['node-1', 'node-1', 'node-1'],
    );
  });

  test('ends a command that does not come up with its exit code and its last lines', async () => {
    await assert.rejects(
      start({ command: 'sh -c "echo no such thing >&2; exit 3"' }),
      (error: Error) =>
        error instanceof Fault &&
        /exits with code 3 before it is ready\n {2}no such thing/.test(error.message),
    );
  });

  for (const [what, program, seen] of [
    ['never listens', 'tell(); setInterval(() => {}, 1_000);', 'connection refused'],
    [
      'never says that it is ready',
      'require("node:http").createServer((_, a) => { tell(); a.writeHead(404).end(); }).listen(process.env.PORT);',
      'status 404',
    ],
    [
      'says in part that it is ready',
      'require("node:http").createServer((_, a) => { tell(); a.writeHead(200).write("a"); }).listen(process.env.PORT);',
      'no response within 200ms',
    ],
  ] as const) {
    test(`gives up a command that ${what}, and says what the last probe saw`, async () => {
      const file = join(directory, what);
      const tell = `let tell = () => { console.log("hello"); require("node:fs").writeFileSync("${file}", ""); tell = () => {}; };`;
      const command = `node -e '${tell} ${program}'`;
      const { clock, passAfter } = createDeadlineClock();
      const readiness = { path: '/ready', periodMs: 20, failureThreshold: 2, timeoutMs: 200 };
      const change = { command, replicas: 1, readiness, progressDeadlineMs: DEADLINE_MS };
      const passed = passAfter(file);
      await assert.rejects(start(change, { clock }), (error: Error) => {
        assert.ok(error instanceof Fault, error.stack);
        assert.equal(
          error.message,
          `the command ${JSON.stringify(command)} does not become ready as v1 within 1h: the last probe of /ready saw ${seen}\n  hello`,
        );
        return true;
      });
      await passed;
    });
  }

  test('gives up a rollout to a version that never gets ready, and leaves the old pods', async () => {
    const file = join(directory, 'v2');
    const line = `test $APP_VERSION = v1 && exec ${toFault('none')}; echo no $APP_VERSION; : > ${file}; exec sleep 60`;
    const command = toShellLine(['sh', '-c', line]);
    const { clock, passAfter } = createDeadlineClock();
    const { fleet, events } = await start({ command, progressDeadlineMs: DEADLINE_MS }, { clock });
    fleet.rollout('v2');
    void passAfter(file);
    const fault = /does not become ready as v2 within 1h: .* connection refused\n {2}no v2$/;
    await assert.rejects(
      fleet.settled(never),
      (error: Error) => error instanceof Fault && fault.test(error.message),
    );
    assert.ok(!events.some(({ kind }) => kind === 'terminating'));
    assert.equal((await fetch(fleet.url)).headers.get('x-version'), 'v1');
  });

  test('gives up a command that is ready for a moment at a time', async () => {
    const program = 'require("node:http").createServer((_, a) => a.end()).listen(process.env.PORT);';
    const { clock, pass } = createDeadlineClock();
    const command = `node -e '${program}'`;
    // Of two, the one that is not up yet might be what is told.
    const change = { command, replicas: 1, minReadyMs: 60_000, progressDeadlineMs: DEADLINE_MS };
    const onEvent = ({ kind }: PodEvent) => {
      if (kind === 'ready') setImmediate(pass);
    };
    await assert.rejects(
      start(change, { clock, onEvent }),
      /does not become ready as v1 within 1h: it becomes ready, but stays so for less than 1m$/,
    );
  });

  test('does not hold up an interruption while the balancer has yet to hear of it', async () => {
    const { fleet, events } = await start({ propagationMs: 600_000 });
    const interruption = new AbortController();
    fleet.scale(2);
    const settled = fleet.settled(interruption.signal);
    while (!events.some(({ kind }) => kind === 'gone'))
      await new Promise((resolve) => setTimeout(resolve, 10));
    interruption.abort(new Error('interrupted'));
    await assert.rejects(settled, /interrupted/);
  });

  test('leaves no process behind when it is closed in the middle of a rollout', async () => {
    const { fleet, events } = await start();
    fleet.rollout('v2');
    await fleet.close();
    const started = events.filter(({ kind }) => kind === 'started').map(({ pod }) => pod);
    const exited = events.filter(({ kind }) => kind === 'exited').map(({ pod }) => pod);
    assert.deepEqual(started.sort(), exited.sort());
  });
});

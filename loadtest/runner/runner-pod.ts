import { basename, join } from 'node:path';
import { type Clock, PROCESS_CLOCK } from '../cli/clock.ts';
import { EXIT_CODES } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import type { Sender, TextOutput, World } from '../cli/world.ts';
import { type Api, createApi, toApiStatus } from '../kube/api.ts';
import { Field } from '../kube/field.ts';
import { insist } from '../kube/insist.ts';
import { findPodAccess } from '../kube/pod-access.ts';
import { type CallerSighting, toCallerSighting } from './lease-state.ts';
import { RUNNER_PULSE_MS } from './log-follower.ts';
import { packParcel } from './parcel.ts';
import { formatRunnerMessage, type RunnerStream } from './runner-message.ts';
import {
  INPUT_FOLDER,
  REPORT_FOLDER,
  RUNNER_VARIABLE,
  type RunnerOwner,
  SECRET_FILE,
  SENDER_PORT,
  SUMMARY,
  TASK_FILE,
  toReportParts,
  UID_VARIABLE,
} from './runner-objects.ts';
import { parseRunnerTask, type SenderPod } from './runner-task.ts';

/** A process that carries out the command of a caller elsewhere. */
export interface RunnerPod {
  /**
   * What follows the program's name, and a world whose outputs are messages in the log, whose reports are kept, and
   * which is interrupted when the caller is.
   * @throws {Fault} where the caller is another version, or is gone, or a sender does not run
   */
  prepare(version: string): Promise<{ readonly args: readonly string[]; readonly world: World }>;
  /** Hands the reports over, and says what became of that: the exit code of the process. */
  finish(exitCode: number): Promise<number>;
}

const POLL_MS = 2_000;
/** In which a caller that is there renews its Lease. */
const CALLER_MS = 30_000;

/**
 * @returns null where this process is no runner
 * @throws {Fault} where it is one, and has no ServiceAccount
 */
export async function enterRunner(world: World): Promise<RunnerPod | null> {
  const { [RUNNER_VARIABLE]: name, [UID_VARIABLE]: uid = '' } = world.env;
  if (name === undefined) return null;
  const access = await findPodAccess({ env: world.env });
  if (access === null) throw new Fault(`${RUNNER_VARIABLE} is set, but no ServiceAccount is mounted`);
  return createRunnerPod(createApi(access), { name, uid, namespace: access.namespace }, world);
}

export function createRunnerPod(
  api: Api,
  owner: RunnerOwner,
  world: World,
  clock: Clock = PROCESS_CLOCK,
): RunnerPod {
  const reports = new Map<string, string>();
  const ended = new AbortController();
  const finished = new AbortController();
  const told = createMessages(world.stdout);
  // Shows the caller that the image is this program, and that the stream of its log is whole.
  told.stderr.write('');
  const pulse = setInterval(() => told.stderr.write(''), RUNNER_PULSE_MS);

  return {
    async prepare(version) {
      const readOwn = (key: string) => world.readText(join(INPUT_FOLDER, key));
      const { args, files, senders, hasSummary } = parseRunnerTask(await readOwn(TASK_FILE), version);
      const keys = new Map(Object.entries(files));
      const interrupted = AbortSignal.any([world.interrupted, ended.signal]);
      await watchCaller(api, owner, clock, finished.signal, (reason) => {
        told.stderr.write(`ending: ${reason}\n`);
        ended.abort();
      });
      interrupted.throwIfAborted();
      return {
        args,
        world: {
          ...world,
          env: hasSummary ? { ...world.env, GITHUB_STEP_SUMMARY: `${REPORT_FOLDER}/${SUMMARY}` } : world.env,
          stdout: told.stdout,
          stderr: told.stderr,
          interrupted,
          senders: await findSenders(api, owner, senders, { interrupted, readOwn, clock }),
          readText: (path, encoding) => {
            const key = keys.get(path);
            return world.readText(key === undefined ? path : join(INPUT_FOLDER, key), encoding);
          },
          prepareFile: async () => {},
          writeText: async (path, text) => void reports.set(basename(path), text),
          // What grows comes as it grows: nobody waits for hours to read it.
          appendText: async (path, text) => told.tell(`report:${basename(path)}`, text),
        },
      };
    },
    async finish(exitCode) {
      finished.abort();
      clearInterval(pulse);
      try {
        const files = new Map([...reports, ['exit', String(exitCode)]]);
        await insist(() => handOver(api, owner, files));
      } catch (error) {
        told.stderr.write(`dropless: the reports cannot be handed over: ${(error as Error).message}\n`);
        return EXIT_CODES.inconclusive.code;
      }
      return exitCode;
    },
  };
}

async function findSenders(
  api: Api,
  { namespace }: RunnerOwner,
  pods: readonly SenderPod[],
  {
    interrupted,
    readOwn,
    clock,
  }: {
    readonly interrupted: AbortSignal;
    readonly readOwn: (key: string) => Promise<string>;
    readonly clock: Clock;
  },
): Promise<readonly Sender[]> {
  if (pods.length === 0) return [];
  const secret = await readOwn(SECRET_FILE);
  const failed = new AbortController();
  const given = AbortSignal.any([interrupted, failed.signal]);
  return Promise.all(
    pods.map(async ({ pod, node }) => ({
      from: node,
      host: await awaitAddress(api, { namespace, pod, node }, given, clock),
      port: SENDER_PORT,
      secret,
    })),
  ).finally(() => failed.abort());
}

/** What a command writes as it goes, as messages on one output. */
function createMessages(log: TextOutput) {
  let number = 0;
  const tell = (stream: RunnerStream, text: string) => {
    log.write(formatRunnerMessage({ number, stream, text }));
    number += 1;
  };
  const toOutput = (stream: RunnerStream): TextOutput => ({
    write: (text) => tell(stream, text),
    isTerminal: false,
    columns: 80,
  });
  return { tell, stdout: toOutput('stdout'), stderr: toOutput('stderr') };
}

/**
 * Resolves when the caller has shown that it is there: who starts late may find a Lease that nobody renews any more.
 * From then on tells once why the runner shall end, as its Lease says it.
 */
function watchCaller(
  api: Api,
  { name, namespace }: RunnerOwner,
  clock: Clock,
  finished: AbortSignal,
  onEnd: (reason: string) => void,
): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
  const startMs = clock.nowMs();
  let sighting: CallerSighting = { renewTime: null, seenMs: startMs };
  let renewals = 0;

  return new Promise((resolve) => {
    async function watch(): Promise<void> {
      while (!finished.aborted) {
        const lease = await readLease(api, path);
        const nowMs = clock.nowMs();
        // Not heard: the caller may still be there.
        if (lease !== undefined && !finished.aborted) {
          const { sighting: latest, end } = toCallerSighting(lease, sighting, nowMs);
          if (latest.renewTime !== sighting.renewTime) renewals += 1;
          sighting = latest;
          // The first is what was there.
          const isThere = renewals > 1;
          const isMissing = !isThere && nowMs - startMs > CALLER_MS;
          if (end !== null || isMissing) onEnd(end ?? 'the caller is gone');
          if (isThere || end !== null || isMissing) resolve();
          if (end !== null || isMissing) return;
        }
        await clock.pause(POLL_MS, finished);
      }
    }
    void watch();
  });
}

/** For images to be pulled, and for an autoscaler to make room. */
const SENDERS_MS = 180_000;

/** @throws {Fault} where the pod does not run in time: why shows on the caller's side */
async function awaitAddress(
  api: Api,
  { namespace, pod, node }: { readonly namespace: string; readonly pod: string; readonly node: string },
  interrupted: AbortSignal,
  clock: Clock,
): Promise<string> {
  const endMs = clock.nowMs() + SENDERS_MS;
  for (;;) {
    interrupted.throwIfAborted();
    const found = await insist(() => api.get(`/api/v1/namespaces/${namespace}/pods/${pod}`));
    const { phase, podIP } = toSenderStatus(new Field(found));
    if (phase === 'Running' && podIP !== undefined) return podIP;
    if (clock.nowMs() > endMs || phase === 'Failed' || phase === 'Succeeded') {
      throw new Fault(`the sender on ${node} does not run: its pod ${pod} is ${phase ?? 'unknown'}`, {
        exit: 'inconclusive',
      });
    }
    await clock.pause(POLL_MS / 4, interrupted);
  }
}

function toSenderStatus(pod: Field) {
  const status = pod.get('status');
  return { phase: status.get('phase').text(), podIP: status.get('podIP').text() };
}

/** Null: there is none; undefined: the API server was not heard. */
async function readLease(api: Api, path: string): Promise<Field | null | undefined> {
  try {
    return new Field(await api.get(path));
  } catch (error) {
    return toApiStatus(error) === 404 ? null : undefined;
  }
}

async function handOver(api: Api, owner: RunnerOwner, files: ReadonlyMap<string, string>): Promise<void> {
  const path = `/api/v1/namespaces/${owner.namespace}/configmaps`;
  for (const part of toReportParts(owner, packParcel(files))) {
    await api.post(path, part).catch((error: unknown) => {
      // It came through, though the response did not.
      if (toApiStatus(error) !== 409) throw error;
    });
  }
  // The binding goes with it. Where the command needed none there is none.
  await api.remove(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${owner.name}`, {}).catch(() => {});
}

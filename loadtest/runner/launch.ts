import { randomBytes } from 'node:crypto';
import { type Clock, PROCESS_CLOCK } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import { type Api, isPassing, toApiStatus } from '../kube/api.ts';
import { Field } from '../kube/field.ts';
import { insist } from '../kube/insist.ts';
import { type Json, textAt } from '../kube/json.ts';
import { nameOf } from '../kube/object.ts';
import { findDenied, type Permission } from '../kube/permission.ts';
import { createUndo } from '../kube/undo.ts';
import { type ErrandFile, toSecretData } from './errand-file.ts';
import { followLog } from './log-follower.ts';
import { type Parcel, unpackParcel } from './parcel.ts';
import type { RunnerMessage } from './runner-message.ts';
import {
  GIVEN_BACK,
  JOB_LABEL,
  REPORT_ANNOTATIONS,
  type RunnerIdentity,
  type RunnerOwner,
  SECRET_FILE,
  TASK_FILE,
  toRenewal,
  toRunnerClusterRole,
  toRunnerClusterRoleBinding,
  toRunnerJob,
  toRunnerLease,
  toRunnerObjects,
  toRunnerQuery,
  toSenderPod,
} from './runner-objects.ts';
import { toCallerPermissions, toClusterRolePermission, toRunnerPermissions } from './runner-permissions.ts';
import { isDown, type RunnerState, toRunnerState, toUnheardStep } from './runner-state.ts';
import type { RunnerTask, SenderPod } from './runner-task.ts';

/** A command to be carried out in a pod. */
export interface Errand {
  readonly api: Api;
  readonly namespace: string;
  readonly image: string;
  readonly task: Omit<RunnerTask, 'files' | 'senders'>;
  /** Nodes from each of which a pod sends a part of the load; none: the runner sends it. */
  readonly nodes: readonly string[];
  /** What the command reads. */
  readonly files: readonly ErrandFile[];
  /** What the command needs. */
  readonly permissions: readonly Permission[];
}

export interface ErrandHooks {
  /** What the command writes, as it does. */
  onMessage(message: Pick<RunnerMessage, 'stream' | 'text'>): void;
  /** Told each step that takes a while. */
  tell(step: string): void;
  /** Ends the command in order; its reports still come. */
  readonly interrupted: AbortSignal;
  readonly nowMs: () => number;
  readonly clock?: Clock;
}

/** What a runner came to. */
export interface ErrandResult {
  readonly exitCode: number;
  /** By the flag that asked for it, without dashes. */
  readonly reports: ReadonlyMap<string, string>;
  /** Was something that the command wrote lost on the way? */
  readonly hasGap: boolean;
}

const POLL_MS = 1_000;
const HEARTBEAT_MS = 3_000;
/** Nothing is told of a wait before it has lasted so long. */
const PATIENCE_MS = 2_000;
/** In which a runner that has started says its first word. */
const SILENCE_MS = 30_000;
/** For a runner that is asked to end: to take back what it did, and to hand its reports over. */
const ENDING_MS = 600_000;
/** For what the Job owned to be removed after it. */
const REMOVAL_MS = 60_000;

/**
 * Carries a command out in a pod, and removes all that was made for it on every path.
 * @throws {Fault} where something is not allowed, or the pod does not start or ends without its reports
 */
export async function runErrand(errand: Errand, hooks: ErrandHooks): Promise<ErrandResult> {
  const { api, namespace } = errand;
  const name = `dropless-${randomBytes(4).toString('hex')}`;
  const senders = errand.nodes.map((node, index) => ({ pod: `${name}-sender-${index}`, node }));
  const data = toErrandData(errand, senders);
  const needed = await checkAllowed(errand, name, senders);
  const undo = createUndo(hooks.tell);
  const course: Course = { mayBeRunning: false };
  try {
    const owner = await createObjects(
      errand,
      { name, namespace },
      senders,
      { ...needed, data },
      { undo, course },
      hooks,
    );
    return await follow(api, owner, course, hooks);
  } finally {
    const leftBehind = await undo.all();
    if (leftBehind.length > 0) hooks.tell(`not removed: ${leftBehind.join(', ')}`);
  }
}

/** How far it has come. */
interface Course {
  /** May it be at work, so that it has to end before its rights are taken away? */
  mayBeRunning: boolean;
}

/** What the Secret holds. @throws {Fault} where that is too much */
function toErrandData({ task, files }: Errand, senders: readonly SenderPod[]): Needed['data'] {
  const toKey = Object.fromEntries(files.map(({ path, key }) => [path, key]));
  const own = new Map([
    [TASK_FILE, JSON.stringify({ ...task, files: toKey, senders } satisfies RunnerTask)],
    [SECRET_FILE, randomBytes(32).toString('base64')],
  ]);
  return toSecretData(files, own);
}

interface Needed {
  readonly narrow: readonly Permission[];
  /** On objects that are in no namespace. */
  readonly wide: readonly Permission[];
  readonly data: Readonly<Record<string, string>>;
}

/** @throws {Fault} that names each permission that the caller lacks */
async function checkAllowed(
  { api, namespace, permissions }: Errand,
  name: string,
  senders: readonly SenderPod[],
): Promise<Omit<Needed, 'data'>> {
  const narrow = [
    ...permissions.filter(({ isClusterWide }) => isClusterWide !== true),
    ...toRunnerPermissions(
      name,
      senders.map(({ pod }) => pod),
    ),
  ];
  const hasSenders = senders.length > 0;
  const all = permissions.filter(({ isClusterWide }) => isClusterWide === true);
  const withRole = (own: readonly Permission[]) =>
    own.length === 0 ? [] : [...own, toClusterRolePermission(name)];
  const isAllAllowed =
    !all.some(({ isOptional }) => isOptional === true) ||
    (await findDenied(api, namespace, [...toCallerPermissions(true, hasSenders), ...withRole(all)]))
      .length === 0;
  const wide = withRole(isAllAllowed ? all : all.filter(({ isOptional }) => isOptional !== true));
  const denied = await findDenied(api, namespace, [
    ...toCallerPermissions(wide.length > 0, hasSenders),
    ...narrow,
    ...wide,
  ]);
  if (denied.length > 0) {
    throw new Fault(
      `--in-cluster makes a Job that may do what the command needs, and who makes it must be allowed that, too; not allowed in namespace ${namespace}: ${[...new Set(denied)].join(', ')}`,
    );
  }
  return { narrow, wide };
}

/** Makes the Job and all that it needs, and lets it start. */
async function createObjects(
  { api, image }: Errand,
  identity: RunnerIdentity,
  senders: readonly SenderPod[],
  { narrow, wide, data }: Needed,
  { undo, course }: { readonly undo: ReturnType<typeof createUndo>; readonly course: Course },
  { nowMs, clock = PROCESS_CLOCK }: ErrandHooks,
): Promise<RunnerOwner> {
  const { name, namespace } = identity;
  const made: string[] = [];
  undo.add(`the Job ${name} in ${namespace} and what belongs to it`, async () => {
    // It takes back what it did with the rights that are removed next.
    if (course.mayBeRunning) await end(api, identity, clock);
    const faults: Error[] = [];
    for (const path of [...made].reverse()) {
      await removeIfThere(api, path).catch((error: Error) => void faults.push(error));
    }
    const [fault] = faults;
    if (fault !== undefined) throw fault;
    await untilGone(api, identity, clock);
  });
  const create = (object: Json): Promise<Json> => {
    const collection = toCollectionPath(object, namespace);
    made.push(`${collection}/${textAt(object, 'metadata', 'name')}`);
    return api.post(collection, object);
  };
  const job = await create(toRunnerJob(identity, image));
  const owner = { ...identity, uid: textAt(job, 'metadata', 'uid') ?? '' };
  for (const object of toRunnerObjects(owner, data, narrow)) await create(object);
  if (wide.length > 0) {
    const role = await create(toRunnerClusterRole(owner, wide));
    await create(toRunnerClusterRoleBinding(owner, textAt(role, 'metadata', 'uid') ?? ''));
  }
  for (const sender of senders) await create(toSenderPod(owner, sender, image));
  await create(toRunnerLease(owner, nowMs()));
  await api.patch(`/apis/batch/v1/namespaces/${namespace}/jobs/${name}`, 'merge', {
    spec: { suspend: false },
  });
  return owner;
}

/** By the kind of the object. */
const COLLECTIONS: Readonly<Record<string, string>> = {
  Pod: '/api/v1/namespaces/NS/pods',
  Job: '/apis/batch/v1/namespaces/NS/jobs',
  ServiceAccount: '/api/v1/namespaces/NS/serviceaccounts',
  Secret: '/api/v1/namespaces/NS/secrets',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Lease: '/apis/coordination.k8s.io/v1/namespaces/NS/leases',
};

function toCollectionPath(object: Json, namespace: string): string {
  return (COLLECTIONS[textAt(object, 'kind') ?? ''] ?? '').replace('NS', namespace);
}

function toLeasePath({ name, namespace }: RunnerIdentity): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
}

/** Asks the runner to end, and waits until it has. */
async function end(api: Api, identity: RunnerIdentity, clock: Clock): Promise<void> {
  const endMs = clock.nowMs() + ENDING_MS;
  await api.patch(toLeasePath(identity), 'merge', GIVEN_BACK).catch(() => {});
  while (clock.nowMs() < endMs) {
    const state = await readState(api, identity, 0).catch(() => null);
    if (state !== null && state.kind !== 'running' && state.kind !== 'unheard') return;
    await clock.pause(POLL_MS, null);
  }
}

async function removeIfThere(api: Api, path: string): Promise<void> {
  try {
    await api.remove(path, { propagationPolicy: 'Background' });
  } catch (error) {
    if (toApiStatus(error) !== 404) throw error;
  }
}

/**
 * The pods and reports go with their Job, a moment after it. Those of a node that is down go by force, where the caller
 * may do that: nobody there would let them go.
 * @throws {Fault} where something stays
 */
async function untilGone(api: Api, { name, namespace }: RunnerIdentity, clock: Clock): Promise<void> {
  const startMs = clock.nowMs();
  for (;;) {
    const [pods = [], reports = []] = await Promise.all(
      ['pods', 'configmaps'].map(async (resource) =>
        new Field(
          await api.get(`/api/v1/namespaces/${namespace}/${resource}?labelSelector=${toRunnerQuery(name)}`),
        )
          .get('items')
          .items(),
      ),
    );
    if (pods.length + reports.length === 0) return;
    const waitedMs = clock.nowMs() - startMs;
    if (waitedMs > REMOVAL_MS) throw new Fault(toLeftText(pods, reports, namespace));
    for (const pod of waitedMs > PATIENCE_MS ? pods : []) {
      if (!isDown(await readNode(api, toNodeName(pod)))) continue;
      await api
        .remove(`/api/v1/namespaces/${namespace}/pods/${nameOf(pod)}`, { gracePeriodSeconds: 0 })
        .catch(() => {});
    }
    await clock.pause(POLL_MS, null);
  }
}

function toLeftText(pods: readonly Field[], reports: readonly Field[], namespace: string): string {
  const left = [...pods.map((pod) => `${nameOf(pod)} on ${toNodeName(pod)}`), ...reports.map(nameOf)];
  const [pod] = pods;
  const fix =
    pod === undefined
      ? ''
      : `: if that node is off, kubectl delete pod ${nameOf(pod)} -n ${namespace} --force`;
  return `still there after ${REMOVAL_MS / 1_000} s: ${left.join(', ')}${fix}`;
}

function toNodeName(pod: Field): string {
  return pod.get('spec', 'nodeName').text() ?? 'no node';
}

/** Null: it is not there, or may not be read. */
async function readNode(api: Api, name: string): Promise<Field | null> {
  return api.get(`/api/v1/nodes/${encodeURIComponent(name)}`).then(
    (node) => new Field(node),
    () => null,
  );
}

/** Shows that the caller is there, until the runner has ended; hands over what it writes. */
async function follow(
  api: Api,
  owner: RunnerOwner,
  course: Course,
  { onMessage, tell, interrupted, nowMs, clock = PROCESS_CLOCK }: ErrandHooks,
): Promise<ErrandResult> {
  const { namespace } = owner;
  // One that fails is followed by the next.
  const patch = (change: Json) => void api.patch(toLeasePath(owner), 'merge', change).catch(() => {});
  const giveBack = () => patch(GIVEN_BACK);
  const heartbeat = setInterval(
    () => (interrupted.aborted ? giveBack() : patch({ spec: toRenewal(nowMs()) })),
    HEARTBEAT_MS,
  );
  interrupted.addEventListener('abort', giveBack);
  const stop = new AbortController();
  try {
    const pod = await untilStarted(api, owner, { tell, interrupted, clock });
    course.mayBeRunning = true;
    const log = followLog(
      api,
      { namespace, pod },
      {
        onMessage,
        onText: (text) => onMessage({ stream: 'stderr', text }),
        clock,
        stopped: stop.signal,
      },
    );
    const ended = await untilEnded(api, owner, log.state, { tell, giveBack, clock });
    course.mayBeRunning = false;
    if (ended === null) {
      throw new Fault(
        `--runner-image: what runs there says nothing for ${SILENCE_MS / 1_000} s: it is not dropless`,
      );
    }
    // First: they go with their Job.
    const result = await insist(() => readResult(api, owner, ended.why));
    await log.drain();
    return { ...result, hasGap: log.hasGap() };
  } finally {
    stop.abort();
    clearInterval(heartbeat);
    interrupted.removeEventListener('abort', giveBack);
  }
}

/** Where the runner stands; where one of its senders will not start, neither will it. */
async function readState(
  api: Api,
  { name, namespace }: RunnerIdentity,
  waitedMs: number,
): Promise<RunnerState> {
  const list = await api.get(`/api/v1/namespaces/${namespace}/pods?labelSelector=${toRunnerQuery(name)}`);
  const pods = new Field(list).get('items').items();
  const pod = pods.find((each) => each.get('metadata', 'labels').texts().has(JOB_LABEL)) ?? null;
  const refusals = pod === null ? await readRefusals(api, namespace, name) : [];
  const own = toRunnerState(pod, refusals, waitedMs);
  if (own.kind === 'ended') return own;
  for (const sender of pods.filter((each) => each !== pod)) {
    const state = toRunnerState(sender, [], waitedMs);
    if (state.kind === 'stuck') return { kind: 'stuck', why: `${nameOf(sender)}: ${state.why}` };
  }
  return own;
}

/** What the controller of Jobs says where it may make no pod, for example of a quota. */
async function readRefusals(api: Api, namespace: string, job: string): Promise<string[]> {
  const fields = encodeURIComponent(`involvedObject.name=${job},reason=FailedCreate`);
  const events = new Field(await api.get(`/api/v1/namespaces/${namespace}/events?fieldSelector=${fields}`));
  return events
    .get('items')
    .items()
    .map((event) => event.get('message').text() ?? '');
}

/** @throws {Fault} where it will not start, or the user has seen enough */
async function untilStarted(
  api: Api,
  owner: RunnerOwner,
  { tell, interrupted, clock }: { tell(step: string): void; interrupted: AbortSignal; clock: Clock },
): Promise<string> {
  const startMs = clock.nowMs();
  let told = '';
  for (;;) {
    const waitedMs = clock.nowMs() - startMs;
    const state = await readState(api, owner, waitedMs).catch(ignorePassing);
    if (state !== null && 'pod' in state) return state.pod;
    interrupted.throwIfAborted();
    if (state?.kind === 'stuck') {
      throw new Fault(`the runner ${owner.name} in ${owner.namespace} does not start: ${state.why}`, {
        exit: 'inconclusive',
      });
    }
    if (state?.kind === 'waiting' && waitedMs > PATIENCE_MS && state.why !== told) {
      told = state.why;
      tell(`waiting for the runner: ${told}`);
    }
    await clock.pause(POLL_MS, interrupted);
  }
}

/**
 * Null: what runs there is no runner.
 * @throws {Fault} where one of its senders does not start
 */
async function untilEnded(
  api: Api,
  owner: RunnerOwner,
  toLogState: () => 'unread' | 'silent' | 'spoken',
  { tell, giveBack, clock }: { tell(step: string): void; giveBack(): void; clock: Clock },
): Promise<Extract<RunnerState, { kind: 'ended' }> | null> {
  const startMs = clock.nowMs();
  let unheardFromMs: number | null = null;
  for (;;) {
    const waitedMs = clock.nowMs() - startMs;
    if (toLogState() === 'silent' && waitedMs > SILENCE_MS) return null;
    const state = await readState(api, owner, waitedMs).catch(ignorePassing);
    if (state?.kind === 'ended') return state;
    // It may have handed its reports over all the same.
    if (state?.kind === 'waiting') return { kind: 'ended', pod: '', why: 'its pod was removed' };
    if (state?.kind === 'stuck') {
      throw new Fault(`the runner ${owner.name} in ${owner.namespace} cannot go on: ${state.why}`, {
        exit: 'inconclusive',
      });
    }
    if (state?.kind === 'running') unheardFromMs = null;
    if (state?.kind === 'unheard') {
      const { pod, node } = state;
      if (unheardFromMs === null) tell(`nothing is heard of ${node}, the node of the runner`);
      unheardFromMs ??= waitedMs;
      const step = toUnheardStep(waitedMs - unheardFromMs, await readNode(api, node));
      if (step === 'ask it to end') giveBack();
      // It may have handed its reports over: only its kubelet need be dead.
      if (step === 'give up') return { kind: 'ended', pod, why: `its node ${node} is lost` };
    }
    await clock.pause(POLL_MS, null);
  }
}

/** The runner goes on while its API server is in trouble; so does who follows it. */
function ignorePassing(error: unknown): null {
  if (isPassing(error)) return null;
  throw error;
}

/** @throws {Fault} where the reports are not there, or not whole */
async function readResult(
  api: Api,
  { name, namespace }: RunnerOwner,
  why: string,
): Promise<Omit<ErrandResult, 'hasGap'>> {
  const path = `/api/v1/namespaces/${namespace}/configmaps?labelSelector=${toRunnerQuery(name)}`;
  const parcel = toParcel(new Field(await api.get(path)).get('items').items());
  if (parcel === null) {
    throw new Fault(
      `the runner ${name} in ${namespace} ended without its reports (${why}); whether it took back what it had done is not known: look at its target`,
      { exit: 'inconclusive' },
    );
  }
  const files = unpackParcel(parcel);
  const exitCode = Number(files.get('exit'));
  files.delete('exit');
  return { exitCode, reports: files };
}

/** The parts in their order; null: there are none. A part that is missing shows in the digest. */
function toParcel(configMaps: readonly Field[]): Parcel | null {
  const annotation = (configMap: Field, key: string) => configMap.get('metadata', 'annotations', key).text();
  const parts = configMaps
    .filter((each) => annotation(each, REPORT_ANNOTATIONS.digest) !== undefined)
    .sort(
      (a, b) =>
        Number(annotation(a, REPORT_ANNOTATIONS.part)) - Number(annotation(b, REPORT_ANNOTATIONS.part)),
    );
  const [first] = parts;
  if (first === undefined) return null;
  return {
    parts: parts.map((each) => each.get('binaryData', 'part').text() ?? ''),
    digest: annotation(first, REPORT_ANNOTATIONS.digest) ?? '',
  };
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PROCESS_CLOCK } from '../cli/clock.ts';
import { Fault } from '../cli/fault.ts';
import { type Api, toApiFault } from '../kube/api.ts';
import { type Json, numberAt, textAt } from '../kube/json.ts';
import { type Errand, type ErrandHooks, runErrand } from './launch.ts';
import { packParcel } from './parcel.ts';
import { formatRunnerMessage } from './runner-message.ts';
import { toReportParts } from './runner-objects.ts';

interface Behaviour {
  /** Verbs and resources that are not allowed, for example `patch nodes`. */
  readonly denied?: readonly string[];
  /** Of the pod, when it is asked for. */
  readonly toStatus?: (polls: number) => object;
  readonly log?: readonly string[];
  readonly reports?: ReadonlyMap<string, string> | null;
}

const state = (what: object) => ({ containerStatuses: [{ name: 'dropless', state: what }] });
const ENDED = state({ terminated: { reason: 'Completed', exitCode: 1 } });
/** Runs, and has ended when it is looked at again. */
const run = (polls: number) => (polls < 2 ? state({ running: {} }) : ENDED);

/** An API server as far as a caller needs one. */
function createServer({ denied = [], toStatus = run, log = [], reports = new Map() }: Behaviour) {
  const objects = new Map<string, Json>();
  const patches: Json[] = [];
  let polls = 0;
  const jobOf = () => [...objects].find(([path]) => path.includes('/jobs/'))?.[1];
  const api: Api = {
    async get(path) {
      if (path.includes('/events?')) return { items: [] };
      const job = jobOf();
      if (job === undefined) return { items: [] };
      if (path.includes('/pods?')) {
        polls += 1;
        const labels = { 'batch.kubernetes.io/job-name': 'job' };
        return { items: [{ metadata: { name: 'pod', labels }, status: toStatus(polls) }] };
      }
      const owner = { name: textAt(job, 'metadata', 'name') ?? '', namespace: 'shop', uid: 'U' };
      return { items: reports === null ? [] : toReportParts(owner, packParcel(reports, 50)).toReversed() };
    },
    async post(path, body) {
      if (path.endsWith('/selfsubjectaccessreviews')) {
        const of = ['spec', 'resourceAttributes'];
        const asked = `${textAt(body, ...of, 'verb')} ${textAt(body, ...of, 'resource')}`;
        return { status: { allowed: !denied.includes(asked) } };
      }
      objects.set(`${path}/${textAt(body, 'metadata', 'name')}`, body);
      return { ...body, metadata: { uid: 'U', name: textAt(body, 'metadata', 'name') } };
    },
    async patch(_, __, body) {
      patches.push(body as Json);
      return {};
    },
    async remove(path) {
      if (!objects.delete(path)) throw toApiFault(404, 'gone');
      return {};
    },
    async stream(_, { onOpen, onLine }) {
      onOpen();
      for (const line of log) onLine(line.trimEnd());
    },
  };
  return { api, objects, patches };
}

const toErrand = (api: Api, more: Partial<Errand> = {}): Errand => ({
  api,
  namespace: 'shop',
  image: 'dropless:1',
  nodes: [],
  task: { version: '1', args: ['run'], hasSummary: false },
  files: [],
  permissions: [],
  ...more,
});

/** A second of its clock passes with each look at it, and no pause lasts. */
function toHooks(more: Partial<ErrandHooks> = {}): ErrandHooks {
  let nowMs = 0;
  return {
    onMessage: () => {},
    tell: () => {},
    interrupted: new AbortController().signal,
    nowMs: () => 0,
    clock: { nowMs: () => (nowMs += 1_000), pause: (_, signal) => PROCESS_CLOCK.pause(1, signal) },
    ...more,
  };
}

async function send(behaviour: Behaviour, more: Partial<Errand> = {}) {
  const server = createServer(behaviour);
  const made: string[] = [];
  const post = server.api.post;
  const api: Api = {
    ...server.api,
    post: (path, body) => {
      if (!path.endsWith('reviews')) made.push(textAt(body, 'kind') ?? '');
      return post(path, body);
    },
  };
  const written: string[] = [];
  const told: string[] = [];
  const outcome = await runErrand(
    toErrand(api, more),
    toHooks({
      onMessage: ({ stream, text }) => void written.push(`${stream}: ${text}`),
      tell: (step) => void told.push(step),
    }),
  ).then(
    (result) => ({ result, fault: null }),
    (fault: Fault) => ({ result: null, fault }),
  );
  return { ...outcome, ...server, made, written, told };
}

describe('runErrand()', () => {
  test('makes what the Job needs, lets it start, and has its words, its reports and its exit code', async () => {
    const log = [
      formatRunnerMessage({ number: 0, stream: 'stderr', text: '' }),
      formatRunnerMessage({ number: 1, stream: 'stdout', text: 'a\n' }),
      'a runtime speaks\n',
      formatRunnerMessage({ number: 3, stream: 'stderr', text: 'b\n' }),
    ];
    const reports = new Map([
      ['json', 'J'.repeat(500)],
      ['exit', '4'],
    ]);
    const { result, made, patches, written, objects } = await send({ log, reports });
    assert.deepEqual(made, ['Job', 'ServiceAccount', 'Role', 'RoleBinding', 'Secret', 'Lease']);
    assert.ok(patches.some((patch) => JSON.stringify(patch) === '{"spec":{"suspend":false}}'));
    assert.deepEqual(result, { exitCode: 4, reports: new Map([['json', 'J'.repeat(500)]]), hasGap: true });
    assert.deepEqual(written, [
      'stderr: ',
      'stdout: a\n',
      'stderr: a runtime speaks\n',
      'stderr: (1 lines of the runner are missing here)\n',
      'stderr: b\n',
    ]);
    assert.deepEqual([...objects.keys()], [], 'all is removed');
  });

  test('has a sender on each node, and a ClusterRole only for what no Role can give', async () => {
    const nodes = { group: '', resource: 'nodes', isClusterWide: true, verb: 'patch' } as const;
    const log = [formatRunnerMessage({ number: 0, stream: 'stderr', text: '' })];
    const { made, objects } = await send(
      { log, reports: new Map([['exit', '0']]) },
      { nodes: ['a', 'b'], permissions: [nodes] },
    );
    assert.deepEqual(made, [
      ...['Job', 'ServiceAccount', 'Role', 'RoleBinding', 'Secret'],
      ...['ClusterRole', 'ClusterRoleBinding', 'Pod', 'Pod', 'Lease'],
    ]);
    assert.deepEqual([...objects.keys()], []);
  });

  test('gives the pod what the command reads, and where it looks for it', async () => {
    const server = createServer({ toStatus: () => ENDED, reports: new Map([['exit', '0']]) });
    const data: Record<string, string> = {};
    const { post } = server.api;
    server.api.post = (path, body) => {
      if (textAt(body, 'kind') === 'Secret') Object.assign(data, body.data);
      return post(path, body);
    };
    const files = [{ given: 'bodyFile "a"', key: 'body-0', path: '/a', bytes: Buffer.from([255, 0]) }];
    await runErrand(toErrand(server.api, { files }), toHooks());
    assert.deepEqual(Object.keys(data), ['task.json', 'senders', 'body-0']);
    assert.equal(data['body-0'], '/wA=');
    assert.deepEqual(JSON.parse(Buffer.from(data['task.json'] ?? '', 'base64').toString()), {
      ...{ version: '1', args: ['run'], hasSummary: false },
      ...{ files: { '/a': 'body-0' }, senders: [] },
    });
  });

  test('makes nothing where its files are too many', async () => {
    const bytes = Buffer.alloc(1_048_577);
    const files = [{ given: '--data "d.csv"', key: 'data', path: '/runner/input/data', bytes }];
    const { fault, made } = await send({}, { files });
    assert.match(fault?.message ?? '', /--data "d.csv" has 1,048,577/);
    assert.deepEqual(made, []);
  });

  test('makes nothing where its caller may not, and names what is missing', async () => {
    const { fault, made } = await send({ denied: ['create roles', 'get leases'] });
    assert.match(fault?.message ?? '', /not allowed in namespace shop: create roles\.rbac.*, get leases/);
    assert.equal(fault?.exit, 'usage');
    assert.deepEqual(made, []);
  });

  test('does without what the command can do without', async () => {
    const watch = {
      group: '',
      resource: 'nodes',
      isClusterWide: true,
      isOptional: true,
      verb: 'watch',
    } as const;
    const log = [formatRunnerMessage({ number: 0, stream: 'stderr', text: '' })];
    const { made, fault } = await send(
      { denied: ['create clusterroles'], log, reports: new Map([['exit', '0']]) },
      { permissions: [watch] },
    );
    assert.equal(fault, null);
    assert.ok(!made.includes('ClusterRole'));
  });

  test('lets a runner end before its rights are removed', async () => {
    const order: string[] = [];
    const toStatus = (polls: number) => {
      if (polls === 2) throw toApiFault(403, 'forbidden');
      order.push(polls < 5 ? 'runs' : 'has ended');
      return polls < 5 ? state({ running: {} }) : ENDED;
    };
    const server = createServer({ toStatus });
    const { patch, remove } = server.api;
    server.api.patch = (path, type, body) => {
      if (JSON.stringify(body).includes('"holderIdentity":""')) order.push('is asked to end');
      return patch(path, type, body);
    };
    server.api.remove = (path, body) => {
      if (path.includes('/roles/')) order.push('loses its rights');
      return remove(path, body);
    };
    await assert.rejects(runErrand(toErrand(server.api), toHooks()), /forbidden/);
    assert.deepEqual(order.slice(order.indexOf('is asked to end')), [
      'is asked to end',
      'runs',
      'runs',
      'has ended',
      'loses its rights',
    ]);
  });

  for (const [what, behaviour, message] of [
    [
      'an image that is not there',
      { toStatus: () => state({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } }) },
      /does not start: ImagePullBackOff: not found/,
    ],
    ['an image of something else', { toStatus: () => state({ running: {} }) }, /it is not dropless/],
    [
      'a runner that was killed',
      { reports: null, toStatus: () => ENDED },
      /ended without its reports \(Completed, exit code 1\)/,
    ],
  ] as const) {
    test(`removes all after ${what}`, async () => {
      const { fault, objects } = await send(behaviour);
      assert.ok(fault instanceof Fault);
      assert.match(fault.message, message);
      assert.deepEqual([...objects.keys()], []);
    });
  }

  for (const [what, isNodeReadable, mayForce, notRemoved] of [
    ['its pod goes by force', true, true, []],
    [
      'one who may not is told what stays',
      true,
      false,
      ['pod on n: if that node is off, kubectl delete pod pod'],
    ],
    ['a node that may not be read is not taken for lost', false, true, ['pod on n: if that node is off']],
  ] as const) {
    test(`ends by itself where the node of the runner is lost; ${what}`, async () => {
      const server = createServer({});
      const { get, remove } = server.api;
      const order: string[] = [];
      let isPodThere = true;
      server.api.get = async (path) => {
        if (path === '/api/v1/nodes/n') {
          if (!isNodeReadable) throw toApiFault(403, 'forbidden');
          return { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
        }
        if (path.includes('/pods?')) {
          const status = { ...state({ running: {} }), conditions: [{ type: 'Ready', status: 'False' }] };
          const labels = { 'batch.kubernetes.io/job-name': 'job' };
          const pod = { metadata: { name: 'pod', labels }, spec: { nodeName: 'n' }, status };
          return { items: isPodThere ? [pod] : [] };
        }
        return path.includes('/configmaps?') ? { items: [] } : get(path);
      };
      server.api.patch = async (_, __, body) => {
        if (JSON.stringify(body).includes('"holderIdentity":""')) order.push('is asked to end');
        return {};
      };
      server.api.remove = async (path, body) => {
        if (path.includes('/roles/')) order.push('loses its rights');
        if (path !== '/api/v1/namespaces/shop/pods/pod') return remove(path, body);
        assert.deepEqual(body, { gracePeriodSeconds: 0 });
        assert.ok(order.includes('loses its rights'), 'the Job goes first');
        if (!mayForce) throw toApiFault(403, 'forbidden');
        isPodThere = false;
        return {};
      };
      server.api.stream = async (_, { onOpen, onLine }) => {
        onOpen();
        onLine(formatRunnerMessage({ number: 0, stream: 'stderr', text: '' }).trimEnd());
      };
      const told: string[] = [];
      await assert.rejects(
        runErrand(toErrand(server.api), toHooks({ tell: (step) => void told.push(step) })),
        {
          exit: 'inconclusive',
          message:
            /ended without its reports \(its node n is lost\); whether it took back what it had done is not known/,
        },
      );
      assert.equal(told[0], 'nothing is heard of n, the node of the runner');
      assert.deepEqual([order[0], order.at(-1)], ['is asked to end', 'loses its rights']);
      const left = told.filter((step) => step.startsWith('not removed: '));
      assert.equal(left.length, notRemoved.length);
      for (const part of notRemoved) assert.ok(left[0]?.includes(part), left[0]);
      assert.deepEqual([...server.objects.keys()], []);
    });
  }

  test('goes on where the node of the runner comes back', async () => {
    const log = [formatRunnerMessage({ number: 0, stream: 'stderr', text: '' })];
    const unready = { conditions: [{ type: 'Ready', status: 'False' }] };
    const toStatus = (polls: number) =>
      polls < 200 ? { ...state({ running: {} }), ...(polls % 100 === 0 ? {} : unready) } : ENDED;
    const { result, told } = await send({ toStatus, log, reports: new Map([['exit', '0']]) });
    assert.equal(result?.exitCode, 0);
    assert.equal(told.filter((step) => step.startsWith('nothing is heard')).length, 2);
  });

  test('shows Jobs, Roles and pods that are fit for Pod Security restricted', async () => {
    const server = createServer({ reports: new Map([['exit', '0']]) });
    const pods: Json[] = [];
    const post = server.api.post;
    server.api.post = (path, body) => {
      if (textAt(body, 'kind') === 'Job')
        pods.push((body.spec as { template: { spec: Json } }).template.spec);
      if (textAt(body, 'kind') === 'Pod') pods.push(body.spec as Json);
      return post(path, body);
    };
    await runErrand(toErrand(server.api, { nodes: ['a'] }), toHooks());
    assert.equal(pods.length, 2);
    for (const spec of pods) {
      const [container] = spec.containers as { securityContext: Json }[];
      assert.deepEqual(container?.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      assert.equal(textAt(spec, 'securityContext', 'seccompProfile', 'type'), 'RuntimeDefault');
      assert.equal(numberAt(spec, 'securityContext', 'runAsUser'), 65_532);
      assert.equal((spec.securityContext as Json).runAsNonRoot, true);
      assert.deepEqual(
        (spec.volumes as Json[]).map((volume) => Object.keys(volume).sort()),
        [['name', 'secret']],
      );
    }
  });
});

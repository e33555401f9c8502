import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestClock } from '../../test/fixtures/clock.ts';
import type { Disruption } from '../proof/scene.ts';
import { type Api, toApiFault } from './api.ts';
import { createDisruptions } from './disruption.ts';
import { at, isObject, type Json, numberAt } from './json.ts';
import { openWorkload } from './live-workload.ts';
import { createUndo } from './undo.ts';

interface Bounds {
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

interface FakeOptions {
  /** Null: no HPA. */
  readonly bounds?: Bounds | null;
  /** Nodes of the pods, in their order. */
  readonly nodes?: readonly string[];
  readonly cordoned?: readonly string[];
  /** Do pods come and go as wanted? */
  readonly isPrompt?: boolean;
  /** Statuses that a write is answered with, one each time, before it is accepted; 0: done, and the response lost. */
  readonly refusals?: Readonly<Record<string, readonly (number | string)[]>>;
  readonly onWrite?: (write: string) => void;
}

/** An API server that does as it is told, and takes no field that it does not know. */
function createFake({
  bounds = null,
  nodes = ['n1', 'n1'],
  cordoned = [],
  isPrompt = true,
  refusals = {},
  onWrite = () => {},
}: FakeOptions) {
  const writes: string[] = [];
  const left = new Map(Object.entries(refusals).map(([write, statuses]) => [write, [...statuses]]));
  const pods = new Map(nodes.map((node, index) => [String.fromCharCode(97 + index), node]));
  const state = { replicas: nodes.length, bounds, cordoned: new Set(cordoned), pods };
  const actual = () => (isPrompt ? state.replicas : nodes.length);
  const list = (items: readonly Json[]): Json => ({ items });

  const toDeployment = (): Json => ({
    metadata: { name: 'web', uid: 'd-1', generation: 1 },
    spec: { replicas: state.replicas, selector: { matchLabels: { app: 'web' } } },
    status: {
      observedGeneration: 1,
      replicas: actual(),
      updatedReplicas: actual(),
      availableReplicas: actual(),
    },
  });
  const toPods = () =>
    Array.from({ length: actual() }, (_, index): Json => {
      const [name, node] = [...pods][index] ?? [`new-${index}`, 'n2'];
      return {
        metadata: { name, ownerReferences: [{ uid: 'rs-1' }] },
        spec: { nodeName: node },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      };
    });
  const toHpas = () =>
    state.bounds === null
      ? []
      : [
          {
            metadata: { name: 'web-hpa' },
            spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, ...state.bounds },
          },
        ];

  const numberOf = (body: unknown, name: string): number => {
    const value = numberAt(body, 'spec', name);
    if (value === null) throw toApiFault(400, `spec.${name} is missing in ${JSON.stringify(body)}`);
    return value;
  };

  function expectFields(body: unknown, names: readonly string[]): void {
    assert.ok(isObject(body));
    assert.deepEqual(Object.keys(body), ['spec']);
    for (const name of Object.keys(body.spec as object)) {
      if (!names.includes(name)) throw toApiFault(400, `unknown field "spec.${name}"`);
    }
  }

  function apply(path: string, body: unknown): void {
    const name = path.split('/').at(-1) ?? '';
    if (path === '/apis/apps/v1/namespaces/shop/deployments/web/scale') {
      expectFields(body, ['replicas']);
      state.replicas = numberOf(body, 'replicas');
    } else if (path === '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web-hpa') {
      expectFields(body, ['minReplicas', 'maxReplicas']);
      state.bounds = {
        minReplicas: numberOf(body, 'minReplicas'),
        maxReplicas: numberOf(body, 'maxReplicas'),
      };
      const { minReplicas, maxReplicas } = state.bounds;
      state.replicas = Math.min(maxReplicas, Math.max(minReplicas, state.replicas));
    } else if (path.startsWith('/api/v1/nodes/')) {
      expectFields(body, ['unschedulable']);
      if (at(body, 'spec', 'unschedulable') === true) state.cordoned.add(name);
      else state.cordoned.delete(name);
    } else if (path.startsWith('/api/v1/namespaces/shop/pods/') && name === 'eviction') {
      assert.deepEqual([at(body, 'kind'), at(body, 'apiVersion')], ['Eviction', 'policy/v1']);
    } else {
      throw toApiFault(404, `nothing at ${path}`);
    }
  }

  async function write(path: string, body: unknown): Promise<Json> {
    const told = `${path.split('/').slice(-2).join('/')} ${JSON.stringify(at(body, 'spec') ?? '')}`;
    writes.push(told);
    onWrite(told);
    const refusal = left.get(told)?.shift();
    if (refusal === undefined || refusal === 0) apply(path, body);
    if (refusal === 0) throw toApiFault(null, 'socket hang up');
    if (typeof refusal === 'string') throw toApiFault(500, refusal);
    if (refusal !== undefined) throw toApiFault(refusal, `refused with ${refusal}`);
    return {};
  }

  const api: Api = {
    get: async (path) => {
      if (path.endsWith('/deployments/web')) return toDeployment();
      if (path.endsWith('/horizontalpodautoscalers')) return list(toHpas());
      if (path.includes('/replicasets?'))
        return list([{ metadata: { uid: 'rs-1', ownerReferences: [{ uid: 'd-1' }] } }]);
      if (path.includes('/pods?')) return list(toPods());
      const node = /^\/api\/v1\/nodes\/(.+)$/.exec(path)?.[1] ?? '';
      return { spec: state.cordoned.has(node) ? { unschedulable: true } : {} };
    },
    post: (path, body) => write(path, body),
    patch: async (path, type, body) => {
      // A strategic merge patch would do as well for Deployments, and is refused by some resources.
      if (type !== 'merge') throw toApiFault(415, `${type} is not what a merge patch is`);
      return write(path, body);
    },
    remove: (path, body) => write(path, body),
    stream: async () => {},
  };
  return { api, writes, state };
}

/** Disrupts, until it ends or the signal comes, and takes back what was done. */
async function play(
  kind: Disruption,
  options: FakeOptions,
  { abortAt = () => false }: { abortAt?: (text: string) => boolean } = {},
) {
  const interruption = new AbortController();
  const heed = (text: string) => {
    if (abortAt(text)) interruption.abort();
  };
  const marks: string[] = [];
  const fake = createFake({ ...options, onWrite: heed });
  const undo = createUndo(() => {});
  const signal = interruption.signal;
  const clock = createTestClock();
  const deployment = await openWorkload(
    fake.api,
    { namespace: 'shop', kind: 'Deployment', name: 'web' },
    signal,
    () => {},
    clock,
  );
  const mark = (text: string) => {
    marks.push(text);
    heed(text);
  };
  const disrupt = createDisruptions(
    deployment,
    { isForced: false, image: null, isImageKept: false, scaleBy: 2, node: null, run: async () => {} },
    { api: fake.api, undo, container: 'web', mark, clock },
  )[kind];
  const fault = await disrupt(signal).then(
    () => null,
    (error: Error) => (error.name === 'AbortError' ? 'aborted' : error.message),
  );
  const disrupted = fake.writes.splice(0);
  const leftBehind = await undo.all();
  return { fault, marks, disrupted, undone: fake.writes, leftBehind, state: fake.state };
}

const toReplicas = (replicas: number) => `web/scale {"replicas":${replicas}}`;
const toBounds = (minReplicas: number, maxReplicas: number) =>
  `horizontalpodautoscalers/web-hpa ${JSON.stringify({ minReplicas, maxReplicas })}`;

describe('scale', () => {
  for (const [what, bounds, up, down, back] of [
    ['by itself', null, toReplicas(4), toReplicas(2), toReplicas(2)],
    ['by its HPA', { minReplicas: 1, maxReplicas: 5 }, toBounds(4, 4), toBounds(2, 2), toBounds(1, 5)],
    [
      'by an HPA that may take all away',
      { minReplicas: 0, maxReplicas: 3 },
      toBounds(4, 4),
      toBounds(2, 2),
      toBounds(0, 3),
    ],
  ] as const) {
    describe(what, () => {
      const expectAsBefore = (played: Awaited<ReturnType<typeof play>>) => {
        assert.deepEqual([played.undone, played.leftBehind], [[back], []]);
        assert.deepEqual(played.state.bounds, bounds);
      };

      test('adds replicas and takes them away, and leaves all as it was', async () => {
        const played = await play('scale', { bounds });
        assert.deepEqual([played.fault, played.disrupted, played.marks], [null, [up, down], ['scaled up']]);
        assert.equal(played.state.replicas, 2);
        expectAsBefore(played);
      });

      for (const [when, isPrompt, moment] of [
        ['while the new ones come', false, up],
        ['with the new ones there', true, 'scaled up'],
      ] as const) {
        test(`interrupted ${when}, takes it back`, async () => {
          const played = await play('scale', { bounds, isPrompt }, { abortAt: (text) => text === moment });
          assert.deepEqual([played.fault, played.disrupted], ['aborted', [up]]);
          expectAsBefore(played);
          // An HPA scales by its own lights within the bounds that it has again.
          assert.equal(played.state.replicas, bounds === null ? 2 : Math.min(4, bounds.maxReplicas));
        });
      }

      test('takes back what was done, and not answered', async () => {
        const played = await play('scale', { bounds, refusals: { [up]: [0] } });
        assert.deepEqual([played.fault, played.disrupted], ['socket hang up', [up]]);
        expectAsBefore(played);
      });
    });
  }
});

describe('drain', () => {
  const CORDON = 'nodes/n1 {"unschedulable":true}';
  const UNCORDON = 'nodes/n1 {"unschedulable":false}';
  const [A, B] = ['a/eviction ""', 'b/eviction ""'];
  const FORBIDDEN = 'the PodDisruptionBudget does not let a go yet';
  const DONE = ['n1 is cordoned', 'the pods of n1 are evicted'];

  for (const [what, refusals, evictions, marks] of [
    ['evicts each pod of the node', [], [A, B], DONE],
    ['takes a pod that is gone for evicted', [404], [A, B], DONE],
    ['asks again after a conflict', [409], [A, A, B], DONE],
    ['asks again where no response came', [0], [A, A, B], DONE],
    [
      'waits for the PodDisruptionBudget, and tells it once',
      [429, 429],
      [A, A, A, B],
      [DONE[0], FORBIDDEN, DONE[1]],
    ],
  ] as const) {
    test(what, async () => {
      const nodes = ['n1', 'n1', 'n2'];
      const played = await play('drain', { nodes, refusals: { [A]: refusals } });
      assert.deepEqual([played.fault, played.disrupted], [null, [CORDON, ...evictions]]);
      assert.deepEqual(played.marks, marks);
      assert.deepEqual([played.undone, played.leftBehind], [[UNCORDON], []]);
    });
  }

  for (const [what, refusals, message] of [
    ['that is forbidden', [403], 'refused with 403'],
    [
      'of two PodDisruptionBudgets, which no waiting helps',
      ['This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'],
      /more than one PodDisruptionBudget/,
    ],
  ] as const) {
    test(`gives up an eviction ${what}, and takes the node back into use`, async () => {
      const played = await play('drain', { refusals: { [A]: refusals } });
      assert.match(played.fault ?? '', new RegExp(message));
      assert.deepEqual([played.disrupted, played.undone], [[CORDON, A], [UNCORDON]]);
    });
  }

  test('takes the node back into use where it is interrupted, or its cordon not answered', async () => {
    const interrupted = await play(
      'drain',
      { refusals: { [A]: Array(1_000).fill(429) } },
      { abortAt: (text) => text === FORBIDDEN },
    );
    assert.deepEqual([interrupted.fault, interrupted.undone], ['aborted', [UNCORDON]]);
    const unheard = await play('drain', { refusals: { [CORDON]: [0] } });
    assert.deepEqual([unheard.disrupted, unheard.undone], [[CORDON], [UNCORDON]]);
    assert.deepEqual([...interrupted.state.cordoned, ...unheard.state.cordoned], []);
  });

  test('leaves a node cordoned that was so before, interrupted or not', async () => {
    for (const abortAt of [() => false, (text: string) => text === A]) {
      const played = await play('drain', { cordoned: ['n1'], refusals: { [A]: [429] } }, { abortAt });
      assert.deepEqual(played.undone, []);
      assert.deepEqual([...played.state.cordoned], ['n1']);
    }
  });
});

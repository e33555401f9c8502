import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { parseSeries } from '../../loadtest/proof/proof-report.ts';
import { type Namespace, run, toNamespace } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { SUITE_LOAD } from './proof.ts';
import { createScenarios } from './scenario.ts';
import { renderVariants, type Variant } from './workload-manifests.ts';

const ROOT = join(import.meta.dirname, '../..');
const SERVICE = 'svc/microservice-svc';
const LOAD = [
  ...['--rate', String(SUITE_LOAD.rate), '--timeout', `${SUITE_LOAD.timeoutMs}ms`],
  ...['--baseline', '2s', '--tail', '2s'],
];
/** One of few pods goes, and two cores carry the rest: that is known, and loses nothing. */
const THIN = ['--allow', 'thin-capacity'];
/** A fifth of the requests outlasts the lame duck. */
const HELD = ['--endpoint', 'GET /health 4', '--endpoint', 'GET /payload?delayMs=4000'];

const ROLLING = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
const STATEFUL: Variant = {
  kind: 'StatefulSet',
  name: 'stateful',
  spec: {
    replicas: 3,
    serviceName: 'microservice-svc',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
  },
};
const DAEMON: Variant = { kind: 'DaemonSet', name: 'daemon', spec: { updateStrategy: ROLLING } };
const CANARY: Variant = {
  kind: 'Rollout',
  name: 'canary',
  spec: {
    replicas: 2,
    strategy: {
      canary: { maxSurge: 1, maxUnavailable: 0, steps: [{ setWeight: 50 }, { pause: { duration: '2s' } }] },
    },
  },
};
const BLUE_GREEN: Variant = {
  kind: 'Rollout',
  name: 'bluegreen',
  spec: {
    replicas: 2,
    strategy: { blueGreen: { activeService: 'microservice-svc', scaleDownDelaySeconds: 5 } },
  },
};

/** `dropless prove` on what is not a Deployment: this service as each of the other kinds, on the prod overlay. */
describe('proofs of other workloads', async () => {
  const manifests = copyManifests();
  const namespace: Namespace = toNamespace(`dropless-e2e-kinds-${Date.now().toString(36)}`);
  const scenario = createScenarios(() => namespace);
  const overlay = manifests.addOverlay('tenant', {
    namespace: namespace.name,
    resources: ['../prod'],
    // Two workloads at a time, and one more pod on each node, on two nodes of one core each.
    patches: [
      {
        target: { kind: 'Deployment' },
        patch: JSON.stringify([
          {
            op: 'replace',
            path: '/spec/template/spec/containers/0/resources/requests/cpu',
            value: '50m',
          },
        ]),
      },
    ],
  });
  const json = join(overlay, 'proof.json');
  const hasRollouts = (await namespace.tryKubectl(['get', 'crd', 'rollouts.argoproj.io'])).code === 0;

  after(async () => {
    manifests.remove();
    await namespace.delete();
  });

  async function deploy(...variants: readonly Variant[]): Promise<void> {
    const file = join(overlay, 'variants.json');
    writeFileSync(file, await renderVariants(overlay, variants));
    await namespace.kubectl('apply', '-f', file);
  }

  async function prove(...args: readonly string[]): Promise<{ code: number; text: string }> {
    const program = [join(ROOT, 'loadtest/main.ts'), 'prove', ...args, '-n', namespace.name, '--json', json];
    const { code, stdout, stderr } = await run(process.execPath, [...program, ...LOAD]);
    saw(`${stderr}${stdout}`.trimEnd());
    return { code, text: `${stderr}${stdout}` };
  }

  async function requireProof(what: string, ...args: readonly string[]): Promise<readonly Proof[]> {
    const { code, text } = await prove(...args);
    assert.equal(code, 0, text);
    const { proofs } = parseSeries(readFileSync(json, 'utf8'), json);
    for (const { verdict } of proofs) recordFigure(`proof, ${what}`, verdict.sentence);
    return proofs;
  }

  /** Replicas and pods, without the annotation that a restart leaves. */
  async function readSpec(target: string): Promise<unknown> {
    interface Workload {
      readonly spec: { readonly replicas?: number; readonly template: { readonly spec: unknown } };
    }
    const { spec } = await namespace.get<Workload>(target.replace(/^rollout\//, 'rollouts.argoproj.io/'));
    return [spec.replicas, spec.template.spec];
  }

  /** Without its wait for requests in flight, the target must lose some, for that reason, and be as it was afterwards. */
  async function requireLosses(target: string): Promise<void> {
    const before = await readSpec(target);
    const { code, text } = await prove('rollout', target, '--without', 'in-flight', ...HELD);
    assert.equal(code, 1, text);
    const [proof] = parseSeries(readFileSync(json, 'utf8'), json).proofs;
    assert.ok(proof !== undefined);
    recordFigure(`control, rollout of ${target} without in-flight`, proof.verdict.sentence);
    assert.ok((proof.causes['cut-by-drain-limit'] ?? 0) >= 0.8 * proof.lost, text);
    assert.deepEqual(proof.leftBehind, []);
    assert.deepEqual(await readSpec(target), before);
  }

  /** An image that cannot be pulled: no verdict, the pod that cannot start named, and the target as it was. */
  async function requireUnsettled(target: string): Promise<void> {
    const before = await readSpec(target);
    const absent = toImages(process.env).first.reference.replace(/:[^:/]+$/, ':absent');
    const { code, text } = await prove('rollout', target, '--image', absent);
    assert.equal(code, 3, text);
    assert.match(text, /the rollout did not end: \S+ cannot start, ImagePullBackOff/);
    assert.doesNotMatch(text, /not undone/);
    assert.deepEqual(await readSpec(target), before);
  }

  async function requireRefusal(args: readonly string[], message: RegExp): Promise<void> {
    const { code, text } = await prove(...args);
    assert.equal(code, 2, text);
    assert.match(text, message);
  }

  scenario(
    'a StatefulSet: each pod comes back under its name, down to its partition, and 0 lost',
    async () => {
      await manifests.setImage('prod', toImages(process.env).first.reference);
      await namespace.create();
      await deploy(STATEFUL);
      const [rollout, scale, kill] = await requireProof(
        'a StatefulSet',
        'rollout',
        'scale',
        'kill',
        SERVICE,
        ...THIN,
      );
      const pods = [0, 1, 2].map((ordinal) => `stateful-${ordinal}`);
      const podsOf = (proof: Proof | undefined) => proof?.timelines.map(({ pod }) => pod).sort();
      assert.deepEqual(podsOf(rollout), [...pods, 'stateful-1 (2)', 'stateful-2 (2)'].sort());
      assert.deepEqual(podsOf(scale), [...pods, 'stateful-3', 'stateful-4']);
      const [killed = ''] =
        kill?.timelines.flatMap(({ pod, terminatingMs }) => (terminatingMs === null ? [] : pod)) ?? [];
      assert.deepEqual(podsOf(kill), [...pods, `${killed} (2)`].sort());
    },
  );

  scenario('a StatefulSet to an image that cannot be pulled: said so, and made whole again', async () => {
    await requireUnsettled('sts/stateful');
  });

  scenario('a Service that leads to no pods, or has no address: refused', async () => {
    const toService = (name: string, spec: object) => ({
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: namespace.name } },
      spec: { ports: [{ port: 3000 }], ...spec },
    });
    const selector = { 'app.kubernetes.io/name': 'microservice' };
    const items = [toService('bare', {}), toService('headless', { clusterIP: 'None', selector })];
    const file = join(overlay, 'services.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await namespace.kubectl('apply', '-f', file);
    await requireRefusal(['kill', 'svc/bare'], /Service bare has no selector, and so no pods/);
    await requireRefusal(['kill', 'svc/headless'], /Service headless is headless: it has no address/);
    await requireRefusal(['kill', 'svc/absent'], /there is no Service absent in namespace/);
    await namespace.kubectl('delete', 'svc/bare', 'svc/headless');
  });

  scenario('a DaemonSet, with another workload behind its Service: 0 lost, and each told apart', async () => {
    await deploy(STATEFUL, DAEMON);
    await namespace.kubectl('rollout', 'status', 'ds/daemon', '--timeout=60s');
    await requireRefusal(
      ['rollout', SERVICE],
      /are of (StatefulSet stateful and DaemonSet daemon|DaemonSet daemon and StatefulSet stateful): name one/,
    );
    await requireRefusal(['scale', 'ds/daemon'], /no scale of DaemonSet daemon: it has one pod for each/);
    await requireRefusal(['drain', 'ds/daemon'], /no drain of DaemonSet daemon: .*--ignore-daemonsets/);
    const [proof] = await requireProof('a DaemonSet', 'rollout', 'ds/daemon');
    const ended = proof?.timelines.filter(({ terminatingMs }) => terminatingMs !== null) ?? [];
    assert.ok(ended.length > 0 && ended.every(({ pod }) => pod.startsWith('daemon-')));
    assert.ok(proof?.timelines.some(({ pod }) => pod.startsWith('stateful-')));
  });

  scenario('a faulty DaemonSet: cut requests, with their cause, and its pod spec as before', async () => {
    await requireLosses('ds/daemon');
    await namespace.kubectl('delete', 'sts/stateful', 'ds/daemon', '--wait=true');
  });

  if (!hasRollouts) return;

  scenario(
    'an Argo Rollout by canary: 0 lost in any disruption; a faulty one: its losses and their cause',
    async () => {
      await deploy(CANARY);
      const before = await readSpec('rollout/canary');
      await requireProof('an Argo Rollout, canary', 'rollout', 'scale', 'drain', 'kill', SERVICE, ...THIN);
      assert.deepEqual(await readSpec('rollout/canary'), before);
      await requireLosses('rollout/canary');
      await namespace.kubectl('delete', 'rollouts.argoproj.io/canary', '--wait=true');
    },
  );

  scenario('an Argo Rollout by blueGreen: 0 lost when its Service is switched; a faulty one', async () => {
    await deploy(BLUE_GREEN);
    await requireProof('an Argo Rollout, blueGreen', 'rollout', 'rollout/bluegreen');
    await requireLosses('rollout/bluegreen');
    await requireUnsettled('rollout/bluegreen');
  });

  scenario('an Argo Rollout that is paused: refused', async () => {
    const pause = JSON.stringify({ spec: { paused: true } });
    await namespace.kubectl('patch', 'rollouts.argoproj.io/bluegreen', '--type=merge', '-p', pause);
    await requireRefusal(['kill', 'rollout/bluegreen'], /Rollout bluegreen is not at rest: it is paused/);
  });
});

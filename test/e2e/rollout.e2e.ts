import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { type Deployment, type Namespace, type Pod, toNamespace, until } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { type PodWatch, watchPods } from './pod-watch.ts';
import { readImage } from './registry.ts';
import { createScenarios, formatMegabytes, formatSeconds, requireNoLoss, toVersions } from './scenario.ts';
import { ask, awaitAddress, awaitQuiet, DEPLOYMENT, isReady, readResidentBytes } from './target.ts';

const images = toImages(process.env);
const [first, second] = [images.first.version, images.second.version];

describe('the prod overlay', () => {
  const manifests = copyManifests();
  const namespace: Namespace = toNamespace(`dropless-e2e-prod-${Date.now().toString(36)}`);
  let watch: PodWatch | undefined;
  const lastLogs: Promise<{ stdout: string }>[] = [];
  /** Prod in a namespace of its own, with the quota that it has to fit into. */
  let overlay: string;
  let address: string;
  const scenario = createScenarios(() => namespace);

  before(() => {
    overlay = manifests.addOverlay('tenant', {
      namespace: namespace.name,
      resources: ['../prod'],
      components: ['../../components/tenancy'],
      // `kubectl drain` takes away only what carries this.
      labels: [{ pairs: { 'dropless-e2e': namespace.name }, includeTemplates: true }],
    });
  });
  after(async () => {
    // Where a scenario failed, it is still running, and holds the output of the suite open.
    watch?.stop();
    manifests.remove();
    await namespace.delete();
  });

  async function apply(): Promise<void> {
    await namespace.kubectl('apply', '-k', overlay);
    await awaitQuiet(namespace);
  }

  async function requireVersion(version: string): Promise<void> {
    assert.equal((await ask(address, '/version')).body.version, version);
  }

  scenario('comes up with three pods on more than one node, within its own quota', async () => {
    await manifests.setImage('prod', images.first.reference);
    await namespace.create();
    // From the moment a pod is told to go: the API has no log of a pod that is gone.
    watch = watchPods(namespace, (pod) => {
      lastLogs.push(namespace.tryKubectl(['logs', '--follow', '--tail=10', pod]));
    });
    saw(await namespace.kubectl('apply', '-k', overlay));
    const pods = await awaitQuiet(namespace, 3);
    address = await awaitAddress(namespace);
    saw(await namespace.kubectl('get', 'pods,service,hpa,pdb,resourcequota', '-o', 'wide'));
    const nodes = new Set(pods.map(({ spec }) => spec.nodeName));
    assert.ok(nodes.size > 1, `all pods are on ${[...nodes].join()}`);
    await recordMemory('memory of a pod, idle', pods);
  });

  scenario('kustomize edit set image promotes by tag and digest, and loses nothing', async () => {
    const { digest } = await readImage(images.second.reference);
    await manifests.setImage('prod', `${images.second.reference}@${digest}`);
    const proof = await requireNoLoss('promotion by kustomize edit set image', namespace, async () => {
      await apply();
      await recordMemory('memory of a pod, at 400 requests a second', await namespace.pods());
    });
    assert.deepEqual(toVersions(proof), [first, second]);
    await requireVersion(second);

    // A stream can end before the last line where the node rotates or removes the file: one has to have it.
    const last = (await Promise.all(lastLogs)).map(({ stdout }) => stdout.trim().split('\n').at(-1) ?? '');
    for (const line of last) saw(`last line: ${line}`);
    const closed = last.filter((line) => line.includes('"message":"closed')).map((line) => JSON.parse(line));
    assert.ok(closed.length > 0, 'no pod told how it closed');
    for (const { message, reason, served, cut, drainMs, exitCode } of closed) {
      assert.deepEqual([message, reason, cut, exitCode], ['closed', 'SIGTERM', 0, 0]);
      assert.ok(served.total > 0 && drainMs >= 2_000);
    }
  });

  scenario('kubectl rollout undo goes back, and loses nothing', async () => {
    const proof = await requireNoLoss('rollback', namespace, async () => {
      await namespace.kubectl('rollout', 'undo', DEPLOYMENT);
      await awaitQuiet(namespace);
    });
    assert.deepEqual(toVersions(proof), [first, second]);
    await requireVersion(first);
  });

  scenario('kubectl set image promotes, and loses nothing', async () => {
    const proof = await requireNoLoss('promotion by kubectl set image', namespace, async () => {
      await namespace.kubectl('set', 'image', DEPLOYMENT, `microservice=${images.second.reference}`);
      await awaitQuiet(namespace);
    });
    assert.deepEqual(toVersions(proof), [first, second]);
    await requireVersion(second);
  });

  scenario('an image that does not exist leaves the old version serving', async () => {
    await requireNoLoss('image that does not exist', namespace, async () => {
      await namespace.kubectl('set', 'image', DEPLOYMENT, `microservice=${images.first.reference}-missing`);
      const pod = await awaitPod('a pod without its image', ({ status }) => {
        const reason = status.containerStatuses?.[0]?.state.waiting?.reason;
        return reason === 'ErrImagePull' || reason === 'ImagePullBackOff';
      });
      saw(pod.status.containerStatuses?.[0]?.state.waiting?.message ?? '');
      await requireStuck();
    });
  });

  scenario('a version that never gets ready leaves the old version serving', async () => {
    await requireNoLoss('version that never gets ready', namespace, async () => {
      const probe = { name: 'microservice', readinessProbe: { httpGet: { path: '/nowhere' } } };
      await patchPodSpec({ containers: [probe] });
      await awaitPod('a pod that runs and is not ready', (pod) => {
        return pod.status.containerStatuses?.[0]?.state.waiting === undefined && !isReady(pod);
      });
      await requireStuck();
    });
  });

  scenario('draining a node loses nothing, and the disruption budget never blocks it', async () => {
    const [pod] = await namespace.pods();
    const node = pod?.spec.nodeName ?? '';
    const startMs = performance.now();
    try {
      await requireNoLoss('node drain', namespace, async () => {
        const flags = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s'];
        const ours = `--pod-selector=dropless-e2e=${namespace.name}`;
        saw(await namespace.kubectl('drain', node, ours, ...flags));
        recordFigure('time to drain a node', formatSeconds(performance.now() - startMs));
        await awaitQuiet(namespace, 3);
      });
      const left = (await namespace.pods()).filter(({ spec }) => spec.nodeName === node);
      assert.deepEqual(left, []);
    } finally {
      await namespace.kubectl('uncordon', node);
    }
  });

  scenario('pods were ready soon after they were scheduled', async () => {
    const coldStarts = (watch?.stop() ?? []).sort((a, b) => a - b);
    const [median, slowest] = [coldStarts[Math.floor(coldStarts.length / 2)], coldStarts.at(-1)];
    assert.ok(median !== undefined && slowest !== undefined);
    recordFigure(
      'cold start, pod scheduled to ready',
      `median ${formatSeconds(median)}, slowest ${formatSeconds(slowest)}, of ${coldStarts.length} pods`,
    );
  });

  async function recordMemory(what: string, pods: readonly Pod[]): Promise<void> {
    const bytes = await Promise.all(pods.map(({ metadata }) => readResidentBytes(namespace, metadata.name)));
    recordFigure(what, formatMegabytes(Math.max(...bytes)));
  }

  function awaitPod(what: string, isWanted: (pod: Pod) => boolean): Promise<Pod> {
    return until(what, 60_000, async () => (await namespace.pods()).find(isWanted));
  }

  async function patchPodSpec(spec: object): Promise<void> {
    await namespace.kubectl('patch', DEPLOYMENT, '-p', JSON.stringify({ spec: { template: { spec } } }));
  }

  /** The rollout reports that it does not get on, with all old pods serving; then it is undone. */
  async function requireStuck(): Promise<void> {
    const before = await namespace.get<Deployment>(DEPLOYMENT);
    await namespace.kubectl('patch', DEPLOYMENT, '-p', '{"spec":{"progressDeadlineSeconds":15}}');
    const status = await namespace.tryKubectl(['rollout', 'status', DEPLOYMENT, '--timeout=60s']);
    saw(status.stderr);
    assert.match(status.stderr, /exceeded its progress deadline/);
    const { status: now } = await namespace.get<Deployment>(DEPLOYMENT);
    assert.equal(now.availableReplicas, before.spec.replicas);
    await requireVersion(second);
    await namespace.kubectl('rollout', 'undo', DEPLOYMENT);
    await awaitQuiet(namespace);
  }
});

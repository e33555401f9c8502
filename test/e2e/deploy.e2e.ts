import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { COMPONENTS } from '../../generate/components.ts';
import { createNamespace, type Namespace, type Pod, until } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { createScenarios, formatMegabytes, requireNoLoss, toVersions } from './scenario.ts';
import { ask, awaitAddress, awaitQuiet, DEPLOYMENT, readResidentBytes, runInPod } from './target.ts';

const images = toImages(process.env);

describe('the dev overlay', () => {
  const manifests = copyManifests();
  let namespace: Namespace;
  let address: string;
  const scenario = createScenarios(() => namespace);

  before(async () => {
    namespace = await createNamespace('dev');
  });
  after(async () => {
    manifests.remove();
    await namespace.delete();
  });

  async function thePod(): Promise<string> {
    const [pod] = await namespace.pods();
    assert.ok(pod !== undefined, 'no pod is there');
    return pod.metadata.name;
  }

  scenario('is accepted by the server and rolled out', async () => {
    await manifests.setImage('dev', images.first.reference);
    const directory = manifests.overlay('dev');
    await namespace.kubectl('apply', '-k', directory, '--dry-run=server', '--validate=strict');
    saw(await namespace.kubectl('apply', '-k', directory));
    await awaitQuiet(namespace);
    address = await awaitAddress(namespace);
    saw(await namespace.kubectl('get', 'pods,service,hpa', '-o', 'wide'));
  });

  scenario('every component is accepted by the server, where it knows the kinds', async () => {
    for (const name of Object.keys(COMPONENTS)) {
      const directory = manifests.addOverlay(`with-${name}`, {
        namespace: namespace.name,
        resources: ['../dev'],
        components: [`../../components/${name}`],
      });
      const args = ['apply', '-k', directory, '--dry-run=server', '--validate=strict'];
      const { code, stderr } = await namespace.tryKubectl(args);
      // The second where kubectl still remembers a kind that is there no more.
      const complaint = /no matches for kind "(\w+)"|could not find the requested resource \(post (\S+)\)/g;
      const unknown = [...stderr.matchAll(complaint)].map(([, kind, resource]) => kind ?? resource);
      saw(`${name}: ${code === 0 ? 'accepted' : `this cluster has no ${unknown.join(', ')}`}`);
      assert.ok(code === 0 || unknown.length > 0, stderr);
    }
  });

  scenario('every endpoint answers on the external address', async () => {
    const expected = [
      ['/health', 200, 'status', 'ok'],
      ['/ready', 200, 'state', 'ready'],
      ['/payload?n=10', 200, 'fibonacci', 55],
      ['/payload?n=30', 200, 'fibonacci', 832_040],
      ['/payload?n=ten', 400, 'status', 400],
      ['/version', 200, 'version', images.first.version],
      ['/nowhere', 404, 'status', 404],
    ] as const;
    for (const [path, status, field, value] of expected) {
      const answer = await ask(address, path);
      saw(`${path} ${answer.status} ${JSON.stringify(answer.body)}`);
      assert.equal(answer.status, status, path);
      assert.equal(answer.body[field], value, path);
    }
    const metrics = await fetch(`http://${address}:3000/metrics`);
    assert.match(await metrics.text(), /^http_requests_total\{.*\} [1-9]\d*$/m);
  });

  scenario('the response names its pod, node and namespace', async () => {
    const [pod] = await namespace.pods();
    const { body } = await ask(address, '/version');
    assert.deepEqual(
      [body.pod, body.node, body.namespace],
      [pod?.metadata.name, pod?.spec.nodeName, namespace.name],
    );
  });

  scenario('runs as 65532, with a read-only root, a writable /tmp, no token and no shell', async () => {
    const script = `
      const { writeFileSync, existsSync } = require('node:fs');
      const attempt = (path) => { try { writeFileSync(path, ''); return 'written'; } catch (error) { return error.code; } };
      console.log(JSON.stringify({
        uid: process.getuid(), gid: process.getgid(), root: attempt('/x'), app: attempt('/app/x'), tmp: attempt('/tmp/x'),
        token: existsSync('/var/run/secrets/kubernetes.io'), shell: existsSync('/bin/sh') }));`;
    const { stdout, stderr } = await runInPod(namespace, await thePod(), script);
    saw(stdout + stderr);
    assert.deepEqual(JSON.parse(stdout), {
      uid: 65532,
      gid: 65532,
      root: 'EROFS',
      app: 'EROFS',
      tmp: 'written',
      token: false,
      shell: false,
    });
  });

  scenario('the namespace enforces Pod Security restricted', async () => {
    const args = ['run', 'rootly', '--image=none', '--privileged', '--dry-run=server'];
    const { code, stderr } = await namespace.tryKubectl(args);
    saw(stderr);
    assert.notEqual(code, 0);
    assert.match(stderr, /violates PodSecurity "restricted:latest"/);
  });

  scenario('logs are one JSON object a line', async () => {
    const text = await until('a line of the log', 30_000, async () => {
      await ask(address, '/health');
      return (await namespace.kubectl('logs', DEPLOYMENT)).trim() || undefined;
    });
    const lines = text.split('\n');
    for (const line of lines) {
      const { level, time, message, pod, version } = JSON.parse(line) as Record<string, unknown>;
      assert.deepEqual(
        [typeof level, typeof message, pod, version],
        ['string', 'string', await thePod(), '1.0.0'],
      );
      assert.ok(!Number.isNaN(Date.parse(String(time))), line);
    }
    saw(`${lines.length} lines, the last: ${lines.at(-1)}`);
  });

  scenario('a refused value stops the rollout, is named in the log, and loses nothing', async () => {
    const bad = manifests.addOverlay('refused', {
      resources: ['../dev'],
      configMapGenerator: [
        { name: 'microservice-config', behavior: 'merge', literals: ['MAX_RANDOM_NUMBER=lots'] },
      ],
    });
    await requireNoLoss('refused configuration', namespace, async () => {
      await namespace.kubectl('apply', '-k', bad);
      saw(await awaitExit(namespace, 78, /MAX_RANDOM_NUMBER is \\"lots\\": expected a whole number/));
      await requireOldVersionServes();
      await restore();
    });
  });

  scenario('an overlay without an image stops the rollout, and loses nothing', async () => {
    const bad = manifests.addOverlay('imageless', {
      resources: ['../../base'],
      components: ['../../components/load-balancer'],
    });
    await requireNoLoss('overlay without an image', namespace, async () => {
      await namespace.kubectl('apply', '-k', bad);
      const complaint = await awaitImagePullError(namespace);
      saw(complaint);
      assert.match(complaint, /microservice/);
      await requireOldVersionServes();
      await restore();
    });
  });

  scenario('the memory limit holds: what exceeds it is killed, and the service serves on', async () => {
    const script = 'const all = []; for (;;) all.push(new Uint8Array(2 ** 23).fill(1));';
    const { code } = await runInPod(namespace, await thePod(), script);
    saw(`the process that took more than the limit ended with ${code}`);
    assert.equal(code, 137);
    // Where the kernel kills the whole container (cgroup v2), the kubelet starts it again.
    await awaitQuiet(namespace);
    const [pod] = await namespace.pods();
    const [container] = pod?.status.containerStatuses ?? [];
    saw(
      `restarts ${container?.restartCount}, last ended: ${container?.lastState.terminated?.reason ?? 'never'}`,
    );
    assert.equal((await ask(address, '/health')).status, 200);
  });

  scenario('the CPU limit holds: three busy threads get one core', async () => {
    const script = `
      const spin = 'for (const end = performance.now() + 5000; performance.now() < end;);';
      const url = URL.createObjectURL(new Blob([spin]));
      const startMs = performance.now();
      for (let i = 0; i < 3; i++) new Worker(url);
      setTimeout(() => {
        const { user, system } = process.cpuUsage();
        console.log((user + system) / 1000 / (performance.now() - startMs));
        process.exit(0);
      }, 4000);`;
    const { stdout, stderr } = await runInPod(namespace, await thePod(), script);
    const cores = Number(stdout);
    recordFigure('CPU that busy threads got under a limit of 1', `${cores.toFixed(2)} cores`);
    assert.ok(cores > 0 && cores < 1.15, `${stdout}${stderr}`);
  });

  scenario('the node-runtime component moves the service to Node, and loses nothing', async () => {
    await manifests.setImage('dev', images.node.reference, 'microservice-node');
    const onNode = manifests.addOverlay('on-node', {
      resources: ['../../base'],
      components: ['../../components/load-balancer', '../../components/node-runtime'],
      images: [toImageEntry('microservice-node', images.node.reference)],
    });
    const proof = await requireNoLoss('from Bun to Node', namespace, async () => {
      await namespace.kubectl('apply', '-k', onNode);
      await awaitQuiet(namespace);
    });
    assert.deepEqual(toVersions(proof), ['1.0.0', '2.0.0']);
    const { body } = await ask(address, '/version');
    saw(JSON.stringify(body));
    assert.match(String(body.runtime), /^node /);
    recordFigure(
      'memory of a pod on Node after 400 requests a second',
      formatMegabytes(await readResidentBytes(namespace, await thePod())),
    );
  });

  async function requireOldVersionServes(): Promise<void> {
    await namespace.kubectl('patch', DEPLOYMENT, '-p', '{"spec":{"progressDeadlineSeconds":15}}');
    const status = await namespace.tryKubectl(['rollout', 'status', DEPLOYMENT, '--timeout=60s']);
    saw(status.stderr);
    assert.notEqual(status.code, 0);
    assert.match(status.stderr, /exceeded its progress deadline/);
    assert.equal((await ask(address, '/version')).body.version, images.first.version);
  }

  async function restore(): Promise<void> {
    await namespace.kubectl('apply', '-k', manifests.overlay('dev'));
    await awaitQuiet(namespace);
  }
});

/**
 * The log of a container that has ended with this code and said why. For a moment after each restart the kubelet has
 * the log of none, and says that in its place.
 */
function awaitExit(namespace: Namespace, exitCode: number, why: RegExp): Promise<string> {
  return until(`a container to exit ${exitCode} and log ${why}`, 60_000, async () => {
    const pod = (await namespace.pods()).find(({ status }) => {
      const [container] = status.containerStatuses ?? [];
      const ended = container?.lastState.terminated ?? container?.state.terminated;
      return ended?.exitCode === exitCode;
    });
    if (pod === undefined) return undefined;
    const { stdout } = await namespace.tryKubectl(['logs', pod.metadata.name]);
    return why.test(stdout) ? stdout : undefined;
  });
}

/** What the kubelet says of an image that it cannot get. */
function awaitImagePullError(namespace: Namespace): Promise<string> {
  const toComplaint = ({ status }: Pod) => {
    const waiting = status.containerStatuses?.[0]?.state.waiting;
    return waiting?.reason === 'ErrImagePull' || waiting?.reason === 'ImagePullBackOff'
      ? `${waiting.reason}: ${waiting.message}`
      : undefined;
  };
  return until('an image that cannot be pulled', 60_000, async () =>
    (await namespace.pods()).map(toComplaint).find((complaint) => complaint !== undefined),
  );
}

function toImageEntry(name: string, reference: string): Record<string, string> {
  const colon = reference.lastIndexOf(':');
  return { name, newName: reference.slice(0, colon), newTag: reference.slice(colon + 1) };
}

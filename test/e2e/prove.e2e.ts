import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { parseSeries } from '../../loadtest/proof/proof-report.ts';
import { formatRemoval, nameRemovals, REMOVALS } from '../../loadtest/proof/safeguard.ts';
import { toSeriesVerdict } from '../../loadtest/proof/series.ts';
import { countEnded } from '../../loadtest/proof/timeline.ts';
import type { ProofVerdict } from '../../loadtest/proof/verdict.ts';
import { type Namespace, run, toNamespace, until } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { SUITE_LOAD } from './proof.ts';
import { createScenarios, toVersions } from './scenario.ts';
import { awaitQuiet, DEPLOYMENT, DEPLOYMENT_NAME, PORT } from './target.ts';

const ROOT = join(import.meta.dirname, '../..');
const images = toImages(process.env);
/** A disruption that may lose requests is repeated until it does, so often at most. */
const MAX_ATTEMPTS = 4;

/** Load before a disruption and after it: enough to know which pods respond, and that they do again. */
const EDGES = ['--baseline', '2s', '--tail', '2s'];

/** A tenth of the requests is in flight for longer than the lame duck, and than a pod lasts that is deleted by force. */
const HELD = ['--endpoint', 'GET /health 9', '--endpoint', 'GET /payload?delayMs=4000', '--timeout', '10s'];

interface Outcome {
  readonly code: number;
  readonly text: string;
  readonly verdict: ProofVerdict;
  readonly proofs: readonly Proof[];
  readonly controls: readonly Proof[];
}

/** Where a new pod has answered nothing yet, either it or the one that goes can have refused. */
function isBlamed({ losses }: Proof): boolean {
  const unknown = losses.filter(({ cause }) => cause === 'unknown');
  return unknown.length <= losses.length / 10 && losses.some(({ pod }) => pod !== null);
}

/** `dropless prove` and `dropless contract`, as their user runs them, on the prod overlay. */
describe('the instrument on a cluster', () => {
  const manifests = copyManifests();
  const namespace: Namespace = toNamespace(`dropless-e2e-prove-${Date.now().toString(36)}`);
  const scenario = createScenarios(() => namespace);
  const directory = manifests.overlay('prod');
  const json = join(directory, 'proof.json');

  after(async () => {
    manifests.remove();
    await namespace.delete();
  });

  function start(args: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
    return spawn(process.execPath, [join(ROOT, 'loadtest/main.ts'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async function finish(child: ChildProcess): Promise<{ code: number; text: string }> {
    const parts: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => {
        parts.push(part);
        saw(part.trimEnd());
      });
    }
    const [code] = await once(child, 'close');
    return { code, text: parts.join('') };
  }

  const toArgs = (args: readonly string[], edges: readonly string[] = EDGES) => [
    ...['prove', ...args, `deploy/${DEPLOYMENT_NAME}`, '-n', namespace.name, '--json', json],
    ...edges,
  ];

  async function prove(...args: readonly string[]): Promise<Outcome> {
    const { code, text } = await finish(start(toArgs(args)));
    const series = parseSeries(readFileSync(json, 'utf8'), json);
    return { code, text, verdict: toSeriesVerdict(series), ...series };
  }

  async function requireProof(what: string, ...args: readonly string[]): Promise<readonly Proof[]> {
    const { rate, timeoutMs } = SUITE_LOAD;
    const load = ['--rate', String(rate), '--timeout', `${timeoutMs}ms`];
    const { code, text, verdict, proofs } = await prove(...args, ...load);
    recordFigure(`proof, ${what}`, verdict.sentence);
    assert.equal(code, 0, text);
    assert.deepEqual(
      proofs.flatMap(({ leftBehind }) => leftBehind),
      [],
    );
    return proofs;
  }

  /** Requests must be lost, for the reasons given: by chance not each time. */
  async function requireLosses(
    what: string,
    args: readonly string[],
    isExpected: (proof: Proof) => boolean,
  ): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const { code, text, verdict, proofs } = await prove(...args);
      recordFigure(`${what}, attempt ${attempt}`, verdict.sentence);
      const [proof] = proofs;
      assert.ok(proof !== undefined, text);
      assert.deepEqual(proof.leftBehind, []);
      if (code !== 1) continue;
      assert.ok(isExpected(proof), text);
      return;
    }
    assert.fail(`nothing was lost in ${MAX_ATTEMPTS} attempts: ${what}`);
  }

  async function areAllSchedulable(): Promise<boolean> {
    const nodes = await namespace.get<{ items: { spec: { unschedulable?: boolean } }[] }>('nodes');
    return nodes.items.every(({ spec }) => spec.unschedulable !== true);
  }

  async function patchPodSpec(spec: object): Promise<void> {
    const patch = { spec: { minReadySeconds: 1, template: { spec } } };
    await namespace.kubectl('patch', DEPLOYMENT, '-p', JSON.stringify(patch));
    await awaitQuiet(namespace);
  }

  scenario('starts from the prod overlay, at rest', async () => {
    await manifests.setImage('prod', images.first.reference);
    const overlay = manifests.addOverlay('tenant', { namespace: namespace.name, resources: ['../prod'] });
    await namespace.create();
    await namespace.kubectl('apply', '-k', overlay);
    await awaitQuiet(namespace, 3);
  });

  scenario('a rollout to a new image, and back: 0 lost, both versions seen', async () => {
    const [proof] = await requireProof('rollout', 'rollout', '--image', images.second.reference);
    assert.ok(proof !== undefined);
    assert.deepEqual(toVersions(proof), [images.first.version, images.second.version]);
    assert.equal(proof.timelines.length, 6);
    const [pod] = await namespace.pods();
    assert.equal(pod?.spec.containers[0]?.image, images.first.reference);
  });

  scenario('scale, drain and kill in a row: 0 lost, and all as it was', async () => {
    const proofs = await requireProof('scale, drain and kill', 'scale', 'drain', 'kill');
    assert.deepEqual(
      proofs.map(({ disruption, timelines }) => [disruption, countEnded(timelines) > 0]),
      [
        ['scale', true],
        ['drain', true],
        ['kill', true],
      ],
    );
    const { spec } = await namespace.get<{ spec: { minReplicas: number; maxReplicas: number } }>(
      'hpa/microservice-hpa',
    );
    assert.deepEqual([spec.minReplicas, spec.maxReplicas], [3, 10]);
    assert.ok(await areAllSchedulable());
  });

  scenario('Ctrl-C in a drain takes the node back into use', async () => {
    const child = start(toArgs(['drain'], ['--tail', '1h']));
    const ended = finish(child);
    await until('a node to be cordoned', 60_000, async () =>
      (await areAllSchedulable()) ? undefined : true,
    );
    child.kill('SIGINT');
    const { code, text } = await ended;
    assert.equal(code, 3, text);
    assert.match(text, /it was interrupted/);
    assert.ok(await areAllSchedulable());
    await awaitQuiet(namespace, 3);
  });

  scenario('who may only look is told what is missing, and nothing is disrupted', async () => {
    await namespace.kubectl('create', 'serviceaccount', 'viewer');
    await namespace.kubectl(
      ...[
        'create',
        'rolebinding',
        'viewer',
        '--clusterrole=view',
        `--serviceaccount=${namespace.name}:viewer`,
      ],
    );
    const token = (await namespace.kubectl('create', 'token', 'viewer')).trim();
    const kubeconfig = join(directory, 'viewer');
    const { stdout } = await run('kubectl', [
      'config',
      'view',
      '--raw',
      '--flatten',
      '--minify',
      '-o',
      'json',
    ]);
    const config = JSON.parse(stdout);
    for (const user of config.users) user.user = { token };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const { code, text } = await finish(
      start(toArgs(['rollout', 'drain']), { ...process.env, KUBECONFIG: kubeconfig }),
    );
    assert.equal(code, 2, text);
    assert.match(text, /not allowed in namespace \S+: patch deployments\.apps/);
  });

  scenario('a pod holds the contract of a clean shutdown', async () => {
    const pods = await namespace.get<{ items: { metadata: { name: string }; status: { podIP: string } }[] }>(
      'pods',
    );
    const [pod] = pods.items;
    assert.ok(pod !== undefined);
    const { code, text } = await finish(
      start([
        ...['contract', `pod/${pod.metadata.name}`, '-n', namespace.name],
        ...['--url', `http://${pod.status.podIP}:${PORT}`, '--slow', '/payload?delayMs=3000'],
      ]),
    );
    recordFigure('contract of a pod', text.trim().split('\n').at(-1) ?? '');
    assert.equal(code, 0, text);
    await awaitQuiet(namespace, 3);
  });

  scenario('a table tells what each safeguard is worth', async () => {
    // Twelve rollouts: each waits for what its last pod sleeps.
    const lifecycle = { preStop: { sleep: { seconds: 4 } } };
    await patchPodSpec({ containers: [{ name: 'microservice', lifecycle }] });
    const { code, text, verdict, controls } = await prove('rollout', '--with-controls', ...HELD);
    assert.equal(code, 0, text);
    recordFigure('proof, rollout beside its controls', verdict.sentence);
    for (const { without, lost, planned } of controls) {
      recordFigure(`control, rollout without ${nameRemovals(without)}`, `${lost} of ${planned} lost`);
    }
    assert.deepEqual(
      controls.flatMap(({ leftBehind }) => leftBehind),
      [],
    );
    assert.deepEqual(
      REMOVALS.map(formatRemoval).filter((id) => !new RegExp(`^${id} .* (yes|not shown) `, 'm').test(text)),
      [],
      text,
    );
    const inFlight = controls.find(({ without }) => nameRemovals(without) === 'in-flight');
    assert.match(text, /^in-flight +0 of .* yes +Cut by the server/m);
    assert.ok((inFlight?.causes['cut-by-drain-limit'] ?? 0) >= 0.8 * (inFlight?.lost ?? 0), text);
    const both = controls.find(({ without }) => without.length > 1);
    // Where they hide one another, both together are red: by chance not in every rollout.
    if (both?.verdict.kind === 'losses') assert.ok(isBlamed(both), text);
    else {
      const again = ['rollout', '--without', 'preStop', '--without', 'lame-duck'];
      await requireLosses('rollout without preStop and lame-duck', again, isBlamed);
    }
  });

  scenario('a deletion by force kills a pod with requests on it, which are blamed on it', async () => {
    await requireLosses('kill --force', ['kill', '--force', ...HELD], ({ timelines, causes, lost }) => {
      const isForced = timelines.some(({ graceMs }) => graceMs === 0);
      return isForced && (causes['killed-at-grace-end'] ?? 0) >= 0.8 * lost;
    });
  });

  scenario('without probes, a service that is slow to start loses requests; with them, none', async () => {
    const late = "await Bun.sleep(4000); await import('/app/main.js');";
    await patchPodSpec({
      containers: [{ name: 'microservice', command: ['/usr/local/bin/bun', '-e', late] }],
    });
    await requireProof('rollout of a service that starts late', 'rollout');
    const control = ['rollout', '--without', 'readiness'];
    await requireLosses('rollout of it without readiness', control, ({ losses }) =>
      losses.every(({ cause }) => cause === 'ready-too-early'),
    );
  });
});

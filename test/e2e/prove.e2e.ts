import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import type { Proof } from '../../loadtest/prove/proof.ts';
import { type Namespace, toNamespace } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { createScenarios } from './scenario.ts';
import { awaitAddress, awaitQuiet } from './target.ts';

const ROOT = join(import.meta.dirname, '../..');
const images = toImages(process.env);
/** A rollout that may lose requests is repeated until it does, so often at most. */
const CONTROL_ATTEMPTS = 4;

/** `loadtest prove`, as its user runs it, on the prod overlay in a namespace of its own. */
describe('loadtest prove', () => {
  const manifests = copyManifests();
  const namespace: Namespace = toNamespace(`dropless-e2e-prove-${Date.now().toString(36)}`);
  const scenario = createScenarios(() => namespace);

  after(async () => {
    manifests.remove();
    await namespace.delete();
  });

  /** Runs it and gives its exit code, and its first proof. */
  async function prove(...args: readonly string[]): Promise<{ code: number; proof: Proof }> {
    const json = join(manifests.overlay('tenant'), 'proof.json');
    const child = spawn(
      process.execPath,
      [
        join(ROOT, 'loadtest/main.ts'),
        'prove',
        ...args,
        ...[
          '--deployment',
          'microservice-deploy',
          '--namespace',
          namespace.name,
          '--rate',
          '300',
          '--json',
          json,
        ],
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const [code] = await once(child, 'exit');
    const { proofs } = JSON.parse(readFileSync(json, 'utf8'));
    return { code, proof: proofs[0] };
  }

  async function requireProof(what: string, ...args: readonly string[]): Promise<Proof> {
    const { code, proof } = await prove(...args);
    recordFigure(`proof, ${what}`, proof.verdict.sentence);
    assert.equal(code, 0, JSON.stringify(proof.losses.slice(0, 10), null, 2));
    assert.deepEqual(proof.leftBehind, []);
    return proof;
  }

  scenario('starts from the prod overlay, at rest', async () => {
    await manifests.setImage('prod', images.first.reference);
    const overlay = manifests.addOverlay('tenant', { namespace: namespace.name, resources: ['../prod'] });
    await namespace.kubectl('create', 'namespace', namespace.name);
    await namespace.kubectl('apply', '-k', overlay);
    await awaitQuiet(namespace, 3);
    saw(await awaitAddress(namespace));
  });

  scenario('a rollout to a new image, and back: 0 lost, both versions seen', async () => {
    const proof = await requireProof('rollout', 'rollout', '--image', images.second.reference);
    const versions = new Set(proof.slots.map(({ version }) => version));
    assert.deepEqual([...versions].sort(), [images.first.version, images.second.version]);
    assert.equal(proof.lives.length, 6);
    const [pod] = await namespace.pods();
    assert.equal(pod?.spec.containers[0]?.image, images.first.reference);
  });

  scenario('replicas up and down, bounded by the HPA: 0 lost', async () => {
    const proof = await requireProof('scale', 'scale');
    assert.equal(proof.lives.length, 5);
    const { spec } = await namespace.get<{ spec: { minReplicas: number; maxReplicas: number } }>(
      'hpa/microservice-hpa',
    );
    assert.deepEqual([spec.minReplicas, spec.maxReplicas], [3, 10]);
  });

  scenario('the drain of a node: 0 lost, and the node takes pods again', async () => {
    const proof = await requireProof('drain', 'drain');
    assert.ok(proof.lives.some(({ terminatingMs }) => terminatingMs !== null));
    const nodes = await namespace.get<{ items: { spec: { unschedulable?: boolean } }[] }>('nodes');
    assert.ok(nodes.items.every(({ spec }) => spec.unschedulable !== true));
  });

  scenario('the deletion of a pod: 0 lost', async () => {
    await requireProof('kill', 'kill');
  });

  scenario('without preStop and lame duck requests are lost, and blamed on their pods', async () => {
    for (let attempt = 1; attempt <= CONTROL_ATTEMPTS; attempt += 1) {
      const { code, proof } = await prove('rollout', '--control', 'preStop', '--control', 'lame-duck');
      recordFigure(`control ${attempt}, rollout without preStop and lame duck`, proof.verdict.sentence);
      assert.deepEqual(proof.leftBehind, []);
      if (code !== 1) continue;
      const told = JSON.stringify(proof.losses.slice(0, 10), null, 2);
      assert.ok(
        proof.losses.every(({ cause }) => cause !== 'unknown'),
        told,
      );
      assert.ok(
        proof.losses.some(({ pod }) => pod !== null),
        told,
      );
      return;
    }
    assert.fail(`nothing was lost in ${CONTROL_ATTEMPTS} rollouts without them`);
  });

  scenario('a deletion by force is not proven, or its losses are blamed on it', async () => {
    const { proof } = await prove('kill', '--force');
    recordFigure('proof, kill --force', proof.verdict.sentence);
    for (const { cause } of proof.losses) assert.equal(cause, 'killed-at-grace-end');
  });
});

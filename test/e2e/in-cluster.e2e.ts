import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { parseSeries } from '../../loadtest/proof/proof-report.ts';
import { type Namespace, run, toNamespace, until } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { createScenarios } from './scenario.ts';
import { awaitQuiet, DEPLOYMENT } from './target.ts';

const ROOT = join(import.meta.dirname, '../..');
const images = toImages(process.env);
const TARGET = ['svc/microservice-svc', '--rate', '100', '--baseline', '2s', '--tail', '2s'];
/** All that a runner may leave. */
const KINDS = 'jobs,pods,serviceaccounts,roles,rolebindings,secrets,configmaps,leases';

/** `dropless prove --in-cluster`, as its user runs it, on a ClusterIP Service. */
describe('proofs from within the cluster', () => {
  const manifests = copyManifests();
  const namespace: Namespace = toNamespace(`dropless-e2e-inside-${Date.now().toString(36)}`);
  const scenario = createScenarios(() => namespace);
  const directory = manifests.overlay('dev');
  const json = join(directory, 'proof.json');

  after(async () => {
    manifests.remove();
    await namespace.delete();
  });

  const toArgs = (args: readonly string[], image = images.dropless.reference) => [
    ...[join(ROOT, 'loadtest/main.ts'), 'prove', ...args, '-n', namespace.name],
    ...['--in-cluster', '--runner-image', image, '--json', json],
  ];

  async function prove(args: readonly string[], image?: string): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await run(process.execPath, toArgs(args, image));
    saw(`${stderr}${stdout}`.trimEnd());
    return { code, text: `${stderr}${stdout}` };
  }

  /** By name; the cluster-wide ones among them. */
  async function readLeft(): Promise<string[]> {
    const own = ['-l', 'app.kubernetes.io/name=dropless', '-o', 'name'];
    const inside = await namespace.kubectl('get', KINDS, ...own);
    const wide = await namespace.kubectl('get', 'clusterroles,clusterrolebindings', ...own);
    return `${inside}\n${wide}`.split('\n').filter((line) => line !== '');
  }

  scenario('a ClusterIP Service under load from each node: 0 lost, and nothing of ours is left', async () => {
    await manifests.setImage('dev', images.first.reference);
    await namespace.create();
    const overlay = manifests.addOverlay('tenant', {
      namespace: namespace.name,
      resources: ['../dev'],
      patches: [
        { target: { kind: 'Service' }, patch: '[{"op": "add", "path": "/spec/type", "value": "ClusterIP"}]' },
      ],
    });
    await namespace.kubectl('apply', '-k', overlay);
    await awaitQuiet(namespace);
    const { code, text } = await prove(['rollout', ...TARGET, '--from', 'each-node']);
    assert.equal(code, 0, text);
    const [proof] = parseSeries(readFileSync(json, 'utf8'), json).proofs;
    assert.ok(proof !== undefined);
    recordFigure('proof, from each node', proof.verdict.sentence);
    const sent = proof.vantagePoints.map(({ requests }) => requests);
    assert.ok(sent.length > 1, text);
    assert.equal(
      sent.reduce((sum, requests) => sum + requests, 0),
      proof.planned,
    );
    assert.deepEqual(await readLeft(), []);
  });

  scenario('an image that is not there: said, and nothing of ours is left', async () => {
    const { code, text } = await prove(['kill', ...TARGET], `${images.dropless.reference}-none`);
    assert.equal(code, 3, text);
    assert.match(text, /does not start: ImagePullBackOff/);
    assert.deepEqual(await readLeft(), []);
  });

  scenario('its caller killed: the Deployment is as before, and nothing of ours is left', async () => {
    interface Deployment {
      spec: { template: { spec: { containers: [{ lifecycle?: unknown }] } } };
    }
    const read = async () => (await namespace.get<Deployment>(DEPLOYMENT)).spec.template.spec;
    const before = await read();
    const caller = spawn(process.execPath, toArgs(['rollout', ...TARGET, '--without', 'preStop']), {
      stdio: 'ignore',
    });
    await until('the preStop hook to be taken away', 120_000, async () => {
      return (await read()).containers[0].lifecycle === undefined ? true : undefined;
    });
    caller.kill('SIGKILL');
    await once(caller, 'exit');
    await until('all of ours to be gone', 300_000, async () => {
      return (await readLeft()).length === 0 ? true : undefined;
    });
    assert.deepEqual(await read(), before);
    await awaitQuiet(namespace);
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { parseSeries } from '../../loadtest/proof/proof-report.ts';
import type { ObservationLine } from '../../loadtest/report/json.d.ts';
import { type Namespace, run, toNamespace, until } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { createScenarios } from './scenario.ts';
import { awaitQuiet, DEPLOYMENT } from './target.ts';

const ROOT = join(import.meta.dirname, '../..');
const images = toImages(process.env);
const TARGET = ['svc/microservice-svc', '--rate', '100', '--baseline', '2s', '--tail', '2s'];
const OURS = 'app.kubernetes.io/name=dropless';
/** All that a runner may leave. */
const KINDS = 'jobs,pods,serviceaccounts,roles,rolebindings,secrets,configmaps,leases';
const WIDE_KINDS = 'clusterroles,clusterrolebindings';

/** `dropless prove --in-cluster`, as its user runs it, on a ClusterIP Service. */
describe('proofs from within the cluster', () => {
  const manifests = copyManifests();
  const namespace: Namespace = toNamespace(`dropless-e2e-inside-${Date.now().toString(36)}`);
  /** Where a caller is killed: what it leaves takes its time to go. */
  const abandoned: Namespace = toNamespace(`dropless-e2e-abandoned-${Date.now().toString(36)}`);
  const scenario = createScenarios(() => namespace);
  const directory = manifests.overlay('dev');
  const json = join(directory, 'proof.json');

  after(async () => {
    manifests.remove();
    await Promise.all([namespace.delete(), abandoned.delete()]);
  });

  const toArgs = (args: readonly string[], image = images.dropless.reference, { name } = namespace) => [
    ...[join(ROOT, 'loadtest/main.ts'), 'prove', ...args, '-n', name],
    ...['--in-cluster', '--runner-image', image, '--json', json],
  ];

  async function prove(args: readonly string[], image?: string): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await run(process.execPath, toArgs(args, image));
    saw(`${stderr}${stdout}`.trimEnd());
    return { code, text: `${stderr}${stdout}` };
  }

  /** Runs the program, for who ends it, or does something meanwhile. */
  function start(args: readonly string[]) {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, text }));
    return { child, ended, read: () => text };
  }

  async function readOurs(kinds: string, where = namespace): Promise<string[]> {
    const names = await where.kubectl('get', kinds, '-l', OURS, '-o', 'name');
    return names.split('\n').filter((line) => line !== '');
  }

  /** Cluster-wide roles of the proof whose caller is killed. */
  let abandonedRoles: readonly string[] = [];

  async function readLeft(): Promise<string[]> {
    const roles = await readOurs(WIDE_KINDS);
    return [...(await readOurs(KINDS)), ...roles.filter((role) => !abandonedRoles.includes(role))];
  }

  async function deploy(where: Namespace): Promise<void> {
    await where.create();
    const overlay = manifests.addOverlay(where.name, {
      namespace: where.name,
      resources: ['../dev'],
      patches: [
        { target: { kind: 'Service' }, patch: '[{"op": "add", "path": "/spec/type", "value": "ClusterIP"}]' },
      ],
    });
    await where.kubectl('apply', '-k', overlay);
    await awaitQuiet(where);
  }

  interface PodSpec {
    containers: [{ lifecycle?: unknown }];
  }

  async function readPodSpec(where = namespace): Promise<PodSpec> {
    const { spec } = await where.get<{ spec: { template: { spec: PodSpec } } }>(DEPLOYMENT);
    return spec.template.spec;
  }

  const WITHOUT_PRE_STOP = ['rollout', ...TARGET, '--without', 'preStop'];

  const untilPreStopIsTakenAway = (where = namespace) =>
    until('the preStop hook to be taken away', 120_000, async () =>
      (await readPodSpec(where)).containers[0].lifecycle === undefined ? true : undefined,
    );

  let untouched: PodSpec;

  scenario('a caller is killed while its proof is under way', async () => {
    await manifests.setImage('dev', images.first.reference);
    await deploy(abandoned);
    untouched = await readPodSpec(abandoned);
    const proving = start(toArgs(WITHOUT_PRE_STOP, images.dropless.reference, abandoned));
    await untilPreStopIsTakenAway(abandoned);
    proving.child.kill('SIGKILL');
    await proving.ended;
    abandonedRoles = await readOurs(WIDE_KINDS);
  });

  scenario('an image that is not there: said, and nothing of ours is left', async () => {
    await deploy(namespace);
    const { code, text } = await prove(['kill', ...TARGET], `${images.dropless.reference}-none`);
    assert.equal(code, 3, text);
    assert.match(text, /does not start: ImagePullBackOff/);
    assert.deepEqual(await readLeft(), []);
  });

  scenario('a quota without room for the Job’s pod: said, and nothing of ours is left', async () => {
    const { length } = await namespace.pods();
    await namespace.kubectl('create', 'quota', 'full', `--hard=pods=${length}`);
    await until('the quota to be counted', 30_000, async () => {
      const { status } = await namespace.get<{ status: { used?: { pods?: string } } }>('quota/full');
      return status.used?.pods === String(length) ? true : undefined;
    });
    const { code, text } = await prove(['kill', ...TARGET]);
    assert.equal(code, 3, text);
    assert.match(text, /does not start: .*exceeded quota: full/);
    assert.deepEqual(await readLeft(), []);
    await namespace.kubectl('delete', 'quota/full');
  });

  scenario(
    'observed from within: the restart of another is named, 0 lost, and its lines come here',
    async () => {
      rmSync(json, { force: true });
      const watching = start([
        ...[join(ROOT, 'loadtest/main.ts'), 'observe', 'svc/microservice-svc', '-n', namespace.name],
        ...['--in-cluster', '--runner-image', images.dropless.reference, '--rate', '50', '--tail', '2s'],
        ...['--json', json],
      ]);
      const untilSaid = (what: RegExp) =>
        until(`the observer to say ${what}`, 120_000, async () => {
          assert.equal(watching.child.exitCode, null, watching.read());
          return what.test(watching.read()) ? true : undefined;
        });
      await untilSaid(/is under load/);
      await namespace.kubectl('rollout', 'restart', DEPLOYMENT);
      await untilSaid(/^\S+Z {2}rollout/m);
      watching.child.kill('SIGINT');
      const { text } = await watching.ended;
      saw(text.trimEnd());
      const lines = readFileSync(json, 'utf8').split('\n').filter(Boolean);
      const told = lines.map((line) => JSON.parse(line) as ObservationLine);
      const reasons = told.flatMap((line) =>
        line.kind === 'replacement' ? line.reasons.map(({ reason }) => reason) : [],
      );
      assert.deepEqual(reasons, ['rollout'], text);
      const summary = told.at(-1);
      assert.ok(summary?.kind === 'summary', text);
      assert.equal(summary.lostInReplacements + summary.lostOutside, 0, text);
      assert.deepEqual(await readLeft(), []);
      await awaitQuiet(namespace);
    },
  );

  /** A kubeconfig that holds a token of a ServiceAccount which may all but patch, and patch these. */
  async function restrict(patched: readonly string[]): Promise<string> {
    const rule = (resources: readonly string[], verbs: readonly string[]) => ({
      apiGroups: ['*'],
      resources,
      verbs,
    });
    const metadata = { name: 'prover' };
    const subject = { kind: 'ServiceAccount', name: 'prover', namespace: namespace.name };
    const rbac = 'rbac.authorization.k8s.io';
    const role = { apiGroup: rbac, kind: 'Role', name: 'prover' };
    const items = [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      {
        apiVersion: `${rbac}/v1`,
        kind: 'Role',
        metadata,
        rules: [rule(['*'], ['get', 'list', 'watch', 'create', 'delete']), rule(patched, ['patch'])],
      },
      { apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata, subjects: [subject], roleRef: role },
    ];
    const objects = join(directory, 'prover.json');
    writeFileSync(objects, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await namespace.kubectl('apply', '-f', objects);
    const token = (await namespace.kubectl('create', 'token', 'prover')).trim();
    const config = JSON.parse(
      await namespace.kubectl('config', 'view', '--raw', '--flatten', '--minify', '-o', 'json'),
    );
    for (const user of config.users) user.user = { token };
    const kubeconfig = join(directory, 'prover.kubeconfig');
    writeFileSync(kubeconfig, JSON.stringify(config));
    return kubeconfig;
  }

  scenario('a caller without one verb: it is named, and nothing is made', async () => {
    const kubeconfig = await restrict(['deployments', 'leases']);
    const { code, text } = await prove([...WITHOUT_PRE_STOP, '--kubeconfig', kubeconfig]);
    assert.equal(code, 2, text);
    assert.match(text, /not allowed in namespace \S+: patch jobs\.batch$/m);
    assert.deepEqual(await readLeft(), []);
  });

  scenario('Ctrl-C of a caller with that verb: the report comes, and all is as before', async () => {
    const kubeconfig = await restrict(['deployments', 'leases', 'jobs']);
    const before = await readPodSpec();
    rmSync(json, { force: true });
    const proving = start([...toArgs(WITHOUT_PRE_STOP), '--kubeconfig', kubeconfig]);
    await untilPreStopIsTakenAway();
    proving.child.kill('SIGINT');
    const { code, text } = await proving.ended;
    saw(text.trimEnd());
    assert.equal(code, 3, text);
    const { proofs, cutShort } = parseSeries(readFileSync(json, 'utf8'), json);
    assert.ok(proofs.length > 0 || cutShort !== null, text);
    assert.deepEqual(await readPodSpec(), before);
    assert.deepEqual(await readLeft(), []);
    await awaitQuiet(namespace);
  });

  scenario('a ClusterIP Service under load from each node: 0 lost, and nothing of ours is left', async () => {
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

  scenario('what was killed: its Deployment is as before, and nothing of ours is left', async () => {
    await until('all of ours to be gone', 300_000, async () => {
      const left = [...(await readOurs(KINDS, abandoned)), ...(await readOurs(WIDE_KINDS))];
      return left.length === 0 ? true : undefined;
    });
    assert.deepEqual(await readPodSpec(abandoned), untouched);
    await awaitQuiet(abandoned);
  });
});

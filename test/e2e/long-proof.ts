/**
 * The long proof of this project's service, on the cluster of KUBECONFIG: rounds of every disruption until enough
 * requests were made, then what must lose some, a deletion by force and a node without power. Its figures are kept in
 * docs/proof/proof.json and docs/proof.md, its flight recorders in dist/proof/, even where it fails or is interrupted.
 * With --directory all of it goes there, and the docs stay as they are.
 *
 *   npm run prove:cluster [-- --requests 1000000] [--rate 1000] [--directory DIRECTORY]
 *
 * E2E_REGISTRY, E2E_BUILD, E2E_TAG as in run.ts
 * E2E_POWER_OFF, E2E_POWER_ON  for a shell, given a node's name (docker stop, docker start: nodes of kind)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { replaceBlock } from '../../generate/block.ts';
import { formatLongProof, type LongProof, toLongProof, writeLongProof } from '../../generate/long-proof.ts';
import { EXIT_CODES } from '../../loadtest/cli/exit-code.ts';
import { formatFlightPage } from '../../loadtest/proof/flight-page.ts';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { type Series, toSeriesVerdict } from '../../loadtest/proof/series.ts';
import { loadPageAssets } from '../../loadtest/report/assets.ts';
import { type Namespace, run, toNamespace, until } from './cluster.ts';
import { saw } from './figures.ts';
import { buildImages, toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { findLack } from './preflight.ts';
import { type Attempt, prove } from './proof.ts';
import { awaitQuiet } from './target.ts';

const DOCS_DIRECTORY = join(import.meta.dirname, '../../docs/proof');
const PAGES_DIRECTORY = join(import.meta.dirname, '../../dist/proof');
const PAGE = join(import.meta.dirname, '../../docs/proof.md');
/** Rounds are added until the requests are enough; a cluster that gives too few a round is not waited for. */
const MAX_ROUNDS = 30;
/** Load goes on for so long once the node's endpoints are gone. */
const AFTER_NODE_MS = 30_000;
const NODE_TIMEOUT_MS = 180_000;
/** Requests a second of this load that wait in vain do not take all connections, so that the others are sent. */
const POWERLESS_LOAD = { rate: 300 };

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '1000' },
    directory: { type: 'string' },
  },
});
const load = { rate: Number(values.rate) };

const lack = await findLack(process.env, { needsCluster: true });
if (lack !== null) {
  console.error(lack);
  process.exit(2);
}
buildImages(process.env);
const images = toImages(process.env);
const manifests = copyManifests();
const namespace = toNamespace(`dropless-e2e-proof-${Date.now().toString(36)}`);
const interruption = new AbortController();
// However often: the node gets its power back.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());
/** What was asked to lose nothing, and what must lose. */
const proofs: Proof[] = [];
const must: Proof[] = [];
try {
  const cutShort = await carryOutAll(namespace).then(
    () => null,
    (error: Error) => error.message,
  );
  const kept = toLongProof(
    { proofs, must, cutShort },
    { rate: load.rate, requests: Number(values.requests) },
  );
  if (proofs.length > 0) await keep(kept);
  console.log(`\n${kept.verdict.sentence}`);
  process.exitCode = EXIT_CODES[kept.verdict.exit].code;
} finally {
  manifests.remove();
  await namespace.delete();
}

/** Rejects with why it came to no end. */
async function carryOutAll(target: Namespace): Promise<void> {
  await manifests.setImage('prod', images.first.reference);
  const overlay = manifests.addOverlay('tenant', { namespace: target.name, resources: ['../prod'] });
  await target.create();
  await target.kubectl('apply', '-k', overlay);
  await awaitQuiet(target, 3);

  const round: readonly Attempt[] = [
    { disruption: 'rollout' },
    { disruption: 'rollout', image: images.second.reference },
    { disruption: 'scale' },
    { disruption: 'drain' },
    { disruption: 'kill' },
  ];
  const count = () => proofs.reduce((sum, { planned }) => sum + planned, 0);
  for (let at = 0; at < MAX_ROUNDS && count() < Number(values.requests); at += 1) {
    for (const attempt of round) {
      console.log(`\n# ${proofs.length + 1} ${attempt.disruption}, after ${count()} requests`);
      await add(proofs, { ...attempt, load });
    }
  }

  console.log('\n# a deletion by force');
  await add(must, { disruption: 'kill', isForced: true, load });
  console.log('\n# a node without power');
  await awaitQuiet(target, 3);
  await add(must, { disruption: 'run', run: (signal) => cutPower(target, signal), load: POWERLESS_LOAD });

  async function add(to: Proof[], attempt: Attempt): Promise<void> {
    interruption.signal.throwIfAborted();
    const proof = await prove(target.name, { ...attempt, signal: interruption.signal });
    to.push(proof);
    // The next disruption would take the damage for the state to restore.
    if (proof.leftBehind.length > 0) throw new Error(`not undone: ${proof.leftBehind.join(', ')}`);
  }
}

/** Until the node is known as lost, then so long that a loss after it would show, then back on. */
async function cutPower(target: Namespace, signal: AbortSignal): Promise<void> {
  const [pod] = await target.pods();
  const node = pod?.spec.nodeName ?? '';
  const isReady = async () => {
    const { status } = await target.get<{ status: { conditions: { type: string; status: string }[] } }>(
      `node/${node}`,
    );
    return status.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  };
  saw(`${node} loses power`);
  await shell(process.env.E2E_POWER_OFF ?? 'docker stop', node);
  try {
    await until(`${node} to be known as lost`, NODE_TIMEOUT_MS, async () => {
      signal.throwIfAborted();
      return (await isReady()) ? undefined : true;
    });
    await sleep(AFTER_NODE_MS, undefined, { signal });
  } finally {
    await shell(process.env.E2E_POWER_ON ?? 'docker start', node);
  }
  await until(`${node} to be ready again`, NODE_TIMEOUT_MS, async () =>
    (await isReady()) ? true : undefined,
  );
  saw(`${node} is ready again`);
}

async function shell(command: string, node: string): Promise<void> {
  const { code, stdout, stderr } = await run('sh', ['-c', `${command} "$@"`, 'power', node]);
  if (code !== 0) throw new Error(`${command} ${node}: ${stderr}${stdout}`);
}

async function keep(kept: LongProof): Promise<void> {
  const directory = values.directory ?? PAGES_DIRECTORY;
  mkdirSync(directory, { recursive: true });
  writeLongProof(values.directory ?? DOCS_DIRECTORY, kept);
  const assets = await loadPageAssets();
  for (const [name, some] of [
    ['proof.html', proofs],
    ['losses.html', must],
  ] as const) {
    if (some.length === 0) continue;
    const series: Series = { proofs: some, controls: [], cutShort: null };
    writeFileSync(join(directory, name), formatFlightPage(series, assets));
    saw(`${join(directory, name)}: ${toSeriesVerdict(series).sentence}`);
  }
  if (values.directory === undefined) writeFileSync(PAGE, replaceBlock(PAGE, formatLongProof(kept)));
}

import { isDeepStrictEqual } from 'node:util';
import { type Command, defineCommand } from '../cli/command.ts';
import { Fault } from '../cli/fault.ts';
import { readInput } from '../cli/input-file.ts';
import type { World } from '../cli/world.ts';
import type { Api } from '../kube/api.ts';
import { openCluster } from '../kube/cluster.ts';
import { type ClusterOptions, createClusterScene } from '../kube/cluster-scene.ts';
import { toDirectProbeOptions } from '../kube/direct-request.ts';
import { type DisruptedTarget, findTarget, type TargetName } from '../kube/disrupted-target.ts';
import { findContext } from '../kube/kubeconfig.ts';
import { parseManifests } from '../kube/object.ts';
import { readPermissions, TO_FIND_WORKLOADS, toPermissions } from '../kube/permission.ts';
import { checkReachable } from '../load/reach.ts';
import { toTarget } from '../load/target-url.ts';
import { createFleetScene } from '../local/fleet-scene.ts';
import { FLEET_DEFAULTS, type FleetSetup, toFleetOptions } from '../local/fleet-setup.ts';
import { type ManifestFleet, toManifestFleet } from '../local/manifest.ts';
import { findPidOne, PID_ONE_TEXTS } from '../local/pid-one.ts';
import { runInShell } from '../local/shell-command.ts';
import type { Proof } from '../proof/judgement.ts';
import { readNames } from '../proof/name-field.ts';
import { presentProof, presentSeries } from '../proof/presentation.ts';
import { createProgressLog } from '../proof/progress.ts';
import { carryOut } from '../proof/proof.ts';
import { DEFAULT_LOAD, PROOF_PHASES, type ProofLoad, toLoadSpec } from '../proof/proof-load.ts';
import { nameRemovals, REMOVALS, type Removal, SUBSTITUTES, toOwnEnv } from '../proof/safeguard.ts';
import type { Disruption, Opening, Scene } from '../proof/scene.ts';
import { prepareOutputs, toTextOutput } from '../report/presentation.ts';
import { checkScopes } from '../report/requirement.ts';
import { runInCluster } from './in-cluster.ts';
import { readProofLoad } from './load-options.ts';
import {
  checkCounts,
  isLocal,
  NOTES,
  OPTIONS,
  POSITIONALS,
  type ProveOptions,
  RELATIONS,
  RETIRED,
  WORDS,
} from './prove-options.ts';

export const prove: Command = defineCommand({
  name: 'prove',
  summary: 'disrupt a target under load: 0 lost, or each loss with its pod, its cause and the fix',
  positionals: POSITIONALS,
  options: OPTIONS,
  relations: RELATIONS,
  retired: RETIRED,
  words: WORDS,
  notes: NOTES,
  examples: [
    {
      line: 'dropless prove rollout --local --with-controls',
      shows: 'the reference service and what each of its safeguards is worth; takes about a minute',
    },
    {
      line: 'dropless prove rollout --local --command "node server.js" --ready-path /healthz --endpoint "GET /"',
      shows: 'a server of your own',
    },
    {
      line: 'dropless prove rollout --local --command "node server.js" --manifest web.yaml --endpoint "GET /"',
      shows: 'the same, with the probe, preStop, grace period and strategy of a Deployment in a file',
    },
    {
      line: 'dropless prove rollout deploy/web -n shop --endpoint "GET /"',
      shows: 'a restart of a Deployment of the current context, under load on its Service',
    },
    {
      line: 'dropless prove rollout scale drain kill deploy/web -n shop --rounds 5 --html proof.html',
      shows: 'twenty disruptions in a row under one verdict, every second of them on a page',
    },
    {
      line: 'dropless prove drain deploy/web -n shop --url https://shop.test/',
      shows: 'eviction of its pods from one node, under load on an address of your choice',
    },
    {
      line: 'dropless prove rollout deploy/web -n shop --without preStop=1s',
      shows: 'what a preStop of one second would lose; the Deployment is restored afterwards',
    },
    {
      line: 'dropless prove rollout kill sts/db -n shop --endpoint "GET /"',
      shows:
        'the same for a StatefulSet; ds/NAME, rollout/NAME (Argo Rollouts) and svc/NAME are targets, too',
    },
  ],
  run: async ({ options, positionals, given }, world) => {
    const { disruptions, target } = positionals;
    checkCounts(positionals, options);
    const isOnCluster = target !== null;
    if (!isOnCluster) await checkPlace(options, world);
    const manifest = await readManifest(options, world);
    const load = await toLoad(options, isOnCluster, world);
    // Faults in the load are reported before anything is touched.
    const { endpoints } = toLoadSpec(options.url ?? new URL('http://localhost/'), load).plan;
    checkScopes(options.require, [...endpoints.map(({ name }) => name), ...PROOF_PHASES]);
    const hasControl = options['with-controls'] || options.without.length > 0;
    const isRestored = hasControl || (options.image !== undefined && !options.keep);
    const undertaking = { disruptions, hasControl, isRestored };
    if (options['in-cluster'] && target !== null) {
      const { api, namespace, workload } = await openTarget(target, options, world);
      const permissions = await readPermissions(api, namespace, workload, (of) => [
        ...(target.type === 'Service' ? TO_FIND_WORKLOADS : []),
        ...toPermissions({ ...undertaking, ...of }),
      ]);
      return runInCluster({ api, namespace }, { command: prove, given, choice: options, permissions }, world);
    }
    await prepareOutputs(options, world);
    const cluster = target === null ? null : await openTarget(target, options, world);
    const fleet: FleetPlace = { manifest, pidOne: isOnCluster ? 'none' : await findPidOne() };
    const notes = isOnCluster ? [] : [PID_ONE_TEXTS[fleet.pidOne].note, ...(manifest?.notes ?? [])];
    for (const note of notes) world.stderr.write(`${note}\n`);
    const proofs: Proof[] = [];
    const controls: Proof[] = [];
    let cutShort: string | null = null;
    let toPatch: Scene['toPatch'] = () => null;

    async function attempt(
      disruption: Disruption,
      without: readonly Removal[],
      into: Proof[],
    ): Promise<void> {
      if (world.interrupted.aborted || cutShort !== null) return;
      try {
        const outcome = await proveOnce(
          { disruption, undertaking, without, cluster, fleet, load },
          options,
          world,
        );
        if (outcome.kind === 'not-applicable') {
          if (into === proofs) cutShort = outcome.reason;
          else toTextOutput(options, world).write(`${outcome.reason}\n`);
          return;
        }
        const { proof } = outcome;
        into.push(proof);
        if (into === proofs) toPatch = outcome.toPatch;
        presentProof(proof, into === controls ? (proofs[0] ?? null) : null, toTextOutput(options, world));
        // The next disruption would take the damage for the state to restore.
        if (proof.leftBehind.length > 0) cutShort = `the ${disruption} was not undone`;
      } catch (fault) {
        const { exit = null, leftBehind = [] } = fault instanceof Fault ? fault : {};
        if (world.interrupted.aborted && leftBehind.length === 0) return;
        // What is proven so far must not be lost because the next one cannot start.
        if (proofs.length === 0 && exit !== 'inconclusive') throw fault;
        cutShort = `the ${disruption} has no proof: ${(fault as Error).message}`;
      }
    }

    for (let round = 0; round < options.rounds; round += 1) {
      for (const disruption of disruptions) await attempt(disruption, options.without, proofs);
    }
    const [disruption] = disruptions;
    if (options['with-controls'] && disruption !== undefined) {
      for (const removal of REMOVALS) await attempt(disruption, [removal], controls);
      if (isHiddenBySubstitute(controls)) await attempt(disruption, SUBSTITUTES, controls);
    }
    const isComplete = proofs.length === disruptions.length * options.rounds;
    if (world.interrupted.aborted && (!isComplete || options['with-controls'])) {
      cutShort ??= 'it was interrupted';
    }
    return presentSeries({ proofs, controls, cutShort }, toPatch, options, world);
  },
});

/** Were both tried, and did the removal of one alone lose nothing? */
function isHiddenBySubstitute(controls: readonly Proof[]): boolean {
  const alone = SUBSTITUTES.flatMap((removal) =>
    controls.filter(({ without }) => isDeepStrictEqual(without, [removal])),
  );
  return alone.length === SUBSTITUTES.length && alone.some(({ verdict }) => verdict.kind !== 'losses');
}

/** A local rollout is over in seconds. */
const LOCAL_CONN_MAX_AGE_MS = 5_000;
/** Time beyond the lame duck, so that requests are in flight when it is over. */
const LOCAL_HELD_BEYOND_MS = 1_000;

/**
 * The local fleet proves nothing about a cluster: where one is configured, the fleet must be asked for.
 * @throws {Fault} where neither was
 */
async function checkPlace(options: ProveOptions, { env }: World): Promise<void> {
  if (isLocal(options)) return;
  const context = await findContext(env);
  if (context === null) return;
  throw new Fault(
    `name a target in the cluster of context ${JSON.stringify(context)}, for example deploy/web, or give --local for a fleet on this machine`,
  );
}

/** Null: there is none. */
async function readManifest(options: ProveOptions, world: World): Promise<ManifestFleet | null> {
  const { manifest: path } = options;
  if (path === undefined) return null;
  const objects = parseManifests(await readInput('--manifest', path, world), path);
  return toManifestFleet(objects, path, {
    container: options.container ?? null,
    replicas: options.replicas ?? null,
    readyPath: options['ready-path'] ?? null,
    preStopMs: options['pre-stop'] ?? null,
    env: world.env,
  });
}

async function toLoad(options: ProveOptions, isOnCluster: boolean, world: World): Promise<ProofLoad> {
  const isScaledDown = !isOnCluster && options.manifest === undefined;
  const lameDuckMs = options['lame-duck'] ?? FLEET_DEFAULTS.lameDuckMs;
  const heldMs = isScaledDown ? lameDuckMs + LOCAL_HELD_BEYOND_MS : DEFAULT_LOAD.heldMs;
  return readProofLoad(
    options,
    {
      heldMs,
      connMaxAgeMs: isOnCluster ? DEFAULT_LOAD.connMaxAgeMs : LOCAL_CONN_MAX_AGE_MS,
    },
    world,
  );
}

interface Attempt {
  readonly disruption: Disruption;
  readonly undertaking: ClusterOptions['undertaking'];
  readonly without: readonly Removal[];
  /** Null: the local fleet. */
  readonly cluster: Cluster | null;
  readonly fleet: FleetPlace;
  readonly load: ProofLoad;
}

/** What the local fleet is made from, besides flags. */
type FleetPlace = Pick<FleetSetup, 'manifest' | 'pidOne'>;

interface Cluster extends DisruptedTarget {
  readonly api: Api;
  readonly namespace: string;
}

/** @throws {Fault} where there is no way to the cluster, or the target means no workload of it */
async function openTarget(name: TargetName, options: ProveOptions, { env }: World): Promise<Cluster> {
  const { api, namespace } = await openCluster(options, env);
  return { api, namespace, ...(await findTarget(api, namespace, name)) };
}

type Outcome =
  | { readonly kind: 'proof'; readonly proof: Proof; readonly toPatch: Scene['toPatch'] }
  | Extract<Opening, { readonly kind: 'not-applicable' }>;

async function proveOnce(attempt: Attempt, options: ProveOptions, world: World): Promise<Outcome> {
  const { disruption, without, cluster, load } = attempt;
  world.stderr.write(
    `prove ${disruption}${without.length === 0 ? '' : `, without ${nameRemovals(without)}`} ...\n`,
  );
  const log = createProgressLog(world.stderr, world.env);
  const opening = await openScene(attempt, options, world, log.tell);
  if (opening.kind === 'not-applicable') return opening;
  const { scene } = opening;
  log.tell(`${scene.url.href} is under load`);
  const given = toLoadSpec(scene.url, load);
  // The local fleet knows where each connection leads.
  const isNameKnown = cluster === null || options['pod-header'] !== undefined;
  const spec = isNameKnown ? given : await readNames(given, scene, log.tell);
  const edgeMs = cluster === null ? 1_000 : 5_000;
  try {
    const proof = await carryOut(
      {
        disruption,
        without,
        allowed: options.allow,
        baselineMs: options.baseline ?? edgeMs,
        tailMs: options.tail ?? edgeMs,
        // Without a safeguard, different latencies are to be expected.
        requirements: without.length === 0 ? options.require : [],
      },
      spec,
      scene,
      world.interrupted,
      log.show,
    );
    return { kind: 'proof', proof, toPatch: scene.toPatch };
  } finally {
    log.end();
  }
}

async function openScene(
  { disruption, undertaking, without, cluster, fleet, load }: Attempt,
  options: ProveOptions,
  { env, interrupted, readText }: World,
  tell: (step: string) => void,
): Promise<Opening> {
  if (cluster !== null) {
    return createClusterScene(
      cluster.api,
      {
        namespace: cluster.namespace,
        workload: cluster.workload,
        service: cluster.service,
        container: options.container ?? null,
        url: options.url ?? null,
        checkReachable: (url) => checkReachable(toTarget(url, load.access)),
        toProbes: options['no-pod-probes']
          ? null
          : (url) => toDirectProbeOptions(toLoadSpec(url, load), readText),
        disruption,
        undertaking,
        without,
        isForced: options.force,
        image: options.image ?? null,
        isImageKept: options.keep,
        scaleBy: options.by,
        node: options.node ?? null,
        run: (signal) => runInShell(options.do ?? '', signal),
      },
      interrupted,
      tell,
    );
  }
  if (disruption === 'run') throw new Fault('run needs TYPE/NAME, a target in a cluster');
  const unread = Object.keys(toOwnEnv(without)).filter(
    (name) => env[name] === undefined && fleet.manifest?.env[name] === undefined,
  );
  if (options.command !== undefined && unread.length > 0) {
    const reason = `${JSON.stringify(options.command)} is not known to read ${unread.join(' and ')}, so ${nameRemovals(without)} cannot be removed: if it does, set the variable in the environment`;
    return { kind: 'not-applicable', reason };
  }
  const fleetOptions = toFleetOptions(
    {
      command: options.command ?? null,
      replicas: options.replicas,
      readyPath: options['ready-path'],
      propagationMs: options.propagation,
      latencyMs: options.latency,
      preStopMs: options['pre-stop'],
      lameDuckMs: options['lame-duck'],
      graceMs: options.grace,
      minReadyMs: options['min-ready'],
      ...fleet,
    },
    without,
    env,
  );
  const given = { kind: disruption, isForced: options.force, scaleBy: options.by };
  return { kind: 'open', scene: await createFleetScene(fleetOptions, given, interrupted) };
}

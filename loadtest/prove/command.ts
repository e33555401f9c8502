import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { defineCommand } from '../command.ts';
import { parseEndpoint, parseHeader } from '../endpoint.ts';
import type { Exit } from '../exit-code.ts';
import { FleetError } from '../fleet/fleet.ts';
import { createFleetScene } from '../fleet/fleet-scene.ts';
import { toFleetOptions } from '../fleet/fleet-setup.ts';
import { readInput } from '../input-file.ts';
import { type Api, ApiError, createApi } from '../kubernetes/api.ts';
import { ControlNotApplicable, createClusterScene } from '../kubernetes/cluster-scene.ts';
import { readAccess } from '../kubernetes/kubeconfig.ts';
import {
  choice,
  duration,
  integer,
  number,
  type OptionValues,
  optional,
  repeatable,
  text,
  toggle,
  withDefault,
} from '../option.ts';
import { loadPageAssets } from '../page/assets.ts';
import { prepareOutputs } from '../presentation.ts';
import { parseTargetUrl } from '../target-url.ts';
import { UsageError } from '../usage-error.ts';
import type { TextOutput, World } from '../world.ts';
import {
  CONTROL_IDS,
  CONTROLS,
  type ControlId,
  describeControls,
  nameControls,
  SUBSTITUTES,
} from './control.ts';
import { formatFlightPage } from './flight-page.ts';
import { DEFAULT_LOAD, type Load, toWitnessSpec } from './load.ts';
import { createProgressLog } from './progress.ts';
import { carryOut, type Proof } from './proof.ts';
import { DISTURBANCES, type Disturbance, type Scene } from './scene.ts';
import { formatSeries, type Series, toSeriesVerdict } from './series.ts';
import { formatControls, formatProof, toSentence } from './summary.ts';

const HOUR_MS = 3_600_000;
/** A local rollout is over in seconds. */
const LOCAL_CONN_MAX_AGE_MS = 5_000;

const removes = CONTROL_IDS.map(
  (id) => `${id} ${CONTROLS[id].onCluster}, on the local fleet ${CONTROLS[id].onFleet}`,
);

const OPTIONS = {
  control: repeatable(
    choice(`Take one safeguard away for this run, and expect losses: ${removes.join('; ')}`, CONTROL_IDS),
  ),
  'with-controls': toggle('After the proof, take each safeguard away in turn, and compare'),
  rounds: withDefault('1', integer('All disturbances so many times over', { min: 1, max: 1_000 })),
  rate: withDefault(String(DEFAULT_LOAD.rate), number('R', 'Requests per second', { min: 1, max: 100_000 })),
  endpoint: repeatable({
    placeholder: 'ENDPOINT',
    help: "'METHOD /path [weight] [expected status]'; without one the URL's path, or /health, /payload, /metrics and /version in equal parts",
    parse: parseEndpoint,
  }),
  header: repeatable({
    placeholder: 'HEADER',
    help: "'Name: value', sent with every request",
    parse: parseHeader,
  }),
  fresh: withDefault(
    String(DEFAULT_LOAD.freshShare),
    number('SHARE', 'Part of the requests that open a connection of their own', { min: 0, max: 1 }),
  ),
  'conn-max-age': optional(
    duration('Age at which a kept connection is replaced, so that new pods are reached [20s, local 5s]', {
      min: 100,
      max: HOUR_MS,
    }),
  ),
  timeout: withDefault('5s', duration('Deadline of each request', { min: 1, max: HOUR_MS })),
  baseline: optional(duration('Load before the disturbance [5s, local 1s]', { min: 0, max: HOUR_MS })),
  tail: optional(duration('Load after the target is quiet again [5s, local 1s]', { min: 0, max: HOUR_MS })),
  'pod-header': withDefault(DEFAULT_LOAD.podHeader, text('NAME', 'Answer header that names the pod')),
  'version-header': withDefault(
    DEFAULT_LOAD.versionHeader,
    text('NAME', 'Answer header that names the version'),
  ),
  ca: optional(text('FILE', 'PEM file of the authority that signs the target’s certificate')),
  insecure: toggle('Accept any certificate'),
  seed: withDefault('1', integer('Same seed, same plan', { min: 0, max: 4_294_967_295 })),
  force: toggle('kill: without any grace, as after kubectl delete --force'),
  deployment: optional(
    text('NAME', 'The Deployment to disturb; without one, and with --local, a fleet on this machine'),
  ),
  namespace: optional(text('NAME', 'Its namespace [that of the context]')),
  context: optional(text('NAME', 'Context of the kubeconfig [the current one]')),
  url: optional({
    placeholder: 'URL',
    help: 'Where the load goes [the address of the Service that selects the pods]',
    parse: parseTargetUrl,
  }),
  image: optional(text('IMAGE', 'rollout: to this image, and back afterwards, instead of a restart')),
  keep: toggle('rollout: leave the new image in place'),
  by: withDefault('2', integer('scale: replicas to add, and to take away again', { min: 1, max: 100 })),
  do: optional(text('COMMAND', 'run: what disturbs, for a shell')),
  node: optional(text('NAME', 'drain: the node [the one with the most pods of the Deployment]')),
  local: toggle('On this machine, without Kubernetes; the default where no Deployment is named'),
  command: optional(
    text('COMMAND', 'Local: a server to run instead of this project’s, which must listen on $PORT'),
  ),
  replicas: withDefault('3', integer('Local: replicas', { min: 1, max: 20 })),
  'ready-path': withDefault('/ready', text('PATH', 'Local: what the readiness probe asks')),
  propagation: withDefault(
    '1500ms',
    duration('Local: how late the balancer hears that an endpoint is gone', { min: 0, max: 60_000 }),
  ),
  latency: withDefault('15ms', duration('Local: one way, between clients and pods', { min: 0, max: 1_000 })),
  'pre-stop': withDefault(
    '2500ms',
    duration('Local: between the deletion of a pod and SIGTERM', { min: 0, max: HOUR_MS }),
  ),
  'lame-duck': withDefault('1s', duration('Local: LAME_DUCK_MS of the server', { min: 0, max: HOUR_MS })),
  grace: withDefault(
    '10s',
    duration('Local: between the deletion of a pod and SIGKILL', { min: 0, max: HOUR_MS }),
  ),
  'min-ready': withDefault('500ms', duration('Local: minReadySeconds', { min: 0, max: HOUR_MS })),
  json: optional(
    text('FILE', 'Write the proofs as JSON; - is standard output, and the text then goes to standard error'),
  ),
  html: optional(text('FILE', 'Write the flight recorder: a page that needs nothing else')),
};

type ProveOptions = OptionValues<typeof OPTIONS>;

export const prove = defineCommand({
  name: 'prove',
  summary: 'disturb a target under load: 0 lost, or each loss with its pod, its cause and the fix',
  positionals: { placeholder: `${Object.keys(DISTURBANCES).join('|')}...`, min: 1, max: 20 },
  options: OPTIONS,
  examples: [
    {
      line: 'loadtest prove rollout --local --with-controls',
      shows: 'this project’s service, and what each of its safeguards is worth; about a minute',
    },
    {
      line: 'loadtest prove rollout --local --command "node server.js" --ready-path /healthz --endpoint "GET /"',
      shows: 'a server of your own',
    },
    {
      line: 'loadtest prove rollout --deployment web --namespace shop --endpoint "GET /"',
      shows: 'a restart of a Deployment of the current context, under load on its Service',
    },
    {
      line: 'loadtest prove rollout scale drain kill --rounds 5 --deployment web --namespace shop --html proof.html',
      shows: 'twenty disturbances in a row, judged as one, with every second of them on a page',
    },
    {
      line: 'loadtest prove drain --deployment web --namespace shop --url https://shop.test/',
      shows: 'an eviction of its pods from one node, under load on an address of your choice',
    },
  ],
  run: async ({ options, positionals }, world) => {
    const disturbances = positionals.map(parseDisturbance);
    checkTogether(disturbances, options);
    await prepareOutputs(options, world);
    const api = options.local || options.deployment === undefined ? null : await connect(options, world);
    const proofs: Proof[] = [];
    const controls: Proof[] = [];
    const notApplicable: string[] = [];
    let cutShort: string | null = null;
    const attempt = async (
      disturbance: Disturbance,
      without: readonly ControlId[],
      into: Proof[],
    ): Promise<void> => {
      if (world.interrupted.aborted || cutShort !== null) return;
      try {
        const proof = await proveOnce({ disturbance, without, api }, options, world);
        if (proof === null) return;
        into.push(proof);
        toOutput(options, world).write(`${formatHeading(proof)}\n\n${formatBody(proof, options)}\n\n`);
      } catch (error) {
        if (error instanceof ControlNotApplicable) notApplicable.push(error.message);
        // What is proven by now shall not be lost for what cannot be begun.
        else if (proofs.length > 0 && error instanceof UsageError) {
          cutShort = `${disturbance} could not begin: ${error.message}`;
        } else throw error;
      }
    };
    for (let round = 0; round < options.rounds; round += 1) {
      for (const disturbance of disturbances) await attempt(disturbance, options.control, proofs);
    }
    const [disturbance] = disturbances;
    if (options['with-controls'] && disturbance !== undefined) {
      for (const control of CONTROL_IDS) await attempt(disturbance, [control], controls);
      if (isHiddenBySubstitute(controls)) await attempt(disturbance, SUBSTITUTES, controls);
    }
    for (const message of notApplicable) toOutput(options, world).write(`${message}\n`);
    if (world.interrupted.aborted && proofs.length < disturbances.length * options.rounds) {
      cutShort = 'it was interrupted';
    }
    return conclude({ proofs, controls, cutShort }, options, world);
  },
});

/** @throws {UsageError} where one argument makes no sense beside another */
function checkTogether(disturbances: readonly Disturbance[], options: ProveOptions): void {
  if ((options.do === undefined) === disturbances.includes('run')) {
    throw new UsageError('run and --do go together');
  }
  if (options.force && !disturbances.includes('kill')) throw new UsageError('--force goes with kill only');
  if (options.control.length > 0 && options['with-controls']) {
    throw new UsageError('--control and --with-controls exclude each other');
  }
  if (options['with-controls'] && disturbances.length * options.rounds > 1) {
    throw new UsageError('--with-controls goes with one disturbance, in one round');
  }
}

function isHiddenBySubstitute(controls: readonly Proof[]): boolean {
  return SUBSTITUTES.some((control) =>
    controls.some(({ without, lost }) => without.length === 1 && without[0] === control && lost === 0),
  );
}

/** Changes when a reader of the old one would misread the new one. */
const SCHEMA = 'dropless.proof/2';
const STANDARD_OUTPUT = '-';

/** Standard output holds the JSON alone, where it is to go there. */
function toOutput({ json }: ProveOptions, { stdout, stderr }: World): TextOutput {
  return json === STANDARD_OUTPUT ? stderr : stdout;
}

function parseDisturbance(given: string): Disturbance {
  if (Object.hasOwn(DISTURBANCES, given)) return given as Disturbance;
  throw new UsageError(
    `unknown disturbance ${JSON.stringify(given)}; there are ${Object.keys(DISTURBANCES).join(', ')}`,
  );
}

interface Attempt {
  readonly disturbance: Disturbance;
  readonly without: readonly ControlId[];
  /** Null: the local fleet. */
  readonly api: Connection | null;
}

interface Connection {
  readonly api: Api;
  readonly namespace: string;
  readonly deployment: string;
}

/** @throws {UsageError} where there is no cluster to reach */
async function connect(
  { context, namespace, deployment = '' }: ProveOptions,
  { env }: World,
): Promise<Connection> {
  const access = await readAccess({ context: context ?? null, env });
  if (access === null) throw new UsageError('no cluster is configured: set KUBECONFIG, or use --local');
  return { api: createApi(access), namespace: namespace ?? access.namespace, deployment };
}

/** Null: interrupted before there was any load. */
async function proveOnce(attempt: Attempt, options: ProveOptions, world: World): Promise<Proof | null> {
  const { disturbance, without, api } = attempt;
  world.stderr.write(
    `prove ${disturbance}${without.length === 0 ? '' : `, without ${nameControls(without)}`} ...\n`,
  );
  const scene = await openScene(attempt, options, world).catch((error: Error) => {
    if (world.interrupted.aborted) return null;
    throw error instanceof FleetError || error instanceof ApiError ? new UsageError(error.message) : error;
  });
  if (scene === null) return null;
  const spec = toWitnessSpec(scene.url, await toLoad(options, world));
  world.stderr.write(`${scene.url.href} is under load\n`);
  const edgeMs = api === null ? 1_000 : 5_000;
  const log = createProgressLog(world.stderr, world.env);
  try {
    return await carryOut(
      { disturbance, without, baselineMs: options.baseline ?? edgeMs, tailMs: options.tail ?? edgeMs },
      spec,
      scene,
      world.interrupted,
      log.show,
    );
  } finally {
    log.end();
  }
}

/** What it prints goes to standard error. Rejects where it does not exit with 0. */
async function runInShell(command: string, signal: AbortSignal): Promise<void> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 2, 2], signal });
  const [code, by] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${JSON.stringify(command)} ended with ${by ?? `code ${code}`}`);
}

async function openScene(
  { disturbance, without, api }: Attempt,
  options: ProveOptions,
  { env, interrupted, stderr }: World,
): Promise<Scene> {
  if (api !== null) {
    return createClusterScene(
      api.api,
      {
        namespace: api.namespace,
        deployment: api.deployment,
        url: options.url ?? null,
        disturbance,
        without,
        isForced: options.force,
        image: options.image ?? null,
        isImageKept: options.keep,
        scaleBy: options.by,
        node: options.node ?? null,
        run: (signal) => runInShell(options.do ?? '', signal),
      },
      interrupted,
      (step) => stderr.write(`${step}\n`),
    );
  }
  const fleet = toFleetOptions(
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
    },
    without,
    env,
  );
  if (disturbance === 'run') throw new UsageError('run needs a cluster: name a --deployment');
  return createFleetScene(fleet, { kind: disturbance, isForced: options.force }, interrupted);
}

async function toLoad(options: ProveOptions, world: World): Promise<Load> {
  const isLocal = options.local || options.deployment === undefined;
  return {
    rate: options.rate,
    endpoints: options.endpoint,
    headers: Object.fromEntries(options.header),
    freshShare: options.fresh,
    connMaxAgeMs: options['conn-max-age'] ?? (isLocal ? LOCAL_CONN_MAX_AGE_MS : DEFAULT_LOAD.connMaxAgeMs),
    timeoutMs: options.timeout,
    podHeader: options['pod-header'],
    versionHeader: options['version-header'],
    seed: options.seed,
    ca: options.ca === undefined ? null : await readInput('--ca', options.ca, world),
    isVerified: !options.insecure,
  };
}

function formatHeading({ disturbance, without }: Proof): string {
  const lacking = `${disturbance}, without ${nameControls(without)}: ${describeControls(without)}`;
  const heading = without.length === 0 ? disturbance : lacking;
  return `${heading}\n${'-'.repeat(heading.length)}`;
}

/** Of many proofs in a row only the first is told in full. */
function formatBody(proof: Proof, options: ProveOptions): string {
  return options['with-controls'] && proof.without.length > 0 ? toSentence(proof) : formatProof(proof);
}

async function conclude(series: Series, options: ProveOptions, world: World): Promise<Exit> {
  const { proofs, controls, cutShort } = series;
  const [first] = proofs;
  if (first === undefined) return 'inconclusive';
  const output = toOutput(options, world);
  if (controls.length > 0) output.write(`${formatControls(first, controls)}\n\n${toSentence(first)}\n`);
  if (proofs.length > 1 || cutShort !== null) output.write(`${formatSeries(series)}\n`);
  const verdict = toSeriesVerdict(series);
  const report = `${JSON.stringify({ schema: SCHEMA, verdict, proofs, controls })}\n`;
  if (options.json === STANDARD_OUTPUT) world.stdout.write(report);
  else if (options.json !== undefined) await world.writeText(options.json, report);
  if (options.html !== undefined) {
    await world.writeText(options.html, formatFlightPage(series, await loadPageAssets()));
  }
  return verdict.exit;
}

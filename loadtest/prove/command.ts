import { defineCommand } from '../command.ts';
import { chooseEndpoints, parseEndpoint, parseHeader } from '../endpoint.ts';
import type { Exit } from '../exit-code.ts';
import { FleetError } from '../fleet/fleet.ts';
import { createFleetScene } from '../fleet/fleet-scene.ts';
import { toFleetOptions } from '../fleet/fleet-setup.ts';
import { readInput } from '../input-file.ts';
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
import type { Endpoint } from '../settlement.ts';
import { parseTargetUrl, toTarget } from '../target-url.ts';
import { UsageError } from '../usage-error.ts';
import type { World } from '../world.ts';
import { CONTROL_IDS, CONTROLS, type ControlId } from './control.ts';
import { carryOut, type Proof } from './proof.ts';
import { DISTURBANCES, type Disturbance, type Scene } from './scene.ts';
import { formatControls, formatProof, toSentence } from './summary.ts';
import type { WitnessSpec } from './witness.ts';

const HOUR_MS = 3_600_000;
const MAX_PROOF_MS = 24 * HOUR_MS;

const removes = CONTROL_IDS.map(
  (id) => `${id} ${CONTROLS[id].onCluster}, on the local fleet ${CONTROLS[id].onFleet}`,
);

const OPTIONS = {
  control: optional(
    choice(`Take one safeguard away for this run, and expect losses: ${removes.join('; ')}`, CONTROL_IDS),
  ),
  'with-controls': toggle('After the proof, take each safeguard away in turn, and compare'),
  rate: withDefault('400', number('R', 'Requests per second', { min: 1, max: 100_000 })),
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
    '0.4',
    number('SHARE', 'Part of the requests that open a connection of their own', { min: 0, max: 1 }),
  ),
  'conn-max-age': withDefault(
    '5s',
    duration('Age at which a kept connection is replaced, so that new pods are reached', {
      min: 100,
      max: HOUR_MS,
    }),
  ),
  timeout: withDefault('5s', duration('Deadline of each request', { min: 1, max: HOUR_MS })),
  baseline: withDefault('2s', duration('Load before the disturbance', { min: 0, max: HOUR_MS })),
  tail: withDefault('2s', duration('Load after the target is quiet again', { min: 0, max: HOUR_MS })),
  'pod-header': withDefault('X-Pod', text('NAME', 'Answer header that names the pod')),
  'version-header': withDefault('X-Version', text('NAME', 'Answer header that names the version')),
  ca: optional(text('FILE', 'PEM file of the authority that signs the target’s certificate')),
  insecure: toggle('Accept any certificate'),
  seed: withDefault('1', integer('Same seed, same plan', { min: 0, max: 4_294_967_295 })),
  force: toggle('kill: without any grace, as after kubectl delete --force'),
  local: toggle('On this machine, without Kubernetes; the default where no cluster is configured'),
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
  json: optional(text('FILE', 'Write the proofs as JSON')),
};

type ProveOptions = OptionValues<typeof OPTIONS>;

/** All of this service's routes but /ready: what that answers while draining is a message, and no loss. */
const OWN_ENDPOINTS = ['GET /health', 'GET /payload', 'GET /metrics', 'GET /version'].map(parseEndpoint);

const LIMITS = { maxLineBytes: 16_384, maxHeadBytes: 65_536, maxFields: 256, maxBodyBytes: 16 * 1024 * 1024 };

export const prove = defineCommand({
  name: 'prove',
  summary: 'disturb a target under load: 0 lost, or each loss with its pod, its cause and the fix',
  positionals: { placeholder: Object.keys(DISTURBANCES).join('|'), min: 1, max: 1 },
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
  ],
  run: async ({ options, positionals }, world) => {
    const disturbance = parseDisturbance(positionals[0] ?? '');
    if (options.force && disturbance !== 'kill') throw new UsageError('--force goes with kill only');
    if (options.control !== undefined && options['with-controls']) {
      throw new UsageError('--control and --with-controls exclude each other');
    }
    const controls: readonly (ControlId | null)[] = options['with-controls']
      ? [null, ...CONTROL_IDS]
      : [options.control ?? null];
    const proofs: Proof[] = [];
    for (const control of controls) {
      if (world.interrupted.aborted) break;
      const proof = await proveOnce(disturbance, control, options, world);
      if (proof === null) break;
      proofs.push(proof);
      world.stdout.write(`${formatHeading(proof)}\n\n${formatBody(proof, options)}\n\n`);
    }
    return conclude(proofs, options, world);
  },
});

function parseDisturbance(given: string): Disturbance {
  if (Object.hasOwn(DISTURBANCES, given)) return given as Disturbance;
  throw new UsageError(
    `unknown disturbance ${JSON.stringify(given)}; there are ${Object.keys(DISTURBANCES).join(', ')}`,
  );
}

/** Null: interrupted before there was any load. */
async function proveOnce(
  disturbance: Disturbance,
  control: ControlId | null,
  options: ProveOptions,
  world: World,
): Promise<Proof | null> {
  world.stderr.write(`prove ${disturbance}${control === null ? '' : `, without ${control}`} ...\n`);
  const scene = await openScene(disturbance, control, options, world).catch((error: Error) => {
    if (world.interrupted.aborted) return null;
    throw error instanceof FleetError ? new UsageError(error.message) : error;
  });
  if (scene === null) return null;
  const spec = await toWitnessSpec(scene.url, options, world);
  world.stderr.write(`${scene.url.href} is under load\n`);
  const { baseline: baselineMs, tail: tailMs } = options;
  return carryOut({ disturbance, control, baselineMs, tailMs }, spec, scene, world.interrupted);
}

function openScene(
  kind: Disturbance,
  control: ControlId | null,
  options: ProveOptions,
  { env, interrupted }: World,
): Promise<Scene> {
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
    control,
    env,
  );
  return createFleetScene(fleet, { kind, isForced: options.force }, interrupted);
}

async function toWitnessSpec(url: URL, options: ProveOptions, world: World): Promise<WitnessSpec> {
  const headers = options.header.length === 0 ? {} : { headers: Object.fromEntries(options.header) };
  const rate = options.rate;
  const ca = options.ca === undefined ? null : await readInput('--ca', options.ca, world);
  return {
    plan: {
      model: { kind: 'open', stages: [{ durationMs: MAX_PROOF_MS, fromRate: rate, toRate: rate }] },
      endpoints: toEndpoints(options.endpoint, url).map((endpoint) => ({ ...endpoint, ...headers })),
      freshShare: options.fresh,
      maxRequests: null,
      seed: options.seed,
      shard: { index: 0, of: 1 },
    },
    engine: {
      engine: 'net',
      target: toTarget(parseTargetUrl(url.href), { ca, isVerified: !options.insecure }),
      mode: 'open',
      timeoutMs: options.timeout,
      maxConnections: 1_000,
      connMaxAgeMs: options['conn-max-age'],
      podHeader: options['pod-header'],
      versionHeader: options['version-header'],
      requestId: null,
      limits: LIMITS,
    },
  };
}

function toEndpoints(given: readonly Endpoint[], url: URL): readonly Endpoint[] {
  const isOwn = given.length === 0 && url.pathname === '/' && url.search === '';
  return isOwn ? OWN_ENDPOINTS : chooseEndpoints(given, url, {});
}

function formatHeading({ disturbance, control }: Proof): string {
  const heading =
    control === null ? disturbance : `${disturbance}, without ${control}: ${CONTROLS[control].lacks}`;
  return `${heading}\n${'-'.repeat(heading.length)}`;
}

/** Of many proofs in a row only the first is told in full. */
function formatBody(proof: Proof, options: ProveOptions): string {
  return options['with-controls'] && proof.control !== null ? toSentence(proof) : formatProof(proof);
}

async function conclude(proofs: readonly Proof[], options: ProveOptions, world: World): Promise<Exit> {
  const [first, ...controls] = proofs;
  if (first === undefined) return 'inconclusive';
  if (controls.length > 0) {
    world.stdout.write(`${formatControls(first, controls)}\n\n${toSentence(first)}\n`);
  }
  if (options.json !== undefined) {
    await world.writeText(options.json, `${JSON.stringify({ schema: 'dropless.proof/1', proofs })}\n`);
  }
  return first.verdict.exit;
}

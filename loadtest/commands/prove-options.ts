import { Fault } from '../cli/fault.ts';
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
} from '../cli/option.ts';
import { parseEndpoint, parseHeader } from '../load/endpoint.ts';
import { parseTargetUrl } from '../load/target-url.ts';
import { CONTROL_IDS, CONTROLS } from '../proof/control.ts';
import { DEFAULT_LOAD } from '../proof/load.ts';
import type { Disruption } from '../proof/scene.ts';

const HOUR_MS = 3_600_000;

const removes = CONTROL_IDS.map(
  (id) => `${id} ${CONTROLS[id].onCluster}, on the local fleet ${CONTROLS[id].onFleet}`,
);

/** The flags of `prove`. */
export const OPTIONS = {
  control: repeatable(
    choice(`Take one safeguard away for this run, and expect losses: ${removes.join('; ')}`, CONTROL_IDS),
  ),
  'with-controls': toggle('After the proof, take each safeguard away in turn, and compare'),
  rounds: withDefault('1', integer('All disruptions so many times over', { min: 1, max: 1_000 })),
  rate: withDefault(String(DEFAULT_LOAD.rate), number('R', 'Requests per second', { min: 1, max: 100_000 })),
  endpoint: repeatable({
    placeholder: 'ENDPOINT',
    help: "'METHOD /path [weight] [expected status]'; without one the URL's path, or the routes of this project’s service but /ready, one of twenty responses held back for longer than its lame duck, where --timeout leaves time",
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
    duration(
      'Age at which a keep-alive connection is replaced, so that new pods are reached [20s, local 5s]',
      {
        min: 100,
        max: HOUR_MS,
      },
    ),
  ),
  timeout: withDefault('5s', duration('Deadline of each request', { min: 1, max: HOUR_MS })),
  baseline: optional(duration('Load before the disruption [5s, local 1s]', { min: 0, max: HOUR_MS })),
  tail: optional(duration('Load after the target is quiet again [5s, local 1s]', { min: 0, max: HOUR_MS })),
  'pod-header': withDefault(DEFAULT_LOAD.podHeader, text('NAME', 'Response header that names the pod')),
  'version-header': withDefault(
    DEFAULT_LOAD.versionHeader,
    text('NAME', 'Response header that names the version'),
  ),
  ca: optional(text('FILE', 'PEM file of the authority that signs the target’s certificate')),
  insecure: toggle('Accept any certificate'),
  seed: withDefault('1', integer('Same seed, same plan', { min: 0, max: 4_294_967_295 })),
  force: toggle('kill: without any grace, as after kubectl delete --force'),
  deployment: optional(
    text(
      'NAME',
      'The Deployment to disrupt; where no cluster is configured, and with --local, a fleet on this machine',
    ),
  ),
  container: optional(text('NAME', 'Its container that serves, where there are several')),
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
  do: optional(text('COMMAND', 'run: what disrupts, for a shell')),
  node: optional(text('NAME', 'drain: the node [the one with the most pods of the Deployment]')),
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
  json: optional(
    text('FILE', 'Write the proofs as JSON; - is standard output, and the text then goes to standard error'),
  ),
  html: optional(text('FILE', 'Write the flight recorder: a page that needs nothing else')),
};

export type ProveOptions = OptionValues<typeof OPTIONS>;

type Flag = keyof typeof OPTIONS;

/** Flags that say nothing unless a Deployment is named. */
const OF_CLUSTER: readonly Flag[] = [
  'container',
  'namespace',
  'context',
  'url',
  'image',
  'keep',
  'do',
  'node',
];
/** Flags that say nothing where a Deployment is named. */
const OF_FLEET: readonly Flag[] = [
  ...(['local', 'command', 'replicas', 'ready-path', 'propagation', 'latency', 'pre-stop'] as const),
  ...(['lame-duck', 'grace', 'min-ready'] as const),
];
/** Flags that one disruption alone heeds. */
const OF_DISRUPTION = {
  force: 'kill',
  image: 'rollout',
  keep: 'rollout',
  by: 'scale',
  node: 'drain',
} as const satisfies Partial<Record<Flag, Disruption>>;

/** Without a Deployment to disrupt, a fleet on this machine is. */
export function isOnCluster({ deployment }: ProveOptions): boolean {
  return deployment !== undefined;
}

/** Is the fleet on this machine asked for, by its name or by a flag of it? */
export function isLocal(options: ProveOptions): boolean {
  return OF_FLEET.some((flag) => isGiven(flag, options));
}

/** @throws {Fault} where one argument makes no sense beside another, or would not be heeded */
export function checkTogether(disruptions: readonly Disruption[], options: ProveOptions): void {
  const given = (flags: readonly Flag[]) => flags.find((flag) => isGiven(flag, options));
  if ((options.do === undefined) === disruptions.includes('run')) {
    throw new Fault('run and --do go together');
  }
  for (const [flag, disruption] of Object.entries(OF_DISRUPTION) as [Flag, Disruption][]) {
    if (isGiven(flag, options) && !disruptions.includes(disruption)) {
      throw new Fault(`--${flag} goes with ${disruption} only`);
    }
  }
  const stray = given(isOnCluster(options) ? OF_FLEET : OF_CLUSTER);
  if (stray !== undefined) {
    throw new Fault(
      isOnCluster(options)
        ? `--${stray} is of the fleet on this machine, and --deployment names one of a cluster`
        : `--${stray} needs a cluster: name a --deployment`,
    );
  }
  if (options.keep && options.image === undefined) throw new Fault('--keep goes with --image only');
  const rollouts = options.rounds * disruptions.filter((disruption) => disruption === 'rollout').length;
  if (options.keep && (rollouts > 1 || options['with-controls'])) {
    throw new Fault('--keep goes with one rollout: the next would find the image in place');
  }
  if (options.control.length > 0 && options['with-controls']) {
    throw new Fault('--control and --with-controls exclude each other');
  }
  if (options['with-controls'] && disruptions.length * options.rounds > 1) {
    throw new Fault('--with-controls goes with one disruption, in one round');
  }
}

function isGiven(flag: Flag, options: ProveOptions): boolean {
  return options[flag] !== OPTIONS[flag].parse([]);
}

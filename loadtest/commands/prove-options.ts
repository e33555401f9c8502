import { formatDuration } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';
import {
  duration,
  group,
  inputFile,
  integer,
  type OptionValues,
  optional,
  outputFile,
  refine,
  repeatable,
  text,
  toggle,
  withDefault,
} from '../cli/option.ts';
import { type Positionals, toUnexpected } from '../cli/positionals.ts';
import type { Relations } from '../cli/relations.ts';
import { type TargetName, toTargetName } from '../kube/disrupted-target.ts';
import { parseObjectName } from '../kube/object-name.ts';
import { parseTargetUrl } from '../load/target-url.ts';
import { FLEET_DEFAULTS } from '../local/fleet-setup.ts';
import { MAX_REPLICAS } from '../local/manifest.ts';
import { DEFAULT_LOAD } from '../proof/proof-load.ts';
import { formatRemoval, parseRemoval, REMOVAL_FORMS, SAFEGUARDS } from '../proof/safeguard.ts';
import { DISRUPTIONS, type Disruption } from '../proof/scene.ts';
import { JUNIT_OPTION } from '../report/presentation.ts';
import { parseRequirement } from '../report/requirement.ts';
import { toClusterOptions } from './cluster-options.ts';
import { IN_CLUSTER_OPTIONS } from './in-cluster.ts';
import { allowOption, PROBE_OPTION, toLoadOptions, toNamingOptions } from './load-options.ts';
import { CONNECTION_OPTIONS, REQUEST_OPTIONS, TRACE_OPTION } from './request-options.ts';

const HOUR_MS = 3_600_000;
const TARGET = 'TYPE/NAME';

const removal = {
  placeholder: 'SAFEGUARD',
  help: `Remove one safeguard for this run, and expect losses: ${[...Object.keys(SAFEGUARDS), ...Object.keys(REMOVAL_FORMS)].join(', ')}`,
  parse: parseRemoval,
};

const TARGET_OPTIONS = {
  ...toClusterOptions(TARGET),
  ...group('Target', {
    container: refine(
      optional(
        text('NAME', 'The container that serves'),
        'the one of the default-container annotation, or the only one',
      ),
      { onlyWith: [TARGET, '--manifest'] },
    ),
    url: refine(
      optional(
        { placeholder: 'URL', help: 'Address that the load is sent to', parse: parseTargetUrl },
        'the address of the Service that selects the pods',
      ),
      { needs: [TARGET] },
    ),
  }),
};

const DISRUPTION_OPTIONS = group('Disruption', {
  rounds: withDefault('1', integer('Number of times to go through all disruptions', { min: 1, max: 1_000 })),
  image: refine(
    optional(text('IMAGE', 'rollout: change to this image and back afterwards, instead of a restart')),
    { onlyWith: ['rollout'], needs: [TARGET] },
  ),
  keep: refine(toggle('rollout: leave the new image in place'), { needs: ['--image'] }),
  by: refine(withDefault('2', integer('scale: replicas to add, then to remove', { min: 1, max: 100 })), {
    onlyWith: ['scale'],
  }),
  node: refine(optional(text('NAME', 'drain: the node'), 'the one with the most pods of the target'), {
    onlyWith: ['drain'],
    needs: [TARGET],
  }),
  force: refine(toggle('kill: no grace period, like kubectl delete --force'), { onlyWith: ['kill'] }),
  do: refine(optional(text('COMMAND', 'run: the shell command that disrupts')), {
    needs: ['run', TARGET],
  }),
});

const LOAD_OPTIONS = {
  ...toLoadOptions({ rate: DEFAULT_LOAD.rate, maxRate: 100_000, connMaxAge: '20s, locally 5s' }),
  ...group('Load', {
    baseline: optional(duration('Load before the disruption', { min: 0, max: HOUR_MS }), '5s, locally 1s'),
    tail: optional(
      duration('Load after the target is quiet again', { min: 0, max: HOUR_MS }),
      '5s, locally 1s',
    ),
  }),
};

const SAFEGUARD_OPTIONS = group('Safeguards', {
  without: refine(repeatable(removal), { conflictsWith: ['--with-controls'] }),
  'with-controls': toggle('After the proof, remove each safeguard in turn and compare'),
});

const FLEET_OPTIONS = group(
  'Local fleet',
  {
    local: toggle('Run on this machine, without Kubernetes; the default where no cluster is configured'),
    command: optional(text('COMMAND', 'The server to run; it must listen on $PORT'), 'the reference service'),
    manifest: refine(
      optional(
        inputFile(
          'A Deployment to take replicas, readiness probe, preStop, grace period, maxSurge, maxUnavailable, minReadySeconds and env from, where no flag says otherwise; - is standard input',
        ),
      ),
      { needs: ['--command'] },
    ),
    replicas: optional(
      integer('Number of replicas', { min: 1, max: MAX_REPLICAS }),
      String(FLEET_DEFAULTS.replicas),
    ),
    'ready-path': optional(text('PATH', 'Path of the readiness probe'), FLEET_DEFAULTS.readyPath),
    propagation: withDefault(
      '1500ms',
      duration('How late the balancer learns that an endpoint is gone', { min: 0, max: 60_000 }),
    ),
    latency: withDefault(
      '15ms',
      duration('One-way latency between clients and pods', { min: 0, max: 1_000 }),
    ),
    'pre-stop': optional(
      duration('From the deletion of a pod to SIGTERM', { min: 0, max: HOUR_MS }),
      formatDuration(FLEET_DEFAULTS.preStopMs),
    ),
    'lame-duck': optional(
      duration('LAME_DUCK_MS of the server', { min: 0, max: HOUR_MS }),
      formatDuration(FLEET_DEFAULTS.lameDuckMs),
    ),
    grace: optional(
      duration('From the deletion of a pod to SIGKILL', { min: 0, max: HOUR_MS }),
      formatDuration(FLEET_DEFAULTS.graceMs),
    ),
    'min-ready': optional(
      duration('minReadySeconds', { min: 0, max: HOUR_MS }),
      formatDuration(FLEET_DEFAULTS.minReadyMs),
    ),
  },
  { conflictsWith: [TARGET] },
);

const NAMING_OPTIONS = toNamingOptions('; locally X-Pod');

const FIX_OPTION = group(
  'Reports',
  {
    fix: optional(
      outputFile('Write what a manifest can mend as a patch, for Kustomize or kubectl patch --patch-file'),
    ),
  },
  { needs: [TARGET] },
);

const REPORT_OPTIONS = group('Reports', {
  allow: allowOption,
  require: repeatable({
    placeholder: 'CONDITION',
    help: "What must hold besides losing nothing, for example 'p99 < 50ms' or 'p99(during) < 80ms'; else the exit code is 1",
    parse: parseRequirement,
  }),
  json: optional(
    outputFile('Write the proofs as JSON; - is standard output, and the text then goes to standard error'),
  ),
  html: optional(outputFile('Write the flight recorder, a self-contained page')),
  ...JUNIT_OPTION,
  ...FIX_OPTION,
});

/** The flags of `prove`, in the order in which the help lists them. */
export const OPTIONS = {
  ...TARGET_OPTIONS,
  ...DISRUPTION_OPTIONS,
  ...SAFEGUARD_OPTIONS,
  ...LOAD_OPTIONS,
  ...REQUEST_OPTIONS,
  ...TRACE_OPTION,
  ...FLEET_OPTIONS,
  ...group('In the cluster', IN_CLUSTER_OPTIONS, { needs: [TARGET], conflictsWith: ['--do'] }),
  ...CONNECTION_OPTIONS,
  ...NAMING_OPTIONS,
  ...group('Connection', PROBE_OPTION, { needs: [TARGET] }),
  ...REPORT_OPTIONS,
};

export type ProveOptions = OptionValues<typeof OPTIONS>;

/** The disruptions that require or exclude other arguments. */
export const RELATIONS: Readonly<Record<string, Relations>> = { run: { needs: ['--do'] } };

/** Flags that no longer exist. */
export const RETIRED = {
  control: 'use --without SAFEGUARD, for example --without preStop',
  deployment: 'name the target as kubectl does, for example dropless prove rollout deploy/web',
};

/** What `prove` is to do, and to what. */
export interface ProveTask {
  readonly disruptions: readonly Disruption[];
  /** A workload, or the Service in front of it; null: the local fleet. */
  readonly target: TargetName | null;
}

export const POSITIONALS: Positionals<ProveTask> = {
  placeholder: `${Object.keys(DISRUPTIONS).join('|')}... [${TARGET}]`,
  parse: (words) => {
    const disruptions = words.filter(isDisruption);
    const [target = null, unexpected] = words.filter((word) => !isDisruption(word)).map(parseTarget);
    if (disruptions.length === 0) {
      throw new Fault(`which disruption? There are ${Object.keys(DISRUPTIONS).join(', ')}`);
    }
    if (unexpected !== undefined) throw toUnexpected(`${unexpected.type}/${unexpected.name}`);
    return { disruptions, target };
  },
  toNames: ({ disruptions, target }) => [...disruptions, ...(target === null ? [] : [TARGET])],
};

/** What the positionals mean. */
export const WORDS = [
  ...Object.entries(DISRUPTIONS),
  [
    TARGET,
    'the workload to disrupt: deploy/web, sts/web, ds/web, or rollout/web of Argo Rollouts; svc/web is the one behind that Service; without one, a fleet on this machine',
  ],
] as const;

/** What --without takes. */
export const NOTES = {
  title: 'SAFEGUARD, and what removing it does',
  rows: [
    ...Object.entries(SAFEGUARDS).map(
      ([id, { onCluster, onFleet }]) => [id, `${onCluster}; locally, ${onFleet}`] as const,
    ),
    ...Object.entries(REMOVAL_FORMS),
  ],
};

function isDisruption(word: string): word is Disruption {
  return Object.hasOwn(DISRUPTIONS, word);
}

function parseTarget(word: string): TargetName {
  const target = parseObjectName(word);
  if (target !== null) return toTargetName(target);
  const known = Object.keys(DISRUPTIONS).join(', ');
  throw new Fault(
    `${JSON.stringify(word)} is neither a disruption (${known}) nor a target (${TARGET}, for example deploy/web)`,
  );
}

/** @throws {Fault} where arguments that may stand together ask for what cannot be done */
export function checkCounts({ disruptions, target }: ProveTask, options: ProveOptions): void {
  const rollouts = options.rounds * disruptions.filter((disruption) => disruption === 'rollout').length;
  if (options.keep && (rollouts > 1 || options['with-controls'])) {
    throw new Fault('--keep works only with a single rollout: the next would find the image in place');
  }
  if (options['with-controls'] && disruptions.length * options.rounds > 1) {
    throw new Fault('--with-controls works only with one disruption, in one round');
  }
  for (const without of options.without) {
    if (target !== null && without.kind === 'preStop-sleep' && without.ms % 1_000 !== 0) {
      throw new Fault(`--without ${formatRemoval(without)}: on a cluster, preStop sleeps for whole seconds`);
    }
  }
}

/** Is the fleet on this machine requested, by --local or by one of its flags? */
export function isLocal(options: ProveOptions): boolean {
  const flags = Object.keys(FLEET_OPTIONS) as (keyof typeof FLEET_OPTIONS)[];
  return flags.some((flag) => options[flag] !== FLEET_OPTIONS[flag].parse([]));
}

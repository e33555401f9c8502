import { PROCESS_CLOCK } from '../cli/clock.ts';
import { type Command, defineCommand } from '../cli/command.ts';
import type { Exit } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import {
  duration,
  group,
  type OptionValues,
  optional,
  outputFile,
  refine,
  text,
  toggle,
  withDefault,
} from '../cli/option.ts';
import { toWrittenExit } from '../cli/output-file.ts';
import { exactlyOne } from '../cli/positionals.ts';
import type { World } from '../cli/world.ts';
import { openCluster } from '../kube/cluster.ts';
import { toDirectProbeOptions } from '../kube/direct-request.ts';
import { findTarget } from '../kube/disrupted-target.ts';
import { parseObjectName, requireType } from '../kube/object-name.ts';
import { openObservedService } from '../kube/observed-service.ts';
import { readPermissions, TO_FIND_WORKLOADS, toObserverPermissions } from '../kube/permission.ts';
import { checkReachable } from '../load/reach.ts';
import { countOutcomes } from '../load/record.ts';
import { parseTargetUrl, toTarget } from '../load/target-url.ts';
import { runInShell } from '../local/shell-command.ts';
import { formatObservationMetrics } from '../observe/observation-metrics.ts';
import { formatStretchLine, formatSummaryLine } from '../observe/observation-report.ts';
import { formatObserved, formatStretch, toLossNote } from '../observe/observation-summary.ts';
import { carryOutObservation, type ObservationTally } from '../observe/observer.ts';
import { NO_TOTALS } from '../observe/totals.ts';
import { readNames } from '../proof/name-field.ts';
import { createProgressLog } from '../proof/progress.ts';
import { DEFAULT_LOAD, toLoadSpec } from '../proof/proof-load.ts';
import { createLineLog } from '../report/line-log.ts';
import { parseListenAddress, serveMetrics } from '../report/metrics-server.ts';
import { prepareOutputs, toTextOutput } from '../report/presentation.ts';
import { toClusterOptions } from './cluster-options.ts';
import { IN_CLUSTER_OPTIONS, runInCluster } from './in-cluster.ts';
import { allowOption, PROBE_OPTION, readProofLoad, toLoadOptions, toNamingOptions } from './load-options.ts';
import { CONNECTION_OPTIONS, REQUEST_OPTIONS, TRACE_OPTION } from './request-options.ts';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const TARGET = 'svc/NAME';
/** Low enough to run for days beside a service. */
const DEFAULT_RATE = 50;

const OPTIONS = {
  ...toClusterOptions(TARGET),
  ...group('Target', {
    container: optional(
      text('NAME', 'The container that serves'),
      'the one of the default-container annotation, or the only one',
    ),
    url: optional(
      { placeholder: 'URL', help: 'Address that the load is sent to', parse: parseTargetUrl },
      'the address of the Service',
    ),
  }),
  ...group('Observation', {
    for: optional(duration('End after this time', { min: 1_000, max: YEAR_MS }), 'until SIGINT or SIGTERM'),
    do: refine(
      optional(text('COMMAND', 'A shell command that disrupts; ends once the target is quiet again')),
      {
        conflictsWith: ['--for'],
      },
    ),
    baseline: refine(withDefault('5s', duration('Load before the command', { min: 0, max: HOUR_MS })), {
      needs: ['--do'],
    }),
    tail: withDefault(
      '5s',
      duration('Load that belongs to a replacement after the target is quiet again', {
        min: 0,
        max: HOUR_MS,
      }),
    ),
  }),
  ...toLoadOptions({ rate: DEFAULT_RATE, maxRate: 1_000, connMaxAge: '20s' }),
  ...REQUEST_OPTIONS,
  ...TRACE_OPTION,
  ...CONNECTION_OPTIONS,
  ...toNamingOptions(''),
  ...PROBE_OPTION,
  ...group('In the cluster', IN_CLUSTER_OPTIONS, { conflictsWith: ['--do', '--metrics'] }),
  ...group('Reports', {
    allow: allowOption,
    json: optional(
      outputFile(
        'Write each replacement, and a summary at the end, as a line of JSON; - is standard output, and the text then goes to standard error',
      ),
    ),
    metrics: optional({
      placeholder: 'ADDRESS',
      help: 'Serve metrics for Prometheus at /metrics of this address, for example :9464',
      parse: parseListenAddress,
    }),
    events: toggle('Write an Event on the workload for each replacement in which requests were lost'),
  }),
};

type ObserveOptions = OptionValues<typeof OPTIONS>;

export const observe: Command = defineCommand({
  name: 'observe',
  summary: 'watch a service under load: for each replacement of its pods, whoever caused it, a verdict',
  positionals: exactlyOne(TARGET, parseService),
  options: OPTIONS,
  words: [[TARGET, 'the Service, for example svc/web; the workload is found through its pods']],
  examples: [
    {
      line: 'dropless observe svc/web -n shop --endpoint "GET /" --for 8h',
      shows: 'what the night does to a service: deploys, autoscaling, node upgrades',
    },
    {
      line: 'dropless observe svc/web -n shop --endpoint "GET /" --do "helm upgrade web ./chart --wait"',
      shows: 'one disruption of your own; ends once the pods are quiet again',
    },
    {
      line: 'dropless observe svc/web -n shop --endpoint "GET /" --rate 5 --metrics :9464 --events --json -',
      shows: 'for days, with metrics, Events and one line of JSON for each replacement',
    },
  ],
  run: async ({ options, positionals: service, given }, world) => {
    const load = await readProofLoad(options, DEFAULT_LOAD, world);
    // Faults in the load are reported before anything is touched.
    toLoadSpec(options.url ?? new URL('http://localhost/'), load);
    if (options['in-cluster']) {
      const { api, namespace } = await openCluster(options, world.env);
      const { workload } = await findTarget(api, namespace, { type: 'Service', name: service });
      const permissions = await readPermissions(api, namespace, workload, (of) => [
        ...TO_FIND_WORKLOADS,
        ...toObserverPermissions({ ...of, tellsEvents: options.events }),
      ]);
      return runInCluster(
        { api, namespace },
        { command: observe, given, choice: options, permissions },
        world,
      );
    }
    await prepareOutputs({ json: options.json, html: undefined }, world);
    const { api, namespace } = await openCluster(options, world.env);
    const log = createProgressLog(world.stderr, world.env);
    const target = await openObservedService(
      api,
      {
        namespace,
        service,
        container: options.container ?? null,
        url: options.url ?? null,
        tellsEvents: options.events,
        checkReachable: (url) => checkReachable(toTarget(url, load.access)),
        toProbes: options['no-pod-probes']
          ? null
          : (url) => toDirectProbeOptions(toLoadSpec(url, load), world.readText),
      },
      world.interrupted,
      log.tell,
      PROCESS_CLOCK,
    );
    const full = toLoadSpec(target.url, load);
    const spec =
      options['pod-header'] === undefined
        ? await readNames(full, target, log.tell).catch((error: Error) => {
            target.close();
            throw error;
          })
        : full;
    return follow(options, { spec, target, log }, world);
  },
});

function parseService(word: string): string {
  const name = parseObjectName(word);
  if (name === null)
    throw new Fault(`${JSON.stringify(word)} is no target: give ${TARGET}, for example svc/web`);
  return requireType(name, ['Service'], 'observed').name;
}

interface Course {
  readonly spec: Parameters<typeof carryOutObservation>[1];
  readonly target: Parameters<typeof carryOutObservation>[2];
  readonly log: ReturnType<typeof createProgressLog>;
}

/** Observes, tells each replacement as it is judged, and returns the exit. */
async function follow(options: ObserveOptions, { spec, target, log }: Course, world: World): Promise<Exit> {
  const output = toTextOutput(options, world);
  const json = createLineLog('--json', options.json, world);
  const startedAt = new Date(world.nowMs()).toISOString();
  let tally: ObservationTally = { totals: NO_TOTALS, outcomes: {}, isQuiet: true };
  let told: Promise<unknown> = Promise.resolve();
  const metrics =
    options.metrics === undefined
      ? null
      : await serveMetrics(options.metrics, () =>
          formatObservationMetrics(tally, process.memoryUsage.rss()),
        ).catch((error: Error) => {
          target.close();
          throw error;
        });
  if (metrics !== null) log.tell(`metrics are served on port ${metrics.port}`);
  try {
    const observed = await carryOutObservation(
      {
        forMs: options.for ?? null,
        run: options.do === undefined ? null : (signal) => runInShell(options.do ?? '', signal),
        baselineMs: options.baseline,
        tailMs: options.tail,
        allowed: options.allow,
      },
      spec,
      target,
      world.interrupted,
      {
        onBegin: (begun) => {
          tally = begun;
          log.tell(`${target.url.href} is under load`);
        },
        onJudged: (stretch) => {
          log.end();
          output.write(`${formatStretch(stretch)}\n\n`);
          json.write(formatStretchLine(stretch));
          const note = options.events ? toLossNote(stretch) : null;
          if (note === null) return;
          const failed = (error: Error) => log.tell(`the Event was not written: ${error.message}`);
          told = Promise.all([told, target.tell(note).catch(failed)]);
        },
        onSnapshot: ({ elapsedMs, outcomes }) => {
          const { total, lost } = countOutcomes(outcomes);
          log.show({ elapsedMs, settled: total, lost, marks: [] });
        },
        tell: log.tell,
      },
    );
    log.end();
    output.write(`${formatObserved(observed)}\n`);
    json.write(formatSummaryLine(target.name, startedAt, observed));
    await told;
    const isKept = await json.close();
    const { exit } = observed.verdict;
    return toWrittenExit(exit, isKept);
  } finally {
    log.end();
    metrics?.close();
  }
}

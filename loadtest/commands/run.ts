import { type Command, defineCommand } from '../cli/command.ts';
import { Fault } from '../cli/fault.ts';
import {
  duration,
  group,
  integer,
  number,
  type OptionValues,
  optional,
  refine,
  repeatable,
  text,
  toggle,
  withDefault,
} from '../cli/option.ts';
import { exactlyOne } from '../cli/positionals.ts';
import { RUNTIME } from '../cli/version.ts';
import type { World } from '../cli/world.ts';
import { RESPONSE_LIMITS } from '../engine/response-parser.ts';
import { createTraceContext } from '../engine/trace-context.ts';
import { openCluster } from '../kube/cluster.ts';
import { chooseEndpoints } from '../load/endpoint.ts';
import { startLoad } from '../load/load.ts';
import type { LoadResult, LoadSpec } from '../load/load-spec.ts';
import { countPlanned, type LoadModel, type PlanSpec, parseShard, planDurationMs } from '../load/plan.ts';
import { checkReachable, fetchText } from '../load/reach.ts';
import { toSlotMs } from '../load/recorder.ts';
import { parseStage, type Stage } from '../load/schedule.ts';
import { parseTargetUrl, toTarget } from '../load/target-url.ts';
import { createLiveLine } from '../report/live-line.ts';
import { WARMUP } from '../report/metric.ts';
import { prepareOutputs, presentReport, REPORT_OPTIONS } from '../report/presentation.ts';
import { MAX_FAILURES_PER_OUTCOME, type Report } from '../report/report.ts';
import { checkScopes } from '../report/requirement.ts';
import { toServerLatencies } from '../report/server-latency.ts';

import { toClusterOptions } from './cluster-options.ts';
import { IN_CLUSTER_OPTIONS, runInCluster } from './in-cluster.ts';
import {
  CONNECTION_OPTIONS,
  type GivenRequests,
  REQUEST_OPTIONS,
  readRequests,
  readTargetAccess,
  seedOption,
  TRACE_OPTION,
  toEndpointOption,
  toFreshOption,
  toTimeoutOption,
} from './request-options.ts';

const MAX_RATE = 1_000_000;
const DAY_MS = 86_400_000;

const OPTIONS = {
  ...group('Load', {
    rate: refine(
      optional(
        number('R', 'Requests per second, whatever the target does', { min: 0.001, max: MAX_RATE }),
        '100',
      ),
      { conflictsWith: ['--stage', '--closed'] },
    ),
    duration: refine(optional(duration('Length of the run', { min: 1, max: DAY_MS }), '30s'), {
      conflictsWith: ['--stage'],
    }),
    stage: repeatable({
      placeholder: 'STAGE',
      help: 'RATE/TIME or FROM..TO/TIME, one after the other, instead of --rate and --duration',
      parse: parseStage,
    }),
    closed: refine(
      optional(
        integer('Closed loop: N users; each waits for its response before sending the next request', {
          min: 1,
          max: 10_000,
        }),
      ),
      { conflictsWith: ['--stage', '--from'] },
    ),
    count: optional(integer('End after N requests', { min: 1, max: 1_000_000_000 })),
    warmup: withDefault(
      '0s',
      duration('Treat the first part of the run as warm-up, which is excluded from the latencies', {
        min: 0,
        max: DAY_MS,
      }),
    ),
    timeout: toTimeoutOption('10s'),
    seed: seedOption,
  }),
  ...group('Requests', {
    endpoint: toEndpointOption('/health, /ready, /payload and /metrics in equal parts'),
    body: refine(optional(text('TEXT', 'Body of every request')), { conflictsWith: ['--requests'] }),
  }),
  ...REQUEST_OPTIONS,
  ...TRACE_OPTION,
  ...group('Connection', {
    fresh: toFreshOption('0'),
    'max-connections': withDefault('1000', integer('Connections open at a time', { min: 1, max: 60_000 })),
    'conn-max-age': withDefault(
      '30s',
      duration('Age at which a keep-alive connection is replaced, spread by 20 %; 0ms keeps it for ever', {
        min: 0,
        max: DAY_MS,
      }),
    ),
  }),
  ...CONNECTION_OPTIONS,
  ...group('Several machines', {
    shard: withDefault('0/1', {
      placeholder: 'I/N',
      help: 'Send part I, from 0, of the one plan that N machines share',
      parse: parseShard,
    }),
    'start-at': withDefault('now', {
      placeholder: 'TIME',
      help: 'Start at this moment in all shards, for example 2030-01-31T12:00:00Z',
      parse: parseMoment,
    }),
  }),
  ...group('Latencies of the server', {
    'server-metrics': withDefault(
      '/metrics',
      text('PATH', 'Where the target exposes its own latencies, read before and after'),
    ),
    'no-server-metrics': refine(toggle('Send only the planned requests'), {
      conflictsWith: ['--server-metrics'],
    }),
  }),
  ...toClusterOptions('--in-cluster'),
  ...IN_CLUSTER_OPTIONS,
  ...REPORT_OPTIONS,
};

type RunOptions = OptionValues<typeof OPTIONS>;

export const run: Command = defineCommand({
  name: 'run',
  summary: 'send load and account for every request',
  positionals: exactlyOne('URL', parseTargetUrl),
  options: OPTIONS,
  retired: { engine: 'there is only the exact engine' },
  examples: [
    {
      line: 'dropless run http://localhost:3000',
      shows: '100 requests a second for 30 s, over the four endpoints',
    },
    {
      line: "dropless run http://localhost:3000 --rate 500 --duration 1m --warmup 5s --require 'p99 < 50ms' --html report.html",
      shows: 'a requirement, and a page to look at',
    },
    {
      line: "dropless run https://shop.test --ca ca.pem --stage 0..200/30s --stage 200/2m --endpoint 'GET /items 9' --endpoint 'POST /cart 1 201'",
      shows: 'a ramp, then a plateau, over two endpoints of another service',
    },
    {
      line: 'dropless run http://localhost:3000 --closed 64 --count 100000',
      shows: 'as fast as 64 users go',
    },
    {
      line: 'dropless run http://localhost:3000 --shard 0/2 --start-at 2030-01-31T12:00:00Z --json part-0.json',
      shows: 'the first of two machines',
    },
  ],
  run: async ({ options, positionals: url, given }, world) => {
    const requests = await readRequests(options, { endpoints: options.endpoint, body: options.body }, world);
    const spec = await toLoadSpec(url, requests, options, world);
    if (options['in-cluster']) {
      return runInCluster(
        await openCluster(options, world.env),
        { command: run, given, choice: options, permissions: [] },
        world,
      );
    }
    await prepareOutputs(options, world);
    const { target, podHeader } = spec.engine;
    await checkReachable(target);
    const readServer = () =>
      options['no-server-metrics'] ? null : fetchText(target, options['server-metrics'], podHeader);

    const before = await readServer();
    const result = await carryOut(spec, world);
    const after = await readServer();
    const server = toServerLatencies(before, after, spec.plan.endpoints);
    return presentReport(toReport(url, requests, options, spec, result, server), options, world);
  },
});

async function toLoadSpec(
  url: URL,
  { endpoints, headers, data, headerFile }: GivenRequests,
  options: RunOptions,
  world: World,
): Promise<LoadSpec> {
  const body = options.body === undefined ? {} : { body: options.body };
  const plan: PlanSpec = {
    model: toModel(options),
    endpoints: chooseEndpoints(endpoints, url, { headers, ...body }),
    ...(data === null ? {} : { data }),
    freshShare: options.fresh,
    maxRequests: options.count ?? null,
    seed: options.seed,
    shard: options.shard,
  };
  if (countPlanned(plan) === 0) throw new Fault('the rate and the duration give a plan without requests');
  const phases = [
    ...(options.warmup > 0 ? [{ name: WARMUP, fromMs: 0 }] : []),
    { name: 'load', fromMs: options.warmup },
  ];
  checkScopes(
    options.require,
    [...plan.endpoints, ...phases].map(({ name }) => name),
  );
  const startAtEpochMs = options['start-at'];
  if (startAtEpochMs !== null && startAtEpochMs <= world.nowMs()) {
    throw new Fault(`--start-at ${toMoment(startAtEpochMs)} has passed: it is ${toMoment(world.nowMs())}`);
  }
  return {
    plan,
    startAtEpochMs,
    senders: world.senders,
    slotMs: toSlotMs(planDurationMs(plan)),
    failuresPerOutcome: MAX_FAILURES_PER_OUTCOME,
    phases,
    ...(headerFile === null ? {} : { headerFile }),
    engine: {
      target: toTarget(url, await readTargetAccess(options, world)),
      mode:
        plan.model.kind === 'open'
          ? 'open'
          : { closed: plan.model.connections, durationMs: plan.model.durationMs },
      timeoutMs: options.timeout,
      maxConnections: options['max-connections'],
      connMaxAgeMs: options['conn-max-age'] === 0 ? Number.POSITIVE_INFINITY : options['conn-max-age'],
      keptConnections: 0,
      idleConnections: 0,
      podHeader: options['pod-header'],
      versionHeader: options['version-header'],
      requestId: null,
      trace: createTraceContext(options.trace),
      limits: RESPONSE_LIMITS,
    },
  };
}

const DEFAULT_RATE = 100;
const DEFAULT_DURATION_MS = 30_000;

function toModel({ rate, duration: durationMs, stage, closed, count }: RunOptions): LoadModel {
  if (stage.length > 0) return { kind: 'open', stages: checkRates(stage) };
  if (closed !== undefined) {
    // With --count alone the loop ends when it is reached, however long that takes.
    const limitMs = durationMs ?? (count === undefined ? DEFAULT_DURATION_MS : DAY_MS);
    return { kind: 'closed', connections: closed, durationMs: limitMs };
  }
  const perSecond = rate ?? DEFAULT_RATE;
  const limitMs = durationMs ?? (count === undefined ? DEFAULT_DURATION_MS : (1_000 * count) / perSecond);
  return { kind: 'open', stages: [{ durationMs: limitMs, fromRate: perSecond, toRate: perSecond }] };
}

function checkRates(stages: readonly Stage[]): readonly Stage[] {
  const highest = Math.max(...stages.flatMap(({ fromRate, toRate }) => [fromRate, toRate]));
  if (highest > MAX_RATE) throw new Fault(`--stage has the rate ${highest}, above ${MAX_RATE}`);
  return stages;
}

/** Runs the load with its live line; an interruption ends it with what it has so far. */
async function carryOut(spec: LoadSpec, world: World): Promise<LoadResult> {
  const extent = { requests: countPlanned(spec.plan), durationMs: planDurationMs(spec.plan) };
  const line = createLiveLine(world.stderr, extent, world.env);
  const onNotice = (text: string) => {
    line.clear();
    world.stderr.write(`${text}\n`);
  };
  const load = await startLoad(spec, { onSnapshot: line.show, onNotice });
  const stop = () => load.stop();
  world.interrupted.addEventListener('abort', stop);
  if (world.interrupted.aborted) stop();
  try {
    return await load.result;
  } finally {
    world.interrupted.removeEventListener('abort', stop);
    line.clear();
  }
}

function toReport(
  url: URL,
  { digest }: GivenRequests,
  options: RunOptions,
  { plan, startAtEpochMs }: LoadSpec,
  result: LoadResult,
  server: Report['server'],
): Report {
  const { model, freshShare, maxRequests, seed, shard } = plan;
  return {
    setup: {
      target: url.href,
      // Headers and bodies stay out of it: they may hold secrets.
      endpoints: plan.endpoints.map(({ name, method, path, weight }) => ({ name, method, path, weight })),
      requests: digest,
      model,
      freshShare,
      maxRequests,
      seed,
      timeoutMs: options.timeout,
      startAt: startAtEpochMs === null ? null : toMoment(startAtEpochMs),
    },
    shards: { of: shard.of, present: [shard.index], duplicates: [], isMerged: false },
    startedAt: toMoment(result.startedAtEpochMs),
    durationMs: result.durationMs,
    runtime: RUNTIME,
    isInterrupted: result.isInterrupted,
    ledgerFault: result.ledgerFault,
    requirements: options.require.map(({ text: given }) => given),
    server,
    record: result.record,
    failures: result.failures,
  };
}

function parseMoment(given: string): number | null {
  if (given === 'now') return null;
  const epochMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(given)
    ? Date.parse(given)
    : Number.NaN;
  if (Number.isNaN(epochMs))
    throw new Fault('must be a time with its zone, for example 2030-01-31T12:00:00Z');
  return epochMs;
}

function toMoment(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

import { defineCommand } from '../cli/command.ts';
import { Fault } from '../cli/fault.ts';
import { duration, group, type OptionValues, optional, refine, text, withDefault } from '../cli/option.ts';
import { type Positionals, toUnexpected } from '../cli/positionals.ts';
import type { World } from '../cli/world.ts';
import { type ContractRequests, toPathRequests } from '../contract/client.ts';
import {
  formatContractMarkdown,
  formatPoints,
  toContractExit,
  toContractSuite,
} from '../contract/contract-results.ts';
import { observeContract } from '../contract/contract-run.ts';
import type { Subject } from '../contract/observation.ts';
import { createPodSubject } from '../contract/pod-subject.ts';
import { toPoints } from '../contract/points.ts';
import type { Endpoint } from '../engine/settlement.ts';
import { openCluster } from '../kube/cluster.ts';
import { parseObjectName, requireType } from '../kube/object-name.ts';
import { followHeaderFile, LOOK_MS } from '../load/header-file.ts';
import { createPlan } from '../load/plan.ts';
import { checkReachable } from '../load/reach.ts';
import { parseTargetUrl, type TargetAccess, toTarget } from '../load/target-url.ts';
import { toOwnService } from '../local/fleet-setup.ts';
import { destroyOnExit, startReplica } from '../local/replica.ts';
import { JUNIT_OPTION, prepareOutputs, writeReports } from '../report/presentation.ts';
import { toClusterOptions } from './cluster-options.ts';
import {
  type GivenRequests,
  REQUEST_OPTIONS,
  ROUTE_OPTIONS,
  readRequests,
  readTargetAccess,
} from './request-options.ts';

/** Longer than the lame duck, so that only the drain saves it. */
const OWN_SLOW_PATH = '/payload?delayMs=3000';

const TARGET = 'pod/NAME';

const OPTIONS = {
  ...toClusterOptions(TARGET),
  ...group(
    'Target',
    {
      url: refine(
        optional({
          placeholder: 'URL',
          help: 'Address of this pod, and of no other',
          parse: parseTargetUrl,
        }),
        { needs: [TARGET] },
      ),
      container: optional(
        text('NAME', 'The container of the pod that serves'),
        'the one of the default-container annotation, or the only one',
      ),
    },
    { needs: [TARGET] },
  ),
  ...group('Local server', {
    command: refine(
      optional(text('COMMAND', 'The server to run; it must listen on $PORT'), 'the reference service'),
      { conflictsWith: [TARGET] },
    ),
  }),
  ...group('Requests', {
    path: refine(withDefault('/health', text('PATH', 'A route that responds at once')), {
      conflictsWith: ['--requests'],
    }),
    'ready-path': withDefault('/ready', text('PATH', 'Path of the readiness probe')),
    'health-path': withDefault('/health', text('PATH', 'Path of the liveness probe')),
    slow: optional(
      text('PATH', 'A route slow enough to be in flight at SIGTERM'),
      `${OWN_SLOW_PATH} of the reference service`,
    ),
  }),
  ...REQUEST_OPTIONS,
  ...group('Connection', ROUTE_OPTIONS, { needs: [TARGET] }),
  ...group('Terms', {
    accept: withDefault(
      '500ms',
      duration('How long new connections must be accepted after SIGTERM', { min: 0, max: 600_000 }),
    ),
    grace: withDefault('30s', duration('Time within which it must exit', { min: 1, max: 3_600_000 })),
    idle: withDefault(
      '75s',
      duration(
        'How long idle connections are watched: on a second process of a local server, on a pod before it is deleted; 0ms watches none, and less than 60s cannot prove that they are kept',
        { min: 0, max: 3_600_000 },
      ),
    ),
  }),
  ...JUNIT_OPTION,
};

/** @returns the name of the pod; null: a local server */
const POSITIONALS: Positionals<string | null> = {
  placeholder: `[${TARGET}]`,
  parse: ([word, unexpected]) => {
    if (unexpected !== undefined) throw toUnexpected(unexpected);
    if (word === undefined) return null;
    const target = parseObjectName(word);
    if (target === null)
      throw new Fault(`${JSON.stringify(word)} is not ${TARGET}, for example pod/web-6784797f77-8grhg`);
    return requireType(target, ['Pod'], 'checked against the contract').name;
  },
  toNames: (pod) => (pod === null ? [] : [TARGET]),
};

type ContractOptions = OptionValues<typeof OPTIONS>;

export const contract = defineCommand({
  name: 'contract',
  summary: 'check one server against the contract of a clean shutdown, point by point',
  positionals: POSITIONALS,
  words: [[TARGET, 'the pod, which is deleted; without one, a server on this machine']],
  options: OPTIONS,
  relations: { [TARGET]: { needs: ['--url'] } },
  retired: { pod: 'name the pod as kubectl does, for example dropless contract pod/NAME --url URL' },
  examples: [
    { line: 'dropless contract', shows: 'the reference service' },
    {
      line: 'dropless contract --command "node server.js" --path / --ready-path /readyz --health-path /livez --slow /report',
      shows: 'a server of your own',
    },
    {
      line: 'dropless contract pod/web-6784797f77-8grhg -n shop --url http://10.244.1.7:3000',
      shows: 'a running pod, reachable at its address; the pod is deleted',
    },
  ],
  run: async ({ options, positionals: pod }, world) => {
    const isOwn = options.command === undefined && options.url === undefined;
    const terms = { acceptMs: options.accept, graceMs: options.grace, idleMs: options.idle };
    const tell = (step: string) => world.stderr.write(`${step}\n`);
    const given = await readRequests(options, { endpoints: [] }, world);
    const requests = toContractRequests(given, options.path, options.slow ?? (isOwn ? OWN_SLOW_PATH : null));
    const live = given.headerFile === null ? null : followHeaderFile(given.headerFile, world.readText, tell);
    const work = {
      ready: options['ready-path'],
      health: options['health-path'],
      requests: live === null ? requests : { ...requests, headers: () => live.current },
    };
    const access = await readTargetAccess(options, world);
    await prepareOutputs(options, world);
    const startedAtMs = world.nowMs();
    const looks = live === null ? null : setInterval(() => void live.look(), LOOK_MS);
    const { seen, idle, sigtermWithinMs } = await observeContract(
      { open: () => openSubject(options, access, pod, world), isSingle: pod !== null },
      work,
      terms,
      world.interrupted,
      tell,
    ).finally(() => looks !== null && clearInterval(looks));
    const points = toPoints(seen, idle, terms, sigtermWithinMs);
    world.stdout.write(`${formatPoints(points)}\n`);
    return writeReports(
      options,
      {
        junit: () => [toContractSuite(points, startedAtMs, world.nowMs() - startedAtMs)],
        markdown: () => formatContractMarkdown(points),
      },
      toContractExit(points),
      world,
    );
  },
});

/** The requests of the file or, without one, GET requests to the path, and the slow ones, all with the headers given. */
function toContractRequests(
  { endpoints, headers, data }: GivenRequests,
  path: string,
  slowPath: string | null,
): ContractRequests {
  const { plan, slow } = toPathRequests(path, slowPath);
  const withHeaders = (endpoint: Endpoint) => ({
    ...endpoint,
    headers: { ...headers, ...endpoint.headers },
  });
  return {
    plan: createPlan({
      model: { kind: 'closed', connections: 1, durationMs: Number.POSITIVE_INFINITY },
      endpoints: (endpoints.length > 0 ? endpoints : plan.endpoints).map(withHeaders),
      ...(data === null ? {} : { data }),
      freshShare: 0,
      maxRequests: null,
      seed: 1,
      shard: { index: 0, of: 1 },
    }),
    slow: slow === null ? null : withHeaders(slow),
  };
}

async function openSubject(
  options: ContractOptions,
  access: TargetAccess,
  pod: string | null,
  world: World,
): Promise<Subject> {
  const { env, interrupted } = world;
  if (pod !== null && options.url !== undefined) {
    await checkReachable(toTarget(options.url, access));
    const { api, namespace } = await openCluster(options, world.env);
    return createPodSubject(api, namespace, { ...options, url: options.url, access, pod }, interrupted);
  }
  const command = options.command ?? toOwnService();
  const replica = await startReplica(command, { ...env, HOST: '127.0.0.1' });
  const releaseExit = destroyOnExit(() => [replica]);
  return {
    name: `the command ${JSON.stringify(command)}, given PORT=${replica.port} to listen on,`,
    address: { host: '127.0.0.1', port: replica.port, tls: null },
    sigtermWithinMs: 0,
    prepare: async () => {},
    terminate: async () => replica.signal('SIGTERM'),
    exited: replica.exited,
    lastLines: async () => {
      replica.destroy();
      await replica.logged;
      return replica.log;
    },
    destroy: async () => {
      replica.destroy();
      await replica.exited;
      releaseExit();
    },
  };
}

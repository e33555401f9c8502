import { defineCommand } from '../cli/command.ts';
import { Fault } from '../cli/fault.ts';
import { duration, group, type OptionValues, optional, refine, text, withDefault } from '../cli/option.ts';
import { type Positionals, toUnexpected } from '../cli/positionals.ts';
import type { World } from '../cli/world.ts';
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
import { openCluster } from '../kube/cluster.ts';
import { parseObjectName, requireType } from '../kube/object-name.ts';
import { parseTargetUrl } from '../load/target-url.ts';
import { toOwnService } from '../local/fleet-setup.ts';
import { destroyOnExit, startReplica } from '../local/replica.ts';
import { JUNIT_OPTION, prepareOutputs, writeReports } from '../report/presentation.ts';
import { toClusterOptions } from './cluster-options.ts';

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
          parse: parsePlainUrl,
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
    path: withDefault('/health', text('PATH', 'A route that responds at once')),
    'ready-path': withDefault('/ready', text('PATH', 'Path of the readiness probe')),
    'health-path': withDefault('/health', text('PATH', 'Path of the liveness probe')),
    slow: optional(
      text('PATH', 'A route slow enough to be in flight at SIGTERM'),
      `${OWN_SLOW_PATH} of the reference service`,
    ),
  }),
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
    return requireType(target, 'Pod', 'checked against the contract');
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
    await prepareOutputs(options, world);
    const startedAtMs = world.nowMs();
    const isOwn = options.command === undefined && options.url === undefined;
    const terms = { acceptMs: options.accept, graceMs: options.grace, idleMs: options.idle };
    const paths = {
      path: options.path,
      ready: options['ready-path'],
      health: options['health-path'],
      slow: options.slow ?? (isOwn ? OWN_SLOW_PATH : null),
    };
    const { seen, idle, sigtermWithinMs } = await observeContract(
      { open: () => openSubject(options, pod, world), isSingle: pod !== null },
      paths,
      terms,
      world.interrupted,
      (step) => world.stderr.write(`${step}\n`),
    );
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

/** @throws {Fault} where it is not an http URL with a host */
function parsePlainUrl(given: string): URL {
  const url = parseTargetUrl(given);
  if (url.protocol !== 'http:') {
    throw new Fault('contract speaks plain HTTP to the pod: give the http URL of its port');
  }
  return url;
}

async function openSubject(options: ContractOptions, pod: string | null, world: World): Promise<Subject> {
  const { env, interrupted } = world;
  if (pod !== null && options.url !== undefined) {
    const { api, namespace } = await openCluster(options, world.env);
    return createPodSubject(api, namespace, { ...options, url: options.url, pod }, interrupted);
  }
  const command = options.command ?? toOwnService();
  const replica = await startReplica(command, { ...env, HOST: '127.0.0.1' });
  const releaseExit = destroyOnExit(() => [replica]);
  return {
    name: `the command ${JSON.stringify(command)}, given PORT=${replica.port} to listen on,`,
    address: { host: '127.0.0.1', port: replica.port },
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

import { defineCommand } from '../cli/command.ts';
import type { Exit } from '../cli/exit-code.ts';
import { Fault } from '../cli/fault.ts';
import { duration, type OptionValues, optional, text, withDefault } from '../cli/option.ts';
import type { World } from '../cli/world.ts';
import { observeShutdown, type Subject } from '../contract/observation.ts';
import { openPodSubject } from '../contract/pod-subject.ts';
import { type Point, toPoints } from '../contract/points.ts';
import { parseTargetUrl } from '../load/target-url.ts';
import { toOwnService } from '../local/fleet-setup.ts';
import { destroyOnExit, startReplica } from '../local/replica.ts';
import { formatTable } from '../report/tables.ts';

/** Longer than the lame duck, so that only the wait of the drain saves it. */
const OWN_SLOW_PATH = '/payload?delayMs=3000';

const OPTIONS = {
  command: optional(text('COMMAND', 'The server, which must listen on $PORT [this project’s service]')),
  url: optional({
    placeholder: 'URL',
    help: 'Instead of a command: where a running pod is reached, and no other pod',
    parse: parsePlainUrl,
  }),
  pod: optional(text('NAME', 'The pod behind --url. It is deleted')),
  container: optional(
    text(
      'NAME',
      'The server among the containers of --pod [that of the pod’s default-container annotation, or the only one]',
    ),
  ),
  namespace: optional(text('NAME', 'Its namespace [that of the context]')),
  context: optional(text('NAME', 'Context of the kubeconfig [the current one]')),
  path: withDefault('/health', text('PATH', 'A route that answers at once')),
  'ready-path': withDefault('/ready', text('PATH', 'The readiness probe')),
  'health-path': withDefault('/health', text('PATH', 'The liveness probe')),
  slow: optional(
    text(
      'PATH',
      `A route that takes long enough to be in flight at SIGTERM [of this project’s service ${OWN_SLOW_PATH}]`,
    ),
  ),
  accept: withDefault(
    '500ms',
    duration('How long new connections must be taken after SIGTERM', { min: 0, max: 600_000 }),
  ),
  grace: withDefault('30s', duration('By when it must have ended', { min: 1, max: 3_600_000 })),
};

type ContractOptions = OptionValues<typeof OPTIONS>;

export const contract = defineCommand({
  name: 'contract',
  summary: 'hold one server to the contract of a clean shutdown, point by point',
  positionals: { placeholder: '', min: 0, max: 0 },
  options: OPTIONS,
  examples: [
    { line: 'dropless contract', shows: 'this project’s service' },
    {
      line: 'dropless contract --command "node server.js" --path / --ready-path /readyz --health-path /livez --slow /report',
      shows: 'a server of your own',
    },
    {
      line: 'dropless contract --url http://10.244.1.7:3000 --pod web-6784797f77-8grhg --namespace shop',
      shows: 'a running pod, where its address can be reached',
    },
  ],
  run: async ({ options }, world) => {
    if ((options.url === undefined) !== (options.pod === undefined)) {
      throw new Fault('--url and --pod go together');
    }
    if (options.url !== undefined && options.command !== undefined) {
      throw new Fault('--command and --url exclude each other');
    }
    if (options.container !== undefined && options.pod === undefined) {
      throw new Fault('--container goes with --pod');
    }
    const isOwn = options.command === undefined && options.url === undefined;
    const terms = { acceptMs: options.accept, graceMs: options.grace };
    const subject = await openSubject(options, world);
    try {
      const seen = await observeShutdown(
        subject,
        {
          path: options.path,
          ready: options['ready-path'],
          health: options['health-path'],
          slow: options.slow ?? (isOwn ? OWN_SLOW_PATH : null),
        },
        terms,
        world.interrupted,
        (step) => world.stderr.write(`${step}\n`),
      );
      const points = toPoints(seen, terms, subject.sigtermWithinMs);
      world.stdout.write(`${formatPoints(points)}\n`);
      return toExit(points);
    } finally {
      await subject.destroy();
    }
  },
});

/** @throws {Fault} where it is not an http URL of a host */
function parsePlainUrl(given: string): URL {
  const url = parseTargetUrl(given);
  if (url.protocol !== 'http:') {
    throw new Fault('contract speaks plain HTTP to the pod: give the http URL of its port');
  }
  return url;
}

async function openSubject(options: ContractOptions, { env, interrupted }: World): Promise<Subject> {
  if (options.url !== undefined && options.pod !== undefined) {
    return openPodSubject({ ...options, url: options.url, pod: options.pod }, env, interrupted);
  }
  const command = options.command ?? toOwnService();
  const replica = await startReplica(command, { ...env, HOST: '127.0.0.1' });
  const releaseExit = destroyOnExit(() => [replica]);
  return {
    name: `the command ${JSON.stringify(command)}, told to listen on port ${replica.port} by $PORT,`,
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

function formatPoints(points: readonly Point[]): string {
  const state = (isHeld: Point['isHeld']) => (isHeld === null ? 'not shown' : isHeld ? 'held' : 'BROKEN');
  const table = formatTable({
    title: 'Contract',
    note: null,
    columns: ['Point', 'State', 'Found'],
    rows: points.map(({ name, isHeld, found }) => [name, state(isHeld), found]),
  });
  const count = (wanted: Point['isHeld']) => points.filter(({ isHeld }) => isHeld === wanted).length;
  return `${table}\n\n${count(true)} held, ${count(false)} broken, ${count(null)} not shown.`;
}

function toExit(points: readonly Point[]): Exit {
  if (points.some(({ isHeld }) => isHeld === false)) return 'failed';
  return points.every(({ isHeld }) => isHeld === true) ? 'proven' : 'inconclusive';
}

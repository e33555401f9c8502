import {
  duration,
  group,
  integer,
  number,
  type OptionValues,
  optional,
  repeatable,
  text,
  toggle,
  withDefault,
} from '../cli/option.ts';
import type { World } from '../cli/world.ts';
import { HAZARDS, parseHazard } from '../proof/hazard.ts';
import { DEFAULT_LOAD, type ProofLoad } from '../proof/proof-load.ts';
import {
  type CONNECTION_OPTIONS,
  type REQUEST_OPTIONS,
  readRequests,
  readTargetAccess,
  seedOption,
  type TRACE_OPTION,
  toEndpointOption,
  toFreshOption,
  toTimeoutOption,
} from './request-options.ts';

const HOUR_MS = 3_600_000;
/** Time for a held-back response to arrive before its deadline. */
const HELD_BEFORE_TIMEOUT_MS = 1_000;

interface LoadDefaults {
  /** Requests per second. */
  readonly rate: number;
  readonly maxRate: number;
  /** As the help shows it. */
  readonly connMaxAge: string;
}

/** The load of commands that judge a target by it. */
export function toLoadOptions({ rate, maxRate, connMaxAge }: LoadDefaults) {
  return group('Load', {
    rate: withDefault(String(rate), number('R', 'Requests per second', { min: 1, max: maxRate })),
    endpoint: toEndpointOption(
      'the routes of the reference service except /ready, with one response in twenty held back longer than its lame duck',
    ),
    fresh: toFreshOption(String(DEFAULT_LOAD.freshShare)),
    'keep-alive': withDefault(
      String(DEFAULT_LOAD.keptConnections),
      integer('Keep-alive connections that share the other requests', { min: 1, max: 1_000 }),
    ),
    'conn-max-age': optional(
      duration('Age at which a keep-alive connection is replaced, so that new pods are reached', {
        min: 100,
        max: HOUR_MS,
      }),
      connMaxAge,
    ),
    timeout: toTimeoutOption('5s'),
    seed: seedOption,
  });
}

/** @param elsewhere what stands for it where nothing is looked for, as the help shows it; empty: it always is */
export function toNamingOptions(elsewhere: string) {
  return group('Connection', {
    'pod-header': optional(
      text('NAME', 'Response header that names the pod'),
      `looked for in heads and bodies of the target at rest${elsewhere}`,
    ),
  });
}

export const PROBE_OPTION = group('Connection', {
  'no-pod-probes': toggle(
    'Do not connect to the pods’ own addresses to see what they accept; by default, where they answer',
  ),
});

export const allowOption = repeatable({
  placeholder: 'HAZARD',
  help: `A hazard that does not count: ${Object.keys(HAZARDS).join(', ')}`,
  parse: parseHazard,
});

type LoadValues = OptionValues<
  ReturnType<typeof toLoadOptions> &
    ReturnType<typeof toNamingOptions> &
    typeof REQUEST_OPTIONS &
    typeof TRACE_OPTION &
    Omit<typeof CONNECTION_OPTIONS, 'pod-header'>
>;

/** @param defaults of the place that is put under load */
export async function readProofLoad(
  options: LoadValues,
  { heldMs, connMaxAgeMs }: Pick<ProofLoad, 'heldMs' | 'connMaxAgeMs'>,
  world: World,
): Promise<ProofLoad> {
  const { endpoints, headers, data, headerFile } = await readRequests(
    options,
    { endpoints: options.endpoint },
    world,
  );
  return {
    rate: options.rate,
    endpoints,
    data,
    headerFile,
    heldMs: Math.max(0, Math.min(heldMs, options.timeout - HELD_BEFORE_TIMEOUT_MS)),
    headers,
    trace: options.trace,
    freshShare: options.fresh,
    keptConnections: options['keep-alive'],
    connMaxAgeMs: options['conn-max-age'] ?? connMaxAgeMs,
    timeoutMs: options.timeout,
    podHeader: options['pod-header'] ?? DEFAULT_LOAD.podHeader,
    versionHeader: options['version-header'],
    seed: options.seed,
    senders: world.senders,
    access: await readTargetAccess(options, world),
  };
}

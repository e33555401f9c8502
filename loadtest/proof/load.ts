import type { Endpoint } from '../engine/settlement.ts';
import { chooseEndpoints, parseEndpoint } from '../load/endpoint.ts';
import { parseTargetUrl, toTarget } from '../load/target-url.ts';
import type { WitnessSpec } from '../load/witness.ts';

/** What a target is put under for a proof. */
export interface Load {
  /** Requests per second. */
  readonly rate: number;
  /** None: the path of the URL, or where that is `/`, this service's own routes. */
  readonly endpoints: readonly Endpoint[];
  /**
   * How long this service is asked to hold back one of twenty responses: some are always in flight then, and where it is
   * longer than the lame duck, only the wait of the drain saves them.
   */
  readonly heldMs: number;
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** From 0 to 1: the part of the requests that open a connection of their own. */
  readonly freshShare: number;
  /** Age at which a keep-alive connection is replaced, so that new pods are reached. */
  readonly connMaxAgeMs: number;
  readonly timeoutMs: number;
  readonly podHeader: string;
  readonly versionHeader: string;
  readonly seed: number;
  /** PEM of the authority that signs the target's certificate; null: those of the system. */
  readonly ca: string | null;
  readonly isVerified: boolean;
}

/** Of the command line, where it says nothing else. */
export const DEFAULT_LOAD: Load = {
  rate: 400,
  endpoints: [],
  heldMs: 3_000,
  headers: {},
  freshShare: 0.4,
  connMaxAgeMs: 20_000,
  timeoutMs: 5_000,
  podHeader: 'X-Pod',
  versionHeader: 'X-Version',
  seed: 1,
  ca: null,
  isVerified: true,
};

const MAX_PROOF_MS = 24 * 3_600_000;

/** All of this service's routes but /ready: what that answers while draining is a message, and no loss. */
function toOwnEndpoints(heldMs: number): readonly Endpoint[] {
  const quick = ['/health', '/payload', '/metrics', '/version'].map((path) => `GET ${path} 19`);
  return [...quick, `GET /payload?delayMs=${heldMs} 4`].map(parseEndpoint);
}

const LIMITS = { maxLineBytes: 16_384, maxHeadBytes: 65_536, maxFields: 256, maxBodyBytes: 16 * 1024 * 1024 };

/**
 * The load on a URL, until it is ended.
 * @throws {Fault} where the URL and the endpoints both name a path
 */
export function toWitnessSpec(url: URL, load: Load): WitnessSpec {
  const { rate, headers } = load;
  const isOwn = load.endpoints.length === 0 && url.pathname === '/' && url.search === '';
  const endpoints = isOwn ? toOwnEndpoints(load.heldMs) : chooseEndpoints(load.endpoints, url, {});
  return {
    plan: {
      model: { kind: 'open', stages: [{ durationMs: MAX_PROOF_MS, fromRate: rate, toRate: rate }] },
      endpoints:
        Object.keys(headers).length === 0
          ? endpoints
          : endpoints.map((endpoint) => ({ ...endpoint, headers })),
      freshShare: load.freshShare,
      maxRequests: null,
      seed: load.seed,
      shard: { index: 0, of: 1 },
    },
    engine: {
      engine: 'net',
      target: toTarget(parseTargetUrl(url.href), { ca: load.ca, isVerified: load.isVerified }),
      mode: 'open',
      timeoutMs: load.timeoutMs,
      maxConnections: 1_000,
      connMaxAgeMs: load.connMaxAgeMs,
      podHeader: load.podHeader,
      versionHeader: load.versionHeader,
      requestId: null,
      limits: LIMITS,
    },
  };
}

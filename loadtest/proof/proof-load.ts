import type { Sender } from '../cli/world.ts';
import { RESPONSE_LIMITS } from '../engine/response-parser.ts';
import type { Endpoint } from '../engine/settlement.ts';
import type { DataTable } from '../engine/template.ts';
import { createTraceContext, type TraceMode } from '../engine/trace-context.ts';
import { chooseEndpoints, parseEndpoint } from '../load/endpoint.ts';
import type { HeaderFile } from '../load/header-file.ts';
import type { LoadSpec } from '../load/load-spec.ts';
import { parseTargetUrl, type TargetAccess, toTarget } from '../load/target-url.ts';

/** The load that a target is put under for a proof. */
export interface ProofLoad {
  /** Requests per second. */
  readonly rate: number;
  /** Empty: the path of the URL or, if that is `/`, the routes of the reference service. */
  readonly endpoints: readonly Endpoint[];
  /**
   * How long the reference service is asked to hold back one in twenty responses, so that some are always in
   * flight. If that is longer than the lame duck, only the drain saves them.
   */
  readonly heldMs: number;
  /** Values for the endpoints' `{{column}}`; null: none. */
  readonly data: DataTable | null;
  /** Sent with every request that does not have them itself. */
  readonly headers: Readonly<Record<string, string>>;
  readonly trace: TraceMode;
  /** Further headers, as they are in this file at the time; null: none. */
  readonly headerFile: HeaderFile | null;
  /** The share of the requests, from 0 to 1, that open a fresh connection. */
  readonly freshShare: number;
  /** Age at which a keep-alive connection is replaced, so that new pods are reached. */
  readonly connMaxAgeMs: number;
  /** Keep-alive connections that share the other requests; more only while all are busy. */
  readonly keptConnections: number;
  readonly timeoutMs: number;
  readonly podHeader: string;
  readonly versionHeader: string;
  readonly seed: number;
  readonly access: TargetAccess;
  /** Who sends it; none: this process. */
  readonly senders: readonly Sender[];
}

/** The load where the command line says nothing else. */
export const DEFAULT_LOAD: ProofLoad = {
  rate: 400,
  endpoints: [],
  heldMs: 3_000,
  data: null,
  headers: {},
  trace: 'unsampled',
  headerFile: null,
  freshShare: 0.4,
  connMaxAgeMs: 20_000,
  keptConnections: 24,
  timeoutMs: 5_000,
  podHeader: 'X-Pod',
  versionHeader: 'X-Version',
  seed: 1,
  senders: [],
  access: { ca: null, isVerified: true },
};

/** The phases of a proof: from the first request, from the disruption, and from the moment the target is quiet again. */
export const PROOF_PHASES = ['before', 'during', 'after'] as const;

/** Narrow enough to see a pod go. */
const SLOT_MS = 250;
/** Enough that one of them is likely to lead to any pod of a small fleet. */
const IDLE_CONNECTIONS = 8;
/** Whatever is asked for ends before. */
const MAX_LOAD_MS = 10 * 365 * 24 * 3_600_000;

/** All routes of the reference service except /ready: its 503 while draining is a signal, and not a loss. */
function toOwnEndpoints(heldMs: number): readonly Endpoint[] {
  const quick = ['/health', '/payload', '/metrics', '/version'].map((path) => `GET ${path} 19`);
  return [...quick, `GET /payload?delayMs=${heldMs} 4`].map(parseEndpoint);
}

/**
 * The load on a URL, until it is stopped. Each call gives it traces of its own.
 * @throws {Fault} where the URL and the endpoints both name a path, or a request cannot be written as HTTP/1.1
 */
export function toLoadSpec(url: URL, load: ProofLoad): LoadSpec {
  const { rate, headers, data, headerFile } = load;
  const isOwn = load.endpoints.length === 0 && url.pathname === '/' && url.search === '';
  const given = isOwn ? toOwnEndpoints(load.heldMs) : load.endpoints;
  return {
    plan: {
      model: { kind: 'open', stages: [{ durationMs: MAX_LOAD_MS, fromRate: rate, toRate: rate }] },
      endpoints: chooseEndpoints(given, url, { headers }),
      ...(data === null ? {} : { data }),
      freshShare: load.freshShare,
      maxRequests: null,
      seed: load.seed,
      shard: { index: 0, of: 1 },
    },
    engine: {
      target: toTarget(parseTargetUrl(url.href), load.access),
      mode: 'open',
      timeoutMs: load.timeoutMs,
      maxConnections: 1_000,
      connMaxAgeMs: load.connMaxAgeMs,
      keptConnections: load.keptConnections,
      idleConnections: IDLE_CONNECTIONS,
      podHeader: load.podHeader,
      versionHeader: load.versionHeader,
      requestId: null,
      trace: createTraceContext(load.trace),
      limits: RESPONSE_LIMITS,
    },
    ...(headerFile === null ? {} : { headerFile }),
    phases: [{ name: PROOF_PHASES[0], fromMs: 0 }],
    slotMs: SLOT_MS,
    // The proof keeps its own, all that it can judge.
    failuresPerOutcome: 0,
    startAtEpochMs: null,
    senders: load.senders,
  };
}

/**
 * The JSON that `dropless run --json`, `prove --json`, `observe --json` and `report OLD NEW --json` write, for readers in
 * TypeScript:
 *
 *     import type { ProofReport } from 'dropless/reports';
 *     const report: ProofReport = JSON.parse(await readFile('proof.json', 'utf8'));
 *
 * All times are in ms. Without a note they count from the start of the load. A test holds these types to what the
 * program writes.
 */

/** How a request ended; `ok` is a complete response with the expected status. */
export type Outcome =
  | 'ok'
  | `http_${number}`
  | 'refused'
  | 'connect_timeout'
  | 'reset'
  | 'closed_before_response'
  | 'truncated'
  | 'wrong_body'
  | 'timeout'
  | 'protocol_error'
  | 'dns'
  | 'tls'
  | 'not_sent'
  | 'unfinished';

/** Requests by outcome; outcomes that did not occur are absent. */
export type OutcomeCounts = Readonly<Partial<Record<Outcome, number>>>;

export type ConnectionEnding =
  | 'closed_by_load'
  | 'closed_with_notice'
  | 'closed_in_silence'
  | 'cut'
  | 'refused'
  | 'never_opened';

/** Connections by how they ended; endings that did not occur are absent. */
export type ConnectionEndingCounts = Readonly<Partial<Record<ConnectionEnding, number>>>;

export type Cause =
  | 'ignores-sigterm'
  | 'rejects-while-draining'
  | 'cut-by-drain-limit'
  | 'slow-first-requests'
  | 'crashes'
  | 'closes-idle-connections'
  | 'exits-on-sigterm'
  | 'closes-keep-alive-connections'
  | 'stops-listening-early'
  | 'ready-too-early'
  | 'killed-at-grace-end'
  | 'too-little-capacity'
  | 'readiness-flaps'
  | 'node-lost'
  | 'unknown';

/** The exit code in a word: 0, 1, 2, 3. */
export type Exit = 'proven' | 'failed' | 'usage' | 'inconclusive' | 'at-risk';

/** One request, from its place in the plan to its end. */
export interface Settlement {
  readonly index: number;
  /** Where it was sent from, for example the name of a node; null: from one place alone. */
  readonly from: string | null;
  /** Position among the endpoints. */
  readonly endpoint: number;
  readonly intendedMs: number;
  /** Null: never written. */
  readonly sentMs: number | null;
  readonly endMs: number;
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly bytesReceived: number;
  /** Null: no connection was tried. */
  readonly connection: {
    readonly id: number;
    readonly reused: boolean;
    readonly setupMs: number;
    readonly ageMs: number;
    readonly idleMs: number;
    readonly requests: number;
    readonly localPort: number | null;
    readonly remoteAddress: string | null;
  } | null;
  readonly pod: string | null;
  readonly version: string | null;
  readonly detail: string | null;
  /** The trace that a failed request was written with; null: none, or one of the user's own. */
  readonly traceId: string | null;
}

/** Sum and maximum are exact to the µs; `hdr` is an HdrHistogram V2, deflated, in base64. */
export interface EncodedHistogram {
  readonly count: number;
  readonly sumUs: number;
  readonly maxUs: number;
  readonly hdr: string;
}

/** Exact counts and latencies. The outcomes of all cells add up to `settled`, and that is `planned`. */
export interface LoadRecord {
  readonly planned: number;
  readonly sent: number;
  readonly settled: number;
  /** The endings add up to `tried`. */
  readonly connections: {
    readonly tried: number;
    readonly established: number;
    readonly endings: ConnectionEndingCounts;
  };
  readonly slotMs: number;
  readonly phases: readonly { readonly name: string; readonly fromMs: number }[];
  readonly cells: readonly {
    readonly endpoint: number;
    readonly phase: string;
    readonly version: string | null;
    readonly outcomes: OutcomeCounts;
    readonly response: EncodedHistogram;
    readonly service: EncodedHistogram;
    readonly failed: EncodedHistogram;
    readonly lag: EncodedHistogram;
  }[];
  readonly series: readonly {
    readonly slot: number;
    readonly version: string | null;
    readonly outcomes: OutcomeCounts;
    readonly response: EncodedHistogram;
  }[];
}

export interface RequirementResult {
  readonly text: string;
  readonly unit: 'count' | 'percent' | 'perSecond' | 'time';
  /** Null: there was nothing to measure. */
  readonly actual: number | null;
  readonly state: 'met' | 'missed' | 'unknown';
}

/** Null where nothing was measured. */
export interface LatencySummary {
  readonly count: number;
  readonly averageMs: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
}

export interface GroupSummary {
  readonly name: string;
  readonly requests: number;
  readonly notOk: number;
  readonly lost: number;
  readonly response: LatencySummary;
}

/** What `run --json`, `merge --json` and `report --json` write of a run. */
export interface RunReport {
  readonly schema: 'dropless.run/1';
  readonly verdict: {
    readonly kind: string;
    readonly exit: Exit;
    readonly sentence: string;
    /** How far the latencies can be trusted. */
    readonly latency: {
      readonly kind: 'trusted' | 'generator-limited' | 'unmeasured';
      readonly sentence: string;
    };
  };
  readonly summary: {
    readonly outcomes: OutcomeCounts;
    readonly requests: number;
    readonly notOk: number;
    readonly lost: number;
    readonly ratePerSecond: number;
    readonly latency: Readonly<Record<'response' | 'service' | 'lag' | 'failed', LatencySummary>>;
    readonly endpoints: readonly (GroupSummary & {
      readonly totalDurationMs: number;
      readonly serverAverageMs: number | null;
    })[];
    readonly phases: readonly GroupSummary[];
    readonly versions: readonly GroupSummary[];
    readonly requirements: readonly RequirementResult[];
  };
  readonly setup: {
    readonly target: string;
    readonly endpoints: readonly {
      readonly name: string;
      readonly method: string;
      readonly path: string;
      readonly weight: number;
    }[];
    /** SHA-256 of the files of --requests and --data, with the bodies that they name; null: none was given. */
    readonly requests: string | null;
    readonly model:
      | {
          readonly kind: 'open';
          readonly stages: readonly {
            readonly durationMs: number;
            readonly fromRate: number;
            readonly toRate: number;
          }[];
        }
      | { readonly kind: 'closed'; readonly connections: number; readonly durationMs: number };
    readonly freshShare: number;
    readonly maxRequests: number | null;
    readonly seed: number;
    readonly timeoutMs: number;
    readonly startAt: string | null;
  };
  readonly shards: {
    readonly of: number;
    readonly present: readonly number[];
    readonly duplicates: readonly number[];
    readonly isMerged: boolean;
  };
  /** RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly runtime: string;
  readonly isInterrupted: boolean;
  readonly ledgerFault: string | null;
  readonly requirements: readonly string[];
  readonly server:
    | readonly { readonly endpoint: number; readonly count: number; readonly sumMs: number }[]
    | null;
  readonly record: LoadRecord;
  /** Of each outcome that was not ok the first hundred, in the order of the plan. */
  readonly failures: readonly (Settlement & { readonly phase: string; readonly endPhase: string })[];
}

export interface ProofVerdict {
  readonly kind: 'proven' | 'at-risk' | 'losses' | 'missed' | 'inconclusive';
  readonly exit: Exit;
  readonly sentence: string;
  /** What stands against a proof, besides losses. */
  readonly doubts: readonly string[];
  /** 95 % upper bound of the share of requests lost; null where it is not proven. */
  readonly upperBound: number | null;
}

/** From `fromMs` until `toMs`; null: still. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** A time is null where it was not seen. */
export interface PodTimeline {
  readonly pod: string;
  readonly version: string | null;
  readonly node: string | null;
  readonly isProbed: boolean;
  readonly scheduledMs: number | null;
  readonly startedMs: number | null;
  readonly ready: readonly Span[];
  /** While it was among the ready endpoints. */
  readonly endpoint: readonly Span[];
  readonly terminatingMs: number | null;
  readonly graceMs: number | null;
  readonly sigtermMs: number | null;
  readonly exit: {
    readonly atMs: number;
    readonly code: number | null;
    readonly signal: string | null;
    /** By the kernel, for want of memory. */
    readonly isOomKilled: boolean;
  } | null;
  readonly nodeLostMs: number | null;
  readonly goneMs: number | null;
  /** What probes of its own address found; null: it was not probed. */
  readonly direct: {
    readonly accepts: readonly Span[];
    readonly refuses: readonly Span[];
    readonly answeredMs: number | null;
    readonly closed: readonly { readonly atMs: number; readonly idleMs: number }[];
  } | null;
}

/** What would have lost a request, had one been on its way. */
export type HazardId =
  | 'silent-close-while-draining'
  | 'short-idle-timeout'
  | 'late-endpoint'
  | 'cold-start'
  | 'tight-grace'
  | 'thin-capacity';

/** What a manifest can mend; null: that is to stay as it is. Times are whole seconds. */
export interface ManifestChange {
  readonly preStopMs: number | null;
  readonly graceMs: number | null;
  /** maxSurge 1 and maxUnavailable 0. */
  readonly isSurged: boolean;
}

/** A stretch of load that was judged. */
export interface Judged {
  /** RFC 3339. Times are ms since then. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly endpoints: readonly string[];
  readonly planned: number;
  readonly ok: number;
  readonly lost: number;
  /** What failed because the load itself was late, was stopped, or could not send; no part of `lost`. */
  readonly givenUp: number;
  readonly outcomes: OutcomeCounts;
  readonly lagP99Ms: number;
  /** All losses by cause. */
  readonly causes: Readonly<Partial<Record<Cause, number>>>;
  /** What to change, one for each cause. */
  readonly fixes: readonly {
    readonly cause: Cause;
    readonly text: string;
    readonly change: ManifestChange | null;
  }[];
  /** The first, in the order they ended: 5,000 of a proof, 100 of a line. */
  readonly losses: readonly {
    readonly settlement: Settlement;
    readonly pod: string | null;
    readonly podBy: 'connection' | 'direct-probe' | 'elimination' | null;
    /** Of the pod, when the request failed. */
    readonly phase:
      | 'unknown'
      | 'starting'
      | 'ready'
      | 'unready'
      | 'terminating'
      | 'preStop'
      | 'endpoint removed'
      | 'preStop or later'
      | 'gone';
    readonly cause: Cause;
    readonly why: string;
  }[];
  readonly timelines: readonly PodTimeline[];
  /** One for each timeline; a margin is null where the pod did not end, or was not new, or where it was not seen. */
  /** Where the load was sent from; empty: from one place alone. */
  readonly vantagePoints: readonly {
    readonly from: string;
    readonly requests: number;
    readonly lost: number;
    /** The longest time for which a deleted pod was still led connections from there. */
    readonly ledForMs: number | null;
  }[];
  readonly margins: readonly {
    readonly pod: string;
    /** From its deletion until the last connection that was led to it was opened. */
    readonly ledForMs: number | null;
    /** Where the last connection that was led to it was opened from; null: from one place alone. */
    readonly ledFrom: string | null;
    /** From that connection until it stopped accepting, at the least. */
    readonly acceptedForMs: number | null;
    readonly graceLeftMs: number | null;
    /** From the moment it was an endpoint until its first ok response. */
    readonly firstResponseMs: number | null;
    /** Where that response came to; null: to the only place, or to a direct probe. */
    readonly firstResponseFrom: string | null;
  }[];
  readonly hazards: readonly {
    readonly hazard: HazardId;
    /** Null: not known, or all. */
    readonly pod: string | null;
    readonly atMs: number;
    readonly why: string;
    readonly fix: string;
    readonly change: ManifestChange | null;
    /** Keep-alive connections that it met, and requests per second on each. */
    readonly exposure: { readonly connections: number; readonly perSecond: number } | null;
    /** Losses to be expected where clients are that far away; null: that cannot be told. */
    readonly expectedLosses: readonly { readonly roundTripMs: number; readonly lost: number }[] | null;
  }[];
  /** Those that do not count. */
  readonly allowed: readonly HazardId[];
  /** By phase (`before`, `during`, `after`) and version: it follows from the record. */
  readonly latency: readonly {
    readonly phase: string;
    readonly version: string | null;
    readonly requests: number;
    readonly lost: number;
    readonly response: LatencySummary;
  }[];
  readonly verdict: ProofVerdict;
}

/** One disruption under load. */
export interface Proof extends Judged {
  readonly disruption: 'rollout' | 'scale' | 'drain' | 'kill' | 'run';
  /** The safeguards taken away, as `--without` takes them; none: this is the proof itself. */
  readonly without: readonly string[];
  readonly target: string;
  readonly requirements: readonly RequirementResult[];
  readonly marks: readonly { readonly atMs: number; readonly text: string }[];
  readonly record: LoadRecord;
  /** What was done to the target and could not be undone. */
  readonly leftBehind: readonly string[];
}

/** What `prove --json` writes. */
export interface ProofReport {
  readonly schema: 'dropless.proof/4';
  readonly verdict: ProofVerdict;
  /** Why a disruption that was asked for has no proof; null: each has one. */
  readonly cutShort: string | null;
  readonly proofs: readonly Proof[];
  /** The same disruption again, each time without some of its safeguards. */
  readonly controls: readonly Proof[];
}

/** In which range a percentile lies at the confidence of the comparison. */
export interface PercentileRange {
  readonly ms: number;
  readonly leastMs: number;
  /** Null: there are too few values to tell. */
  readonly mostMs: number | null;
}

/** The same of both reports. */
export interface Sides<T> {
  readonly old: T;
  readonly new: T;
}

/** Two counts, each out of `requests`. */
export interface CountComparison extends Sides<number> {
  readonly name: string;
  readonly isMoreThanNoise: boolean;
}

/** What `report OLD NEW --json` writes. */
export interface ComparisonReport {
  readonly schema: 'dropless.comparison/1';
  readonly kind: 'run' | 'proof';
  readonly target: Sides<string>;
  /** RFC 3339. */
  readonly startedAt: Sides<string>;
  readonly verdict: Sides<{ readonly kind: string; readonly sentence: string }>;
  readonly requests: Sides<number>;
  /** Of each figure by itself, from 0 to 1. */
  readonly confidence: number;
  readonly lost: CountComparison;
  readonly outcomes: readonly CountComparison[];
  /** Losses by cause; empty for runs. */
  readonly causes: readonly CountComparison[];
  /** Of ok responses: of all requests and of each endpoint in runs, of each phase in proofs. */
  readonly latencies: readonly (Sides<PercentileRange | null> & {
    readonly group: string;
    readonly percentile: number;
    readonly isMoreThanNoise: boolean;
  })[];
  /** Pods that showed each. */
  readonly hazards: readonly (Sides<number> & { readonly name: string })[];
  /** The least over all pods, in ms; null: not seen. */
  readonly margins: readonly (Sides<number | null> & { readonly name: string })[];
}

/** Why pods come and go. */
export type ReplacementReason =
  | 'rollout'
  | 'scale-up'
  | 'scale-down'
  | 'eviction'
  | 'preemption'
  | 'deletion'
  | 'crash'
  | 'out-of-memory'
  | 'liveness-probe'
  | 'node-lost'
  | 'unknown';

/** One replacement of pods, whoever caused it. */
export interface ObservedReplacement extends Judged {
  readonly schema: 'dropless.observation/1';
  readonly kind: 'replacement';
  /** In the order in which they first showed. */
  readonly reasons: readonly {
    readonly reason: ReplacementReason;
    /** With names and numbers, for example `scale from 3 to 5 by kubectl`. */
    readonly text: string;
    readonly pods: readonly string[];
  }[];
}

/** Losses outside of any replacement. */
export interface ObservedLosses extends Judged {
  readonly schema: 'dropless.observation/1';
  readonly kind: 'losses';
}

/** The last line of an observation. */
export interface ObservationSummary {
  readonly schema: 'dropless.observation/1';
  readonly kind: 'summary';
  readonly verdict: ProofVerdict;
  readonly target: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Of all requests. */
  readonly outcomes: OutcomeCounts;
  /** By verdict, and in each by the first reason. */
  readonly replacements: Readonly<
    Partial<Record<ProofVerdict['kind'], Readonly<Partial<Record<ReplacementReason, number>>>>>
  >;
  readonly lostInReplacements: number;
  readonly lostOutside: number;
  /** What failed because the load itself was late, or could not send; no part of what was lost. */
  readonly givenUp: number;
  readonly causes: Readonly<Partial<Record<Cause, number>>>;
  readonly hazards: Readonly<Partial<Record<HazardId, number>>>;
}

/** A line of what `observe --json` writes. */
export type ObservationLine = ObservedReplacement | ObservedLosses | ObservationSummary;

/** What `lint -o json` writes. */
export interface LintReport {
  readonly schema: 'dropless.lint/1';
  readonly summary: {
    readonly error: number;
    readonly warning: number;
    readonly info: number;
    /** By annotations of the objects; no part of the others. */
    readonly ignored: number;
    readonly workloads: readonly string[];
    readonly objects: number;
    readonly rules: number;
    /** Kinds of objects that could not be read, so no finding covers them. */
    readonly unseen: readonly string[];
  };
  /** Those that an annotation ignores are included. */
  readonly findings: readonly {
    readonly rule: string;
    readonly severity: 'error' | 'warning' | 'info';
    readonly message: string;
    readonly kind: string;
    readonly name: string;
    /** Empty: the manifest names none. */
    readonly namespace: string;
    readonly path: string;
    readonly source: string;
    /** Objects of a cluster, and those that kustomize rendered, have no lines. */
    readonly line?: number;
    readonly column?: number;
    readonly lost: string;
    readonly fix: string;
    readonly docs: string;
    readonly ignoredBecause?: string;
  }[];
}

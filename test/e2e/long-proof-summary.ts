import type { CauseId } from '../../loadtest/prove/cause.ts';
import type { Proof } from '../../loadtest/prove/proof.ts';
import { toSeriesVerdict } from '../../loadtest/prove/series.ts';
import type { Verdict } from '../../loadtest/prove/verdict.ts';

/** One disturbance of the long proof, without its requests. */
interface Row {
  readonly disturbance: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly requests: number;
  readonly ok: number;
  readonly lost: number;
  readonly causes: Readonly<Partial<Record<CauseId, number>>>;
  readonly podsEnded: number;
  readonly verdict: Verdict['kind'];
}

/** What docs/proof/proof.json holds. */
export interface LongProof {
  readonly schema: 'dropless.long-proof/1';
  readonly startedAt: string;
  /** Requests per second, and how many were to be answered at least. */
  readonly rate: number;
  readonly wanted: number;
  readonly verdict: Verdict;
  readonly requests: number;
  readonly lost: number;
  readonly disturbances: readonly Row[];
  /** What is known to lose requests: no part of the verdict, but each loss has a cause. */
  readonly mustLose: readonly Row[];
  /** Of the last disturbance that lost a node; null: none did. */
  readonly nodeLoss: NodeLoss | null;
}

/** Times are ms since the disturbance began. */
interface NodeLoss {
  /** When the API server took the node as lost. */
  readonly knownAfterMs: number | null;
  /** When its pods were no endpoints any more. */
  readonly endpointsGoneAfterMs: number | null;
  /** Requests lost because of it that were due before its pods were no endpoints any more, and after. */
  readonly lostBefore: number;
  readonly lostAfter: number;
  /** When the last of them was due. */
  readonly lastLostAfterMs: number | null;
}

/** Pure: what is kept of a long proof. */
export function toLongProof(
  proofs: readonly Proof[],
  mustLose: readonly Proof[],
  { rate, requests }: { rate: number; requests: number },
): LongProof {
  const sum = (key: 'planned' | 'lost') => proofs.reduce((total, proof) => total + proof[key], 0);
  const short = sum('planned') < requests ? `only ${sum('planned')} of ${requests} requests were made` : null;
  return {
    schema: 'dropless.long-proof/1',
    startedAt: proofs[0]?.startedAt ?? '',
    rate,
    wanted: requests,
    verdict: toSeriesVerdict({ proofs, cutShort: short }),
    requests: sum('planned'),
    lost: sum('lost'),
    disturbances: proofs.map(toRow),
    mustLose: mustLose.map(toRow),
    nodeLoss: mustLose.map(toNodeLoss).findLast((loss) => loss !== null) ?? null,
  };
}

function toRow(proof: Proof): Row {
  const { disturbance, startedAt, durationMs, planned, ok, lost, causes, lives, verdict } = proof;
  return {
    disturbance,
    startedAt,
    durationMs: Math.round(durationMs),
    requests: planned,
    ok,
    lost,
    causes,
    podsEnded: lives.filter(({ terminatingMs }) => terminatingMs !== null).length,
    verdict: verdict.kind,
  };
}

function toNodeLoss({ marks, lives, losses, disturbance }: Proof): NodeLoss | null {
  const dead = lives.filter(({ nodeLostMs }) => nodeLostMs !== null);
  const beganMs = marks.find(({ text }) => text === `${disturbance} begins`)?.atMs;
  if (dead.length === 0 || beganMs === undefined) return null;
  const latest = (times: readonly (number | null | undefined)[]) => {
    const known = times.filter((ms) => typeof ms === 'number');
    return known.length === 0 ? null : Math.max(...known);
  };
  const after = (ms: number | null) => (ms === null ? null : Math.round(ms - beganMs));
  const goneMs = latest(dead.map(({ endpoint }) => endpoint[0]?.toMs));
  const due = losses
    .filter(({ cause }) => cause === 'node-lost')
    .map(({ settlement }) => settlement.intendedMs);
  const lostBefore = due.filter((ms) => goneMs === null || ms < goneMs).length;
  return {
    knownAfterMs: after(latest(dead.map(({ nodeLostMs }) => nodeLostMs))),
    endpointsGoneAfterMs: after(goneMs),
    lostBefore,
    lostAfter: due.length - lostBefore,
    lastLostAfterMs: after(latest(due)),
  };
}

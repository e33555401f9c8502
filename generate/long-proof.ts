import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatCount } from '../loadtest/cli/format.ts';
import { CAUSES, type CauseId } from '../loadtest/proof/cause.ts';
import type { Proof } from '../loadtest/proof/judgement.ts';
import { toSeriesVerdict } from '../loadtest/proof/series.ts';
import { countEnded } from '../loadtest/proof/timeline.ts';
import type { ProofVerdict } from '../loadtest/proof/verdict.ts';
import { formatTable } from './markdown-table.ts';

/** One disruption of the long proof, without its requests. */
interface Row {
  readonly disruption: string;
  /** Start time, RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly requests: number;
  readonly ok: number;
  readonly lost: number;
  readonly causes: Readonly<Partial<Record<CauseId, number>>>;
  readonly podsEnded: number;
  readonly verdict: ProofVerdict['kind'];
}

/** What docs/proof/proof.json holds. */
export interface LongProof {
  readonly schema: 'dropless.long-proof/1';
  readonly startedAt: string;
  /** Requests per second, and how many were to be answered at least. */
  readonly rate: number;
  readonly wanted: number;
  readonly verdict: ProofVerdict;
  readonly requests: number;
  readonly lost: number;
  readonly disruptions: readonly Row[];
  /** What is known to lose requests: no part of the verdict, but each loss has a cause. */
  readonly mustLose: readonly Row[];
  /** Of the last disruption that lost a node; null: none did. */
  readonly nodeLoss: NodeLoss | null;
}

/** Times are ms since the disruption began. */
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

/** What was done: asked to lose nothing, and bound to lose; and why it came to no end, or null. */
interface Deeds {
  readonly proofs: readonly Proof[];
  readonly must: readonly Proof[];
  readonly cutShort: string | null;
}

/** So many disruptions make a proof long, besides its requests. */
const MIN_DISRUPTIONS = 20;

/**
 * Pure: what is kept of a long proof. It is none with too few requests or disruptions, without the node that loses
 * power, or with a loss that has no cause.
 */
export function toLongProof(
  { proofs, must, cutShort }: Deeds,
  { rate, requests }: { rate: number; requests: number },
): LongProof {
  const sum = (key: 'planned' | 'lost') => proofs.reduce((total, proof) => total + proof[key], 0);
  const unknown = must.reduce((total, { causes }) => total + (causes.unknown ?? 0), 0);
  const nodeLoss = must.map(toNodeLoss).findLast((loss) => loss !== null) ?? null;
  const lacking = [
    ...(cutShort === null ? [] : [cutShort]),
    ...(sum('planned') < requests ? [`only ${sum('planned')} of ${requests} requests were made`] : []),
    ...(proofs.length < MIN_DISRUPTIONS
      ? [`there were only ${proofs.length} of ${MIN_DISRUPTIONS} disruptions`]
      : []),
    ...must
      .filter(({ verdict }) => verdict.kind === 'inconclusive')
      .map(
        ({ disruption, verdict }) =>
          `of the ${disruption} that was to lose some: ${verdict.doubts.join('; ')}`,
      ),
    ...(nodeLoss === null ? ['no node was seen to lose its power'] : []),
    ...(unknown > 0 ? [`${formatCount(unknown)} of the losses that were to be expected have no cause`] : []),
  ];
  return {
    schema: 'dropless.long-proof/1',
    startedAt: proofs[0]?.startedAt ?? '',
    rate,
    wanted: requests,
    verdict: toSeriesVerdict({ proofs, cutShort: lacking.length === 0 ? null : lacking.join('; ') }),
    requests: sum('planned'),
    lost: sum('lost'),
    disruptions: proofs.map(toRow),
    mustLose: must.map(toRow),
    nodeLoss,
  };
}

function toRow(proof: Proof): Row {
  const { disruption, startedAt, durationMs, planned, ok, lost, causes, timelines, verdict } = proof;
  return {
    disruption,
    startedAt,
    durationMs: Math.round(durationMs),
    requests: planned,
    ok,
    lost,
    causes,
    podsEnded: countEnded(timelines),
    verdict: verdict.kind,
  };
}

function toNodeLoss({ marks, timelines, losses, disruption }: Proof): NodeLoss | null {
  const dead = timelines.filter(({ nodeLostMs }) => nodeLostMs !== null);
  const beganMs = marks.find(({ text }) => text === `${disruption} begins`)?.atMs;
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

const FILE = 'proof.json';

export function writeLongProof(directory: string, kept: LongProof): void {
  writeFileSync(join(directory, FILE), `${JSON.stringify(kept, null, 2)}\n`);
}

export function readLongProof(directory: string): LongProof {
  return JSON.parse(readFileSync(join(directory, FILE), 'utf8'));
}

/** The tables of docs/proof.md. */
export function formatLongProof(kept: LongProof): string {
  const { verdict, rate, startedAt, disruptions, mustLose, nodeLoss } = kept;
  const kinds = [...new Set(disruptions.map(({ disruption }) => disruption))];
  const rows = kinds.map((kind) => {
    const own = disruptions.filter(({ disruption }) => disruption === kind);
    const sum = (key: 'requests' | 'lost' | 'podsEnded') =>
      formatCount(own.reduce((total, row) => total + row[key], 0));
    return [kind, formatCount(own.length), sum('podsEnded'), sum('requests'), sum('lost')];
  });
  const [forced, powerless] = mustLose;
  const parts = [
    `**${verdict.sentence}** ${formatCount(rate)} requests a second, begun ${startedAt.slice(0, 16).replace('T', ' ')} UTC.`,
    formatTable(['Disruption', 'Times', 'Pods ended', 'Requests', 'Lost'], rows),
    `What no service can prevent, counted and explained apart:`,
    formatTable(
      ['Disruption', 'Requests', 'Lost', 'Because'],
      [
        ['a pod deleted by force (grace 0)', forced] as const,
        ['a node that loses power, and gets it back', powerless] as const,
      ].flatMap(([what, row]) =>
        row === undefined
          ? []
          : [[what, formatCount(row.requests), formatCount(row.lost), formatCauses(row.causes)]],
      ),
    ),
    ...(nodeLoss === null ? [] : [formatNodeLoss(nodeLoss)]),
  ];
  return `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`;
}

function formatCauses(causes: Row['causes']): string {
  const entries = Object.entries(causes) as [CauseId, number][];
  return entries.map(([cause, count]) => `${CAUSES[cause].title}: ${formatCount(count)}`).join(', ') || '-';
}

function formatNodeLoss({
  knownAfterMs,
  endpointsGoneAfterMs,
  lostBefore,
  lostAfter,
  lastLostAfterMs,
}: NodeLoss): string {
  const seconds = (ms: number | null) => (ms === null ? '-' : `${(ms / 1_000).toFixed(1)} s`);
  return formatTable(
    ['The node without power', 'Value'],
    [
      ['known to the API server as lost after', seconds(knownAfterMs)],
      ['its pods are no endpoints any more after', seconds(endpointsGoneAfterMs)],
      ['lost of the requests that were due before that', formatCount(lostBefore)],
      ['lost of those that were due later', formatCount(lostAfter)],
      ['the last of them due after', seconds(lastLostAfterMs)],
    ],
  );
}

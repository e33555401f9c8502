import { formatCount, formatFixed } from '../cli/format.ts';
import { upperBound95 } from '../load/evidence.ts';
import { formatTable, type Table } from '../report/tables.ts';
import type { Proof } from './judgement.ts';
import { nameRemovals } from './safeguard.ts';
import { countEnded } from './timeline.ts';
import { formatProven, formatVerdict, listCounted, nameHazards, type ProofVerdict } from './verdict.ts';

/** Everything that one call of `prove` did, in order. */
export interface Series {
  /** One for each requested disruption. */
  readonly proofs: readonly Proof[];
  /** The same disruption again, each time without some of its safeguards. */
  readonly controls: readonly Proof[];
  /** Why a requested disruption has no proof; null: each has one. */
  readonly cutShort: string | null;
}

/**
 * The verdict over all disruptions: losses in one are losses of the series, which is proven only if each of them
 * is.
 */
export function toSeriesVerdict({ proofs, cutShort }: Pick<Series, 'proofs' | 'cutShort'>): ProofVerdict {
  const [first, ...more] = proofs;
  const lacking =
    first === undefined || first.without.length === 0 ? '' : ` without ${nameRemovals(first.without)}`;
  if (first !== undefined && more.length === 0 && cutShort === null) return first.verdict;
  const sum = (key: 'planned' | 'ok' | 'lost') => proofs.reduce((total, proof) => total + proof[key], 0);
  const planned = formatCount(sum('planned'));
  const doubts = [
    ...proofs.flatMap(({ disruption, verdict }, index) =>
      verdict.doubts.map((doubt) => `${index + 1} ${disruption}: ${doubt}`),
    ),
    ...(cutShort === null ? [] : [cutShort]),
    ...(first === undefined && cutShort === null ? ['nothing was disrupted'] : []),
  ];
  const lossy = proofs.filter(({ verdict }) => verdict.kind === 'losses');
  if (lossy.length > 0) {
    const lost = formatCount(lossy.reduce((total, proof) => total + proof.lost, 0));
    const sentence = `LOST ${lost} of ${planned} requests, in ${lossy.length} of ${proofs.length} disruptions${lacking}.`;
    return { kind: 'losses', exit: 'failed', sentence, doubts, upperBound: null };
  }
  const missed = proofs.filter(({ verdict }) => verdict.kind === 'missed');
  if (missed.length > 0) {
    const sentence = `MISSED: none lost of ${planned} requests, but requirements were missed in ${missed.length} of ${proofs.length} disruptions${lacking}: ${missed.map(({ verdict }) => verdict.sentence).join(' ')}`;
    return { kind: 'missed', exit: 'failed', sentence, doubts, upperBound: null };
  }
  if (doubts.length > 0 || first === undefined) {
    const lost = sum('lost') === 0 ? 'none' : formatCount(sum('lost'));
    const sentence = `INCONCLUSIVE: ${lost} lost of ${planned} requests${lacking}, but ${doubts.join('; ')}.`;
    return { kind: 'inconclusive', exit: 'inconclusive', sentence, doubts, upperBound: null };
  }
  const risky = proofs.filter(({ verdict }) => verdict.kind === 'at-risk');
  if (risky.length > 0) {
    const counted = risky.flatMap(({ hazards, allowed }) => listCounted({ hazards, allowed }));
    const sentence = `AT RISK: none lost of ${planned} requests, but in ${risky.length} of ${proofs.length} disruptions${lacking} one on its way would have been: ${nameHazards(counted)}.`;
    return { kind: 'at-risk', exit: 'at-risk', sentence, doubts, upperBound: upperBound95(sum('ok')) };
  }
  return {
    kind: 'proven',
    exit: 'proven',
    sentence: formatProven(sum('ok'), ` in ${proofs.length} disruptions${lacking}`),
    doubts,
    upperBound: upperBound95(sum('ok')),
  };
}

/** One row per disruption. */
export function toSeriesTable(proofs: readonly Proof[]): Table {
  return {
    title: 'Disruptions',
    note: null,
    columns: ['Disruption', 'Requests', 'Lost', 'Seconds', 'Pods ended', 'Verdict'],
    rows: proofs.map(({ disruption, planned, lost, durationMs, timelines, verdict }, index) => [
      `${index + 1} ${disruption}`,
      formatCount(planned),
      formatCount(lost),
      formatFixed(durationMs / 1_000, 0),
      formatCount(countEnded(timelines)),
      verdict.kind,
    ]),
  };
}

export function formatSeries(series: Series): string {
  return `${formatTable(toSeriesTable(series.proofs))}\n\n${formatVerdict(toSeriesVerdict(series))}`;
}

import type { Exit } from '../cli/exit-code.ts';
import { formatCount, formatMs, formatPercent } from '../cli/format.ts';
import { countOwnFailures, upperBound95 } from '../load/evidence.ts';
import { countOutcomes, type OutcomeCounts, outcomeEntries } from '../load/record.ts';
import type { RequirementResult } from './requirement.ts';

/** Everything that a verdict rests on. */
export interface RunEvidence {
  /** Over all phases. */
  readonly outcomes: OutcomeCounts;
  /** What does not add up in the ledger; null: it balances. */
  readonly ledgerFault: string | null;
  readonly requirements: readonly RequirementResult[];
  /** Without the warm-up; NaN where nothing was measured. */
  readonly lagP99Ms: number;
  /** Likewise, for the ok responses. */
  readonly responseP50Ms: number;
  /** Stopped before the plan's end. */
  readonly isInterrupted: boolean;
  readonly shards: Shards;
}

/** Which parts of the plan the evidence holds. */
interface Shards {
  readonly of: number;
  readonly present: readonly number[];
  readonly duplicates: readonly number[];
  /** False: one part, or all of an undivided plan, as the run itself has it. */
  readonly isMerged: boolean;
}

type VerdictKind =
  | 'unbalanced'
  | 'lost'
  | 'missed'
  | 'incomplete'
  | 'generator-limited'
  | 'interrupted'
  | 'not-ok'
  | 'unmeasured'
  | 'part'
  | 'clean';

export interface RunVerdict {
  readonly kind: VerdictKind;
  readonly exit: Exit;
  /** One plain sentence. */
  readonly sentence: string;
}

/**
 * The first that applies. Losses come before doubts: what the target lost stays lost, however weak the rest of the
 * evidence.
 */
export function judge(evidence: RunEvidence): RunVerdict {
  const { outcomes, ledgerFault, requirements, isInterrupted, shards } = evidence;
  const { total, notOk, lost } = countOutcomes(outcomes);
  const isLimited = isGeneratorLimited(evidence);
  const lostByTarget = lost - countOwnFailures(outcomes, evidence);
  const listed = (state: RequirementResult['state']) =>
    requirements.flatMap((result) => (result.state === state ? [result.text] : [])).join(', ');
  const ofAll = `of ${formatCount(total)} requests`;
  const tally =
    lost === 0
      ? `none ${ofAll} was lost`
      : `${formatCount(lost)} ${ofAll} ${lost === 1 ? 'was' : 'were'} lost`;

  if (ledgerFault !== null) {
    return verdict('unbalanced', 'failed', `the figures of this run are void: ${ledgerFault}`);
  }
  if (!shards.isMerged && shards.of > 1) {
    const part = `part ${(shards.present[0] ?? 0) + 1} of ${shards.of}: ${tally}`;
    return isInterrupted
      ? verdict('interrupted', 'inconclusive', `${part} before it was interrupted`)
      : verdict('part', 'proven', `${part}; dropless merge gives the verdict`);
  }
  if (lostByTarget > 0) {
    return verdict(
      'lost',
      'failed',
      `${tally} (${formatPercent(lost / total)}): ${formatOutcomes(outcomes)}`,
    );
  }
  const missing = toMissing(shards);
  if (missing !== null)
    return verdict('incomplete', 'inconclusive', `INCOMPLETE: ${missing}; ${tally} in what there is`);
  if (isLimited) {
    const lag = formatMs(evidence.lagP99Ms);
    const advice = 'lower the rate, allow more connections, or use more machines (--shard)';
    return verdict(
      'generator-limited',
      'inconclusive',
      `GENERATOR-LIMITED: requests went out late (lag p99 ${lag}), so nothing is proven: ${advice}`,
    );
  }
  if (listed('missed') !== '')
    return verdict('missed', 'failed', `${tally}, but requirements were missed: ${listed('missed')}`);
  if (isInterrupted)
    return verdict(
      'interrupted',
      'inconclusive',
      `interrupted before the end of the plan; until then ${tally}`,
    );
  if (total === 0) return verdict('unmeasured', 'inconclusive', 'no request was sent, so nothing is proven');
  if (notOk > 0) {
    return verdict(
      'not-ok',
      'inconclusive',
      `${tally}, but ${formatCount(notOk)} got an unexpected response: ${formatOutcomes(outcomes)}`,
    );
  }
  if (listed('unknown') !== '') {
    return verdict(
      'unmeasured',
      'inconclusive',
      `${tally}, but there was nothing to measure for ${listed('unknown')}`,
    );
  }
  const bound = formatPercent(upperBound95(total));
  return verdict(
    'clean',
    'proven',
    `${tally}; with 95 % confidence, fewer than ${bound} of such requests are`,
  );
}

function verdict(kind: VerdictKind, exit: Exit, clause: string): RunVerdict {
  return { kind, exit, sentence: `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.` };
}

/** Why the parts are not the whole plan; null: they are. */
function toMissing({ of, present, duplicates }: Shards): string | null {
  const absent = Array.from({ length: of }, (_, index) => index).filter((index) => !present.includes(index));
  const faults = [
    ...(absent.length === 0 ? [] : [`missing ${absent.join(', ')} of the ${of} parts from 0 to ${of - 1}`]),
    ...(duplicates.length === 0 ? [] : [`given more than once and counted once: ${duplicates.join(', ')}`]),
  ];
  return faults.length === 0 ? null : faults.join('; ');
}

/** Everything that was not ok, most frequent first: `31 reset, 2 http_503`. */
function formatOutcomes(outcomes: OutcomeCounts): string {
  return outcomeEntries(outcomes)
    .filter(([outcome]) => outcome !== 'ok')
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${formatCount(count)} ${outcome}`)
    .join(', ');
}

/** Lag p99 above 2 ms and above a tenth of the response p50: the generator shows up in the figures. */
export function isGeneratorLimited({
  lagP99Ms,
  responseP50Ms,
}: Pick<RunEvidence, 'lagP99Ms' | 'responseP50Ms'>): boolean {
  return lagP99Ms > Math.max(2, Number.isNaN(responseP50Ms) ? 0 : responseP50Ms / 10);
}

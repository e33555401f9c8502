import type { Exit } from '../cli/exit-code.ts';
import { formatCount, formatMs, formatPercent } from '../cli/format.ts';
import { countOwnFailures, isLateForLosses, upperBound95 } from '../load/evidence.ts';
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
  | 'late'
  | 'interrupted'
  | 'not-ok'
  | 'unmeasured'
  | 'part'
  | 'clean';

/** Two verdicts: what was lost, which decides the exit code, and how far the latencies can be trusted. */
export interface RunVerdict extends LossVerdict {
  readonly latency: LatencyVerdict;
}

interface LossVerdict {
  readonly kind: VerdictKind;
  readonly exit: Exit;
  /** One plain sentence. */
  readonly sentence: string;
}

interface LatencyVerdict {
  readonly kind: 'trusted' | 'generator-limited' | 'unmeasured';
  /** One plain sentence. */
  readonly sentence: string;
}

export function judge(evidence: RunEvidence): RunVerdict {
  return { ...judgeLosses(evidence), latency: judgeLatency(evidence) };
}

/**
 * The first that applies. Losses come before doubts: what the target lost stays lost, however weak the rest of the
 * evidence. A load that went out a little late still shows every loss; only latencies that were required are then in
 * doubt.
 */
function judgeLosses(evidence: RunEvidence): LossVerdict {
  const { outcomes, ledgerFault, requirements, isInterrupted, shards } = evidence;
  const { total, notOk, lost } = countOutcomes(outcomes);
  const lostByTarget = lost - countOwnFailures(outcomes, evidence);
  const isDoubtful = ({ unit }: RequirementResult) => unit === 'time' && isGeneratorLimited(evidence);
  const listed = (isListed: (result: RequirementResult) => boolean) =>
    requirements.flatMap((result) => (isListed(result) ? [result.text] : [])).join(', ');
  const missed = listed((result) => result.state === 'missed' && !isDoubtful(result));
  const doubtful = listed((result) => result.state === 'missed' && isDoubtful(result));
  const unknown = listed(({ state }) => state === 'unknown');
  const lag = formatMs(evidence.lagP99Ms);
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
  if (isLateForLosses(evidence)) {
    const advice = 'lower the rate, allow more connections, or use more machines (--shard)';
    return verdict(
      'late',
      'inconclusive',
      `the load itself was late (lag p99 ${lag}), so nothing is proven: ${advice}`,
    );
  }
  if (missed !== '') return verdict('missed', 'failed', `${tally}, but requirements were missed: ${missed}`);
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
  if (doubtful !== '') {
    return verdict(
      'missed',
      'inconclusive',
      `${tally}, but requirements were missed, in part because the load itself was late (lag p99 ${lag}): ${doubtful}`,
    );
  }
  if (unknown !== '') {
    return verdict('unmeasured', 'inconclusive', `${tally}, but there was nothing to measure for ${unknown}`);
  }
  const bound = formatPercent(upperBound95(total));
  return verdict(
    'clean',
    'proven',
    `${tally}; with 95 % confidence, fewer than ${bound} of such requests are`,
  );
}

function verdict(kind: VerdictKind, exit: Exit, clause: string): LossVerdict {
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

function judgeLatency(evidence: RunEvidence): LatencyVerdict {
  const { lagP99Ms, responseP50Ms } = evidence;
  if (Number.isNaN(responseP50Ms)) {
    return { kind: 'unmeasured', sentence: 'There are no latencies: no response was ok.' };
  }
  const lag = `lag p99 ${formatMs(lagP99Ms)}`;
  return isGeneratorLimited(evidence)
    ? {
        kind: 'generator-limited',
        sentence: `GENERATOR-LIMITED: the load itself was late (${lag}), so response times may be too long by that much; service times leave it out.`,
      }
    : { kind: 'trusted', sentence: `Requests went out on time (${lag}): the latencies are the target’s.` };
}

/** Lag p99 above 2 ms and above a tenth of the response p50: the generator shows up in the latencies. */
export function isGeneratorLimited({
  lagP99Ms,
  responseP50Ms,
}: Pick<RunEvidence, 'lagP99Ms' | 'responseP50Ms'>): boolean {
  return lagP99Ms > Math.max(2, Number.isNaN(responseP50Ms) ? 0 : responseP50Ms / 10);
}

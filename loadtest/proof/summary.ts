import { formatCount, formatFixed } from '../cli/format.ts';
import type { Outcome } from '../engine/outcome.ts';
import { formatTable, type Table, toConnectionTable, toRequirementTable } from '../report/tables.ts';
import type { Loss } from './attribution.ts';
import { CAUSES, type CauseId } from './cause.ts';
import { HAZARDS, ROUND_TRIPS_MS, toCosts } from './hazard.ts';
import type { Judged, Proof } from './judgement.ts';
import { toPhaseLatencyTable } from './latency.ts';
import { formatMargins } from './margin.ts';
import { describeRemovals, nameRemovals } from './safeguard.ts';
import { toVantageTable } from './vantage-point.ts';
import { formatVerdict } from './verdict.ts';

/** Losses listed one by one on a terminal: the rest is in the reports. */
const SHOWN_LOSSES = 5;

/** One proof for a terminal: what was lost by cause, why, what to change, and the verdict. */
export function formatProof(proof: Proof): string {
  return [
    ...formatFindings(proof),
    formatTable(toPhaseLatencyTable(proof.record)),
    formatTable(toConnectionTable(proof.record)),
    ...(proof.vantagePoints.length === 0 ? [] : [formatTable(toVantageTable(proof.vantagePoints))]),
    ...(formatMargins(proof.margins) === '' ? [] : [formatMargins(proof.margins)]),
    ...(proof.requirements.length === 0 ? [] : [formatTable(toRequirementTable(proof))]),
    ...proof.leftBehind.map((what) => `Not undone: ${what}`),
    toSentence(proof),
  ].join('\n\n');
}

/** What was lost by cause, why, and what to change; then the hazards. Each part is a paragraph. */
export function formatFindings(judged: Judged): string[] {
  return [
    ...(judged.losses.length === 0
      ? []
      : [formatTable(toCauseTable(judged)), formatStories(judged), formatFixes(judged)]),
    ...(judged.hazards.length === 0 ? [] : [formatHazards(judged)]),
  ];
}

/**
 * The verdict with the doubts about it.
 * @param beside the proof with all safeguards, which a control is compared with; null: there is none
 */
export function toSentence(proof: Proof, beside: Proof | null = null): string {
  const { verdict, without } = proof;
  return `${formatVerdict(verdict)}${without.length === 0 ? '' : ` ${describeWorth(proof, beside)}`}`;
}

/** Whether a control shows that its safeguards matter: it loses more than the proof with them, and not by chance. */
type Worth = 'yes' | 'not shown' | 'undecided';

/** Losses arrive like a Poisson process: a difference of more than this many standard deviations is not chance. */
const SIGNIFICANT_DEVIATIONS = 3;

export function toWorth(control: Proof, beside: Proof | null): Worth {
  const lostWith = beside?.lost ?? 0;
  const both = [control, ...(beside === null ? [] : [beside])];
  if (both.some(({ verdict }) => verdict.kind === 'inconclusive')) return 'undecided';
  // If there are doubts, the losses may be incomplete, or not all the target's.
  if (lostWith > 0 && both.some(({ verdict }) => verdict.doubts.length > 0)) return 'undecided';
  const scale = beside === null || beside.planned === 0 ? 1 : control.planned / beside.planned;
  const expected = scale * lostWith;
  if (control.lost <= expected) return 'not shown';
  const deviation = Math.sqrt(control.lost + scale * expected);
  const isClear =
    lostWith === 0
      ? control.lost > (control.causes.unknown ?? 0)
      : control.lost - expected > SIGNIFICANT_DEVIATIONS * deviation;
  return isClear ? 'yes' : 'undecided';
}

function describeWorth(control: Proof, beside: Proof | null): string {
  const names = nameRemovals(control.without);
  const lostWith = beside === null || beside.lost === 0 ? 'nothing was lost' : 'no more was lost';
  return {
    yes: `As expected without ${names}.`,
    'not shown': `Without ${names}, ${lostWith}: not shown to matter here.`,
    undecided: `Whether ${names} matters here is undecided.`,
  }[toWorth(control, beside)];
}

/** One row per cause of losses, with the pods that they came from. */
export function toCauseTable({ causes, losses }: Pick<Judged, 'causes' | 'losses'>): Table {
  const rows = causeEntries(causes).map(([cause, count]) => {
    const own = losses.filter((loss) => loss.cause === cause);
    const pods = new Set(own.flatMap(({ pod }) => (pod === null ? [] : [pod])));
    return [
      CAUSES[cause].title.replaceAll('`', ''),
      formatCount(count),
      formatSpan(own),
      [...pods].join(', ') || '-',
    ];
  });
  return { title: 'Losses', note: null, columns: ['Cause', 'Lost', 'When', 'Pods'], rows };
}

function formatSpan(losses: readonly Loss[]): string {
  const times = losses.map(({ settlement }) => settlement.endMs);
  if (times.length === 0) return '-';
  const toSeconds = (ms: number) => (ms / 1_000).toFixed(1);
  return `${toSeconds(Math.min(...times))}–${toSeconds(Math.max(...times))} s`;
}

function formatStories({ losses, endpoints, lost }: Judged): string {
  const shown = losses.slice(0, SHOWN_LOSSES).map((loss) => `  ${formatStory(loss, endpoints)}`);
  const rest = lost - shown.length;
  return [...shown, ...(rest > 0 ? [`  and ${formatCount(rest)} more`] : [])].join('\n');
}

/** What is wrong with the response is in their detail, and not in their name. */
const TOLD_IN_DETAIL: readonly Outcome[] = ['wrong_body', 'truncated', 'protocol_error'];

const POD_BY_TEXTS = {
  connection: '',
  'direct-probe': ' (by direct probes)',
  elimination: ' (inferred)',
} as const satisfies Record<NonNullable<Loss['podBy']>, string>;

/** What happened to one request, in one line. */
export function formatStory(
  { settlement, pod, podBy, phase, why }: Loss,
  endpoints: readonly string[],
): string {
  const { index, from, endpoint, endMs, outcome, connection, bytesReceived, detail, traceId } = settlement;
  const on =
    connection === null || connection.requests === 0
      ? 'no connection'
      : connection.reused
        ? `keep-alive connection, idle for ${Math.round(connection.idleMs)} ms`
        : 'fresh connection';
  const where = from === null ? '' : ` from ${from}`;
  const received = bytesReceived > 0 ? `, ${bytesReceived} B received` : '';
  const what = TOLD_IN_DETAIL.includes(outcome) && detail !== null ? `: ${detail}` : '';
  const traced = traceId === null ? '' : `  trace ${traceId}`;
  const who = pod === null ? 'pod unknown' : `${pod}${podBy === null ? '' : POD_BY_TEXTS[podBy]}, ${phase}`;
  return `${(endMs / 1_000).toFixed(3)} s  #${index} ${endpoints[endpoint] ?? ''}  ${outcome} (${on}${where}${received}${what})  ${who}: ${why}${traced}`;
}

function formatFixes({ fixes }: Judged): string {
  return fixes.map(({ cause, text }) => `${CAUSES[cause].title.replaceAll('`', '')}: ${text}`).join('\n');
}

/** One row per hazard and pod, with the losses to be expected of clients that are further away. */
export function toHazardTable({ hazards, allowed }: Pick<Proof, 'hazards' | 'allowed'>): Table {
  return {
    title: 'Hazards',
    note: 'Nothing was lost to them here, by luck: what they would cost follows from the requests per second on each keep-alive connection and from how far the clients are away.',
    columns: ['Hazard', 'Pod', 'When', ...ROUND_TRIPS_MS.map((ms) => `Lost at ${ms} ms`), 'Counts'],
    rows: hazards.map((found) => [
      HAZARDS[found.hazard].title,
      found.pod ?? '-',
      `${(found.atMs / 1_000).toFixed(1)} s`,
      ...(toCosts(found) ?? ROUND_TRIPS_MS.map(() => null)).map((cost) =>
        cost === null ? '-' : formatFixed(cost.lost, 2),
      ),
      allowed.includes(found.hazard) ? 'allowed' : 'yes',
    ]),
  };
}

/** Pods that are named one by one for a hazard: the rest is in the table. */
const SHOWN_OF_A_HAZARD = 3;

function formatHazards(judged: Judged): string {
  const stories = (Object.keys(HAZARDS) as (keyof typeof HAZARDS)[]).flatMap((id) => {
    const own = judged.hazards.filter(({ hazard }) => hazard === id);
    const [first] = own;
    if (first === undefined) return [];
    const more =
      own.length > SHOWN_OF_A_HAZARD ? [`  and ${formatCount(own.length - SHOWN_OF_A_HAZARD)} more`] : [];
    return [
      `${HAZARDS[id].title}:`,
      ...own.slice(0, SHOWN_OF_A_HAZARD).map(({ atMs, why }) => `  ${(atMs / 1_000).toFixed(3)} s  ${why}`),
      ...more,
      `  Fix: ${first.fix}`,
    ];
  });
  return [formatTable(toHazardTable(judged)), ...stories].join('\n');
}

/** What each safeguard is worth: the losses of the proof next to those of each control. */
export function toControlRows(
  proof: Proof,
  controls: readonly Proof[],
): { columns: readonly string[]; rows: readonly (readonly string[])[] } {
  const toShare = ({ lost, planned }: Proof) => `${formatCount(lost)} of ${formatCount(planned)}`;
  const rows = controls.map((control) => {
    const { without, causes, verdict } = control;
    const because = causeEntries(causes).map(
      ([cause, count]) => `${CAUSES[cause].title.replaceAll('`', '')}: ${formatCount(count)}`,
    );
    return [
      nameRemovals(without),
      toShare(proof),
      toShare(control),
      toWorth(control, proof),
      [...because, ...verdict.doubts].join('; ') || `no request needed ${describeRemovals(without)}`,
    ];
  });
  return { columns: ['Safeguard', 'Lost with', 'Lost without', 'Matters', 'Because'], rows };
}

export function formatControls(proof: Proof, controls: readonly Proof[]): string {
  return formatTable({ title: 'Controls', note: null, ...toControlRows(proof, controls) });
}

function causeEntries(causes: Proof['causes']): [CauseId, number][] {
  return Object.entries(causes) as [CauseId, number][];
}

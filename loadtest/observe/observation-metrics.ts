import { OUTCOME_KINDS, type Outcome } from '../engine/outcome.ts';
import type { OutcomeCounts } from '../load/record.ts';
import { CAUSES } from '../proof/cause.ts';
import { HAZARDS } from '../proof/hazard.ts';
import { VERDICT_EXITS } from '../proof/proof-report.ts';
import { type Family, formatExposition } from '../report/exposition.ts';
import type { ObservationTally } from './observer.ts';
import { REPLACEMENT_REASONS } from './replacement.ts';

/** Status classes of complete responses that were not ok: codes are the server's to choose, and would be many. */
const STATUS_CLASSES = ['http_1xx', 'http_2xx', 'http_3xx', 'http_4xx', 'http_5xx', 'http_429'] as const;

const OUTCOMES = [...Object.keys(OUTCOME_KINDS).filter((kind) => kind !== 'http_CODE'), ...STATUS_CLASSES];

/**
 * What an observation has come to, in the text format of Prometheus. Every series is there from the start, so that
 * the first loss is an increase, and none is ever added.
 */
export function formatObservationMetrics(
  { totals, outcomes, isQuiet }: ObservationTally,
  residentBytes: number,
): string {
  const requests = groupOutcomes(outcomes);
  const families: readonly Family[] = [
    {
      name: 'dropless_requests_total',
      kind: 'counter',
      help: 'Requests that ended, by outcome.',
      series: OUTCOMES.map((outcome) => ({ labels: { outcome }, value: requests.get(outcome) ?? 0 })),
    },
    {
      name: 'dropless_requests_lost_total',
      kind: 'counter',
      help: 'Requests that were lost, by cause; counted when they are judged.',
      series: keysOf(CAUSES).map((cause) => ({ labels: { cause }, value: totals.causes[cause] ?? 0 })),
    },
    {
      name: 'dropless_hazards_total',
      kind: 'counter',
      help: 'Hazards that were seen.',
      series: keysOf(HAZARDS).map((hazard) => ({ labels: { hazard }, value: totals.hazards[hazard] ?? 0 })),
    },
    {
      name: 'dropless_replacements_total',
      kind: 'counter',
      help: 'Replacements of pods, by their first reason and by verdict.',
      series: keysOf(REPLACEMENT_REASONS).flatMap((reason) =>
        keysOf(VERDICT_EXITS).map((verdict) => ({
          labels: { reason, verdict },
          value: totals.replacements[verdict]?.[reason] ?? 0,
        })),
      ),
    },
    {
      name: 'dropless_replacement_under_way',
      kind: 'gauge',
      help: 'Whether pods are being replaced, or a replacement waits for its verdict.',
      series: [{ labels: {}, value: isQuiet ? 0 : 1 }],
    },
    {
      name: 'process_resident_memory_bytes',
      kind: 'gauge',
      help: 'Resident memory of this process.',
      series: [{ labels: {}, value: residentBytes }],
    },
  ];
  return formatExposition(families);
}

function groupOutcomes(outcomes: OutcomeCounts): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [outcome, count] of Object.entries(outcomes) as [Outcome, number][]) {
    const group = toGroup(outcome);
    counts.set(group, (counts.get(group) ?? 0) + count);
  }
  return counts;
}

function toGroup(outcome: Outcome): string {
  const [, first] = /^http_(\d)\d\d$/.exec(outcome) ?? [];
  return first === undefined || outcome === 'http_429' ? outcome : `http_${first}xx`;
}

/** The type of Object.keys does not know that a registry has no more keys than its type. */
function keysOf<K extends string>(registry: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(registry) as K[];
}

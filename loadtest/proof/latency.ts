import { formatCount, formatMs } from '../cli/format.ts';
import { countOutcomes, type LoadRecord, sumCells } from '../load/record.ts';
import { type LatencySummary, toLatencySummary } from '../report/summary.ts';
import type { Table } from '../report/tables.ts';

/** The requests of one version that were due in one phase of a proof. */
export interface PhaseLatency {
  /** `before`, `during` or `after` the disruption. */
  readonly phase: string;
  /** Null: no response named it. */
  readonly version: string | null;
  readonly requests: number;
  readonly lost: number;
  /** Ok responses, from the intended time to the end of the response. */
  readonly response: LatencySummary;
}

/** In the order of the phases, and in each by version. */
export function toPhaseLatencies({ phases, cells }: Pick<LoadRecord, 'phases' | 'cells'>): PhaseLatency[] {
  return phases.flatMap(({ name }) => {
    const own = cells.filter(({ phase }) => phase === name);
    return [...new Set(own.map(({ version }) => version))].map((version) => {
      const sum = sumCells(own.filter((cell) => cell.version === version));
      const { total, lost } = countOutcomes(sum.outcomes);
      return { phase: name, version, requests: total, lost, response: toLatencySummary(sum.response) };
    });
  });
}

export function toPhaseLatencyTable(record: Pick<LoadRecord, 'phases' | 'cells'>): Table {
  return {
    title: 'Latency',
    note: 'Ok responses, from the intended time to the end of the response.',
    columns: ['Phase', 'Version', 'Requests', 'p50', 'p99', 'Max'],
    rows: toPhaseLatencies(record).map(({ phase, version, requests, response }) => [
      phase,
      version ?? '-',
      formatCount(requests),
      ...[response.p50Ms, response.p99Ms, response.maxMs].map(formatMs),
    ]),
  };
}

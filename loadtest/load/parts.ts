import type { ConnectionEnd } from '../engine/connection-ledger.ts';
import type { Settlement } from '../engine/settlement.ts';
import { keepFirst } from './failures.ts';
import type { LoadResult, LoadSpec } from './load-spec.ts';
import { mergeRecords, type OutcomeTally, outcomeEntries } from './record.ts';
import type { Snapshot } from './recorder.ts';

/** What one sender of several tells, as it is seen here. */
export interface Sight {
  /** @param laterMs how much later than the load its part began */
  ofSettlement(settlement: Settlement, laterMs: number): Settlement;
  ofConnection(end: ConnectionEnd, laterMs: number): ConnectionEnd;
}

/** More connections than a sender ever opens: their numbers stay apart. */
const IDS_PER_SENDER = 2 ** 40;

/** @param from where the sender is @param index among the senders */
export function createSight(from: string, index: number): Sight {
  const toId = (id: number) => id + index * IDS_PER_SENDER;
  return {
    ofSettlement: (settlement, laterMs) => ({
      ...settlement,
      from,
      intendedMs: settlement.intendedMs + laterMs,
      sentMs: settlement.sentMs === null ? null : settlement.sentMs + laterMs,
      endMs: settlement.endMs + laterMs,
      connection:
        settlement.connection === null
          ? null
          : { ...settlement.connection, id: toId(settlement.connection.id) },
    }),
    ofConnection: (end, laterMs) => ({
      ...end,
      from,
      id: toId(end.id),
      openedMs: end.openedMs + laterMs,
      establishedMs: end.establishedMs === null ? null : end.establishedMs + laterMs,
      endMs: end.endMs + laterMs,
    }),
  };
}

/** What the index-th sender sends: its shard of the plan, over its share of the connections. */
export function toPart({ senders, plan, engine, ...rest }: LoadSpec, index: number): LoadSpec {
  const of = senders.length;
  const { shard } = plan;
  const share = (connections: number) => Math.ceil(connections / of);
  return {
    ...rest,
    senders: [],
    plan: { ...plan, shard: { index: shard.index + index * shard.of, of: shard.of * of } },
    engine: {
      ...engine,
      maxConnections: share(engine.maxConnections),
      keptConnections: share(engine.keptConnections),
      idleConnections: share(engine.idleConnections),
    },
  };
}

/** Where all parts together stand. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): Snapshot {
  const outcomes: OutcomeTally = {};
  for (const [outcome, count] of snapshots.flatMap((each) => outcomeEntries(each.outcomes))) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  const known = snapshots.map(({ recentP99Ms }) => recentP99Ms).filter((ms) => !Number.isNaN(ms));
  return {
    elapsedMs: Math.max(...snapshots.map(({ elapsedMs }) => elapsedMs)),
    outcomes,
    recentSettled: snapshots.reduce((sum, { recentSettled }) => sum + recentSettled, 0),
    // That of the slowest part: those of parts do not add up.
    recentP99Ms: known.length === 0 ? Number.NaN : Math.max(...known),
  };
}

/** What all parts together came to. @param failuresPerOutcome how many of each outcome are kept */
export function mergeResults(results: readonly LoadResult[], failuresPerOutcome: number): LoadResult {
  const [first, ...others] = results;
  if (first === undefined) throw new Error('a load without parts');
  if (others.length === 0) return first;
  return {
    record: mergeRecords([first.record, ...others.map(({ record }) => record)]),
    failures: keepFirst(
      results.flatMap(({ failures }) => failures),
      failuresPerOutcome,
    ),
    ledgerFault: results.map(({ ledgerFault }) => ledgerFault).find((fault) => fault !== null) ?? null,
    isInterrupted: results.some(({ isInterrupted }) => isInterrupted),
    startedAtEpochMs: first.startedAtEpochMs,
    durationMs: Math.max(...results.map(({ durationMs }) => durationMs)),
  };
}

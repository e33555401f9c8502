import { Fault } from '../cli/fault.ts';
import { CONNECTION_ENDINGS } from '../engine/connection-ledger.ts';
import { isOutcome, type Outcome } from '../engine/outcome.ts';
import type { ConnectionFacts, Settlement } from '../engine/settlement.ts';
import { boolean, count, dictionary, finite, keyOf, nullable, object, type Shape, string } from './shape.ts';

/** A field that older reports lack: if absent, it was not known. */
function addedLater<T>(shape: Shape<T>): Shape<T | null> {
  return (value, place) => nullable(shape)(value ?? null, place);
}

const outcome: Shape<Outcome> = (value, place) => {
  const name = string(value, place);
  if (!isOutcome(name)) throw new Fault(`${place} must be an outcome, but is ${JSON.stringify(name)}`);
  return name;
};

/** How often each of these names occurred; names that did not are left out. */
export function countsOf<K extends string>(name: Shape<K>): Shape<Readonly<Partial<Record<K, number>>>> {
  return (value, place) => {
    const counts = dictionary(count)(value, place);
    for (const key of Object.keys(counts)) name(key, place);
    // Every key is a `K` now.
    return counts as Readonly<Partial<Record<K, number>>>;
  };
}

export const outcomeCounts = countsOf(outcome);

/** How often connections ended in each way. */
export const endingCounts = countsOf(keyOf(CONNECTION_ENDINGS));

const connection: Shape<ConnectionFacts> = object({
  id: count,
  reused: boolean,
  setupMs: finite(),
  ageMs: finite(),
  idleMs: finite(),
  requests: count,
  localPort: nullable(count),
  remoteAddress: addedLater(string),
});

/** For `object()`: what every report says of each request that it lists. */
export const settlementFields = {
  index: count,
  endpoint: count,
  intendedMs: finite(),
  sentMs: nullable(finite()),
  endMs: finite(),
  outcome,
  status: nullable(count),
  bytesReceived: count,
  connection: nullable(connection),
  pod: nullable(string),
  version: nullable(string),
  detail: nullable(string),
} satisfies { readonly [K in keyof Settlement]: Shape<Settlement[K]> };

import { Fault } from '../cli/fault.ts';
import { CONNECTION_ENDINGS } from '../engine/connection-ledger.ts';
import { isOutcome, OUTCOME_KINDS, type Outcome } from '../engine/outcome.ts';
import type { ConnectionFacts, Settlement } from '../engine/settlement.ts';
import {
  addedLater,
  boolean,
  count,
  dictionary,
  finite,
  keyOf,
  nullable,
  object,
  type Shape,
  shapeOf,
  string,
} from './shape.ts';

const WORDS = Object.keys(OUTCOME_KINDS).filter((kind) => kind !== 'http_CODE');

const outcome: Shape<Outcome> = shapeOf(
  { anyOf: [{ enum: WORDS }, { type: 'string', pattern: '^http_[1-9][0-9]{2}$' }] },
  (value, place) => {
    const name = string(value, place);
    if (!isOutcome(name)) throw new Fault(`${place} must be an outcome, but is ${JSON.stringify(name)}`);
    return name;
  },
);

/** How often each of these names occurred; names that did not are left out. */
export function countsOf<K extends string>(name: Shape<K>): Shape<Readonly<Partial<Record<K, number>>>> {
  return dictionary(name, count);
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
  remoteAddress: addedLater(nullable(string), null),
});

/** For `object()`: what every report says of each request that it lists. */
export const settlementFields = {
  index: count,
  from: addedLater(nullable(string), null),
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
  traceId: addedLater(nullable(string), null),
} satisfies { readonly [K in keyof Settlement]: Shape<Settlement[K]> };

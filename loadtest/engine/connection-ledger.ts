import { INDEX_MODULUS } from './ledger.ts';

interface ConnectionEndingKind {
  /** Was it established at all? */
  readonly isEstablished: boolean;
  readonly meaning: string;
}

/** Every way a connection can end. Code, tests and docs take them from here. */
export const CONNECTION_ENDINGS = {
  closed_by_load: {
    isEstablished: true,
    meaning: 'the load closed it: too old, in the way of another, its request given up, or the load over',
  },
  closed_with_notice: {
    isEstablished: true,
    meaning: 'the server closed it after its last response had announced that, or after it was asked to',
  },
  closed_in_silence: {
    isEstablished: true,
    meaning:
      'the server closed it while it was idle, without notice: a request on its way would have been lost',
  },
  cut: { isEstablished: true, meaning: 'the server closed or reset it with a request on it' },
  refused: { isEstablished: false, meaning: 'refused by the host, or no route to it' },
  never_opened: {
    isEstablished: false,
    meaning:
      'no connection for another reason: the name, the TLS handshake, the deadline, or the end of the load',
  },
} as const satisfies Record<string, ConnectionEndingKind>;

export type ConnectionEnding = keyof typeof CONNECTION_ENDINGS;

/**
 * What a connection is opened for: one request; request after request; or one request, after which it is left idle to
 * see how long the server keeps it.
 */
export type ConnectionRole = 'fresh' | 'kept' | 'idle';

/** How one connection ended: made exactly once for each that was tried. Times are ms since the run's start. */
export interface ConnectionEnd {
  readonly id: number;
  /** Where it was opened from; null: from this process. */
  readonly from: string | null;
  readonly role: ConnectionRole;
  readonly ending: ConnectionEnding;
  /** When it was tried. */
  readonly openedMs: number;
  /** Null: never. */
  readonly establishedMs: number | null;
  readonly endMs: number;
  /** Since its last response was complete; null: a request was on it, or it was never established. */
  readonly idleMs: number | null;
  /** Requests written to it. */
  readonly requests: number;
  readonly localPort: number | null;
  /** The IP address that it led to; null: not known. */
  readonly remoteAddress: string | null;
  /** Name of the pod, and version, that answered last on it. */
  readonly pod: string | null;
  readonly version: string | null;
}

export type ConnectionEndingCounts = Readonly<Partial<Record<ConnectionEnding, number>>>;

/** `tried` is the sum of `endings`. */
export interface ConnectionCounts {
  readonly tried: number;
  readonly established: number;
  readonly endings: ConnectionEndingCounts;
}

/** The closed ledger. */
export interface ConnectionSummary extends ConnectionCounts {
  /** Which rule was broken; null: the ledger balances. */
  readonly fault: string | null;
}

/** Tried → established or not → ended, exactly once each. */
export interface ConnectionLedger {
  /** Returns the number of the connection, from 1. */
  open(): number;
  establish(): void;
  /** The one way for a connection to end. */
  end(end: ConnectionEnd): void;
  close(): ConnectionSummary;
}

/** As the ledger of requests: a broken rule is kept, and `close` tells it. */
export function createConnectionLedger(onEnded: (end: ConnectionEnd) => void): ConnectionLedger {
  let tried = 0;
  let established = 0;
  let triedIds = 0;
  let endedIds = 0;
  const endings: Partial<Record<ConnectionEnding, number>> = {};
  let violation: string | null = null;

  return {
    open() {
      tried += 1;
      triedIds = (triedIds + tried) % INDEX_MODULUS;
      return tried;
    },
    establish() {
      established += 1;
    },
    end(end) {
      const { id, ending, establishedMs } = end;
      if (CONNECTION_ENDINGS[ending].isEstablished !== (establishedMs !== null)) {
        violation ??= `connection ${id} ended as ${ending} and was ${establishedMs === null ? 'never ' : ''}established`;
      }
      endedIds = (endedIds + id) % INDEX_MODULUS;
      endings[ending] = (endings[ending] ?? 0) + 1;
      onEnded(end);
    },
    close() {
      const sum = (isCounted: (ending: ConnectionEnding) => boolean) =>
        endingEntries(endings).reduce((total, [ending, count]) => total + (isCounted(ending) ? count : 0), 0);
      const ended = sum(() => true);
      const endedEstablished = sum((ending) => CONNECTION_ENDINGS[ending].isEstablished);
      if (tried !== ended || established !== endedEstablished) {
        violation ??= `tried ${tried}, ended ${ended}, established ${established}, ended of those ${endedEstablished}`;
      }
      if (triedIds !== endedIds) violation ??= 'the connections that ended are not those that were tried';
      return {
        tried,
        established,
        endings,
        fault: violation === null ? null : `the ledger of connections does not balance: ${violation}`,
      };
    },
  };
}

export function endingEntries(counts: ConnectionEndingCounts): [ConnectionEnding, number][] {
  return Object.entries(counts) as [ConnectionEnding, number][];
}

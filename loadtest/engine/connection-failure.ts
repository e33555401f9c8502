import type { ConnectionEnding } from './connection-ledger.ts';
import type { FailureOutcome } from './outcome.ts';

/**
 * `busy`: a request is written and its response not complete. `lingering`: the last response is complete, and the
 * server shall close first, which keeps the port's TIME_WAIT on its side (RFC 9293 §3.6.1).
 */
export type ConnectionPhase =
  | 'resolving'
  | 'connecting'
  | 'securing'
  | 'idle'
  | 'busy'
  | 'lingering'
  | 'closed';

/** Faults of this machine, not of the target: it has run out of ports, files or memory. */
const OWN_FAULTS = new Set([
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAGAIN',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EPERM',
]);

/**
 * How the request of a connection ends that was closed in this phase; null: it had none.
 * @param code the socket's error code; null: the server closed it in order
 * @param bytesReceived of the response
 */
export function toFailure(
  phase: ConnectionPhase,
  code: string | null,
  bytesReceived: number,
): FailureOutcome | null {
  switch (phase) {
    case 'resolving':
      return 'dns';
    case 'connecting':
      if (code === 'ETIMEDOUT') return 'connect_timeout';
      if (code === 'ECONNRESET') return 'reset';
      return code !== null && OWN_FAULTS.has(code) ? 'not_sent' : 'refused';
    case 'securing':
      return 'tls';
    case 'busy':
      if (code !== null) return 'reset';
      return bytesReceived === 0 ? 'closed_before_response' : 'truncated';
    case 'idle':
    case 'lingering':
    case 'closed':
      return null;
  }
}

/**
 * How a connection ends that was closed from the other side, or failed to open, in this phase.
 * @param failure what became of its request, by `toFailure`
 */
export function toClosing(phase: ConnectionPhase, failure: FailureOutcome | null): ConnectionEnding {
  switch (phase) {
    case 'resolving':
    case 'securing':
      return 'never_opened';
    case 'connecting':
      return failure === 'refused' ? 'refused' : 'never_opened';
    case 'busy':
      return 'cut';
    case 'idle':
      return 'closed_in_silence';
    case 'lingering':
    case 'closed':
      return 'closed_with_notice';
  }
}

/** How the request of a connection ends whose deadline passes in this phase; null: it has none. */
export function toTimeout(phase: ConnectionPhase): FailureOutcome | null {
  switch (phase) {
    case 'resolving':
      return 'dns';
    case 'connecting':
    case 'securing':
      return 'connect_timeout';
    case 'busy':
      return 'timeout';
    case 'idle':
    case 'lingering':
    case 'closed':
      return null;
  }
}

export function toErrorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

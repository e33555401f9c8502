import { findBodyFault } from './body-expectation.ts';
import type { BodyReader } from './body-reader.ts';
import type { Ending } from './ledger.ts';
import { type Outcome, toOutcome } from './outcome.ts';
import { type RequestIdField, toRequestId } from './request-writer.ts';
import type { Endpoint, PlannedRequest } from './settlement.ts';

/** What a complete response says of itself. */
interface CompleteResponse {
  /** When its last byte was read, in ms since the run's start. */
  readonly endMs: number;
  readonly status: number;
  /** The request id that it names; null: none. */
  readonly requestId: string | null;
  /** Null: it was not kept. */
  readonly body: BodyReader | null;
}

/** What a request asked for. */
interface Terms {
  /** From the request's intended time. */
  readonly timeoutMs: number;
  /** Null: requests carry no id. */
  readonly requestId: RequestIdField | null;
}

/** The outcome of a request that got a complete response, and what is wrong with it; null: nothing, save the status. */
interface Judgement {
  readonly outcome: Outcome;
  readonly detail: string | null;
}

/**
 * What a complete response counts as: a timeout where it came at its deadline or later; a protocol error where it names
 * another request of the run, which tells that responses were mixed up; else what its status says, and then its body.
 */
export function judgeResponse(
  { endMs, status, requestId: named, body }: CompleteResponse,
  request: PlannedRequest,
  { timeoutMs, requestId }: Terms,
  expected: Pick<Endpoint, 'expectedStatus' | 'expectBody' | 'expectEnd'>,
): Judgement {
  if (endMs >= request.intendedMs + timeoutMs) {
    return { outcome: 'timeout', detail: 'complete after its deadline' };
  }
  // Ids of the server's own making do not carry the prefix.
  if (
    requestId !== null &&
    named?.startsWith(requestId.prefix) &&
    named !== toRequestId(requestId, request)
  ) {
    return { outcome: 'protocol_error', detail: `the response names request ${named}` };
  }
  const outcome = toOutcome(status, expected.expectedStatus);
  const fault = outcome !== 'ok' || body === null ? null : findBodyFault(expected, body);
  return fault ?? { outcome, detail: null };
}

/** The ending of a request for which no connection was tried. */
export function toUntried(endMs: number, detail: string): Ending {
  return {
    endMs,
    outcome: 'not_sent',
    status: null,
    bytesReceived: 0,
    connection: null,
    pod: null,
    version: null,
    detail,
  };
}

interface OutcomeKind {
  /** Is a request that ends so lost, seen from the caller? */
  readonly lost: boolean;
  readonly meaning: string;
}

/**
 * Every way a request can end. `http_CODE` stands for one outcome per status code; which codes are lost is
 * decided by `isLost`. Code, tests and docs take the kinds from here.
 */
export const OUTCOME_KINDS = {
  ok: { lost: false, meaning: 'a complete response with the expected status' },
  http_CODE: {
    lost: false,
    meaning:
      'a complete response with another status; lost when it is 429 or 5xx, else the caller is at fault',
  },
  refused: { lost: true, meaning: 'no connection: refused by the host, or no route to it' },
  connect_timeout: { lost: true, meaning: 'no connection before the deadline' },
  reset: { lost: true, meaning: 'the server reset the connection, mostly after the request was written' },
  closed_before_response: {
    lost: true,
    meaning: 'the server closed the connection after the request was written, before a byte of the response',
  },
  truncated: {
    lost: true,
    meaning:
      'the server closed the connection in the middle of the response, or completed it without its expected end',
  },
  wrong_body: { lost: true, meaning: 'a complete response with the expected status and another body' },
  timeout: { lost: true, meaning: 'written, and no complete response before the deadline' },
  protocol_error: { lost: true, meaning: 'the response is not HTTP/1.1, or exceeds a limit' },
  dns: { lost: true, meaning: 'the host name could not be resolved' },
  tls: { lost: true, meaning: 'the TLS handshake failed, or the certificate is not trusted' },
  not_sent: {
    lost: true,
    meaning:
      'never written: no connection became free before the deadline or the stop, or this machine could open none',
  },
  unfinished: {
    lost: true,
    meaning: 'written, and still without a complete response when the run was stopped',
  },
} as const satisfies Record<string, OutcomeKind>;

type Kind = keyof typeof OUTCOME_KINDS;

/** How one request ended: a kind of the registry, with `http_CODE` made concrete (`http_503`). */
export type Outcome = Exclude<Kind, 'http_CODE'> | `http_${number}`;

/** The outcomes without a complete response. */
export type FailureOutcome = Exclude<Kind, 'ok' | 'http_CODE' | 'wrong_body'>;

export function isOutcome(text: string): text is Outcome {
  return text !== 'http_CODE' && (Object.hasOwn(OUTCOME_KINDS, text) || /^http_[1-9]\d\d$/.test(text));
}

/** Is this a loss? Everything but `ok` and complete responses below 500; 429 is a loss too. */
export function isLost(outcome: Outcome): boolean {
  const status = toStatus(outcome);
  if (status !== null) return status === 429 || status >= 500;
  return OUTCOME_KINDS[outcome as Exclude<Kind, 'http_CODE'>].lost;
}

/** The outcome of a complete response: `ok` for the expected status, or for any 2xx where none is expected. */
export function toOutcome(status: number, expectedStatus?: number): Outcome {
  const isExpected = expectedStatus === undefined ? status >= 200 && status < 300 : status === expectedStatus;
  return isExpected ? 'ok' : `http_${status}`;
}

function toStatus(outcome: Outcome): number | null {
  return outcome.startsWith('http_') ? Number(outcome.slice('http_'.length)) : null;
}

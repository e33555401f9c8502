import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';

/** Requests that one fault fails alike. */
export interface FailureClass {
  readonly isFresh: boolean;
  readonly how: 'cut' | 'status' | 'silent';
}

export const CLASSES: readonly FailureClass[] = [true, false].flatMap((isFresh) =>
  (['cut', 'status', 'silent'] as const).map((how) => ({ isFresh, how })),
);

const CUT: readonly Outcome[] = ['refused', 'tls', 'reset', 'closed_before_response', 'truncated'];

/** A proxy that got no response from a pod says so by these; its own connection to the pod is taken for a fresh one. */
const BAD_GATEWAY: readonly Outcome[] = ['http_502', 'http_504'];

/** Who does not accept a connection says so within a round trip. */
const ACCEPTED_MS = 150;

export function isOfClass(loss: Settlement, { isFresh, how }: FailureClass): boolean {
  return isFreshConnection(loss) === isFresh && toHow(loss.outcome) === how;
}

/** Each loss is of one class. */
export function classOf(loss: Settlement): FailureClass | undefined {
  return CLASSES.find((failureClass) => isOfClass(loss, failureClass));
}

export function toHow(outcome: Outcome): FailureClass['how'] {
  if (BAD_GATEWAY.includes(outcome)) return outcome === 'http_502' ? 'cut' : 'silent';
  // The pod has responded, and wrongly.
  if (outcome.startsWith('http_') || outcome === 'wrong_body') return 'status';
  return CUT.includes(outcome) || outcome === 'connect_timeout' ? 'cut' : 'silent';
}

/** A pod that has accepted a connection, and holds a request for a while, cuts it as it does the ones it knows. */
export function isFreshConnection({ connection, outcome, sentMs, endMs }: Settlement): boolean {
  if (BAD_GATEWAY.includes(outcome)) return true;
  const isAccepted = sentMs !== null && toHow(outcome) === 'cut' && endMs - sentMs > ACCEPTED_MS;
  return connection?.reused !== true && !isAccepted;
}

export function sentMsOf({ sentMs, connection, endMs }: Settlement): number {
  return sentMs ?? (connection === null ? endMs : endMs - connection.setupMs);
}

/** When it was failed: a cut when it was cut, all else when it was sent or a connection was tried for it. */
export function failedMsOf(loss: Settlement): number {
  const isCut = loss.sentMs !== null && toHow(loss.outcome) === 'cut';
  return isCut ? loss.endMs : sentMsOf(loss);
}

/** When its connection was opened, or began to be. */
export function openedMsOf(loss: Settlement): number {
  const sentMs = sentMsOf(loss);
  return isFreshConnection(loss) || loss.connection === null ? sentMs : sentMs - loss.connection.ageMs;
}

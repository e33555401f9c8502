import type { Outcome } from '../engine/outcome.ts';
import type { Settlement } from '../engine/settlement.ts';
import { openedMsOf } from './failure-class.ts';
import { isWithin, type PodTimeline } from './timeline.ts';

/** A node may lead connections to an endpoint for so long after its removal. */
const MAX_PROPAGATION_MS = 10_000;
/** The watch learns of a new endpoint at most this long after the nodes do. */
const NEWS_MS = 250;

/** These say that the pod accepted the connection, if it led there; what a proxy accepted says nothing of a pod. */
const CUT_AFTER_ACCEPT: readonly Outcome[] = ['tls', 'reset', 'closed_before_response', 'truncated'];

/** Had the request no connection, so that all that its pod did was to refuse one? */
function isUnconnected({ outcome, connection }: Settlement): boolean {
  return outcome === 'refused' || (outcome === 'connect_timeout' && connection !== null);
}

/**
 * Does the load see a pod's refusal as one? If not, a balancer may accept connections in the pods' place, and close
 * those that no pod takes.
 */
export function showsRefusals(losses: readonly Settlement[]): boolean {
  return losses.some(({ outcome }) => outcome === 'refused');
}

/**
 * Do direct probes show that this pod did not fail the request: that it accepted connections when this one was
 * refused, or refused them when this one was accepted?
 * @param areRefusalsShown whoever accepted a connection was the pod itself
 */
export function isCleared({ direct }: PodTimeline, loss: Settlement, areRefusalsShown: boolean): boolean {
  if (direct === null) return false;
  if (isUnconnected(loss)) return isWithin(direct.accepts, openedMsOf(loss));
  return (
    areRefusalsShown && CUT_AFTER_ACCEPT.includes(loss.outcome) && isWithin(direct.refuses, openedMsOf(loss))
  );
}

/**
 * The pod that refused each of these requests a connection, by the request's index: all other endpoints accepted direct
 * probes at that time. Requests without such a pod are left out. Pure.
 */
export function findRefusers(
  losses: readonly Settlement[],
  timelines: readonly PodTimeline[],
): Map<number, string> {
  return new Map(
    losses.filter(isUnconnected).flatMap((loss) => {
      const atMs = openedMsOf(loss);
      const reachable = timelines.filter(({ endpoint }) =>
        endpoint.some(
          ({ fromMs, toMs }) =>
            atMs >= fromMs - NEWS_MS && atMs < (toMs ?? Number.POSITIVE_INFINITY) + MAX_PROPAGATION_MS,
        ),
      );
      if (reachable.some(({ direct }) => direct === null)) return [];
      const [refuser, ...others] = reachable.filter((timeline) => !isCleared(timeline, loss, true));
      return refuser === undefined || others.length > 0 ? [] : [[loss.index, refuser.pod] as const];
    }),
  );
}

type FirstOkMs = (pod: string, endpoint: number | null) => number | null;

/**
 * When a pod is known to have given its first ok response: to the load, or to a direct probe, which asks for the load's
 * first endpoint.
 */
export function withDirectAnswers(firstOkMs: FirstOkMs, timelines: readonly PodTimeline[]): FirstOkMs {
  const answered = new Map(timelines.map(({ pod, direct }) => [pod, direct?.answeredMs ?? null]));
  return (pod, endpoint) => {
    const okMs = firstOkMs(pod, endpoint);
    const directMs = endpoint === null || endpoint === 0 ? (answered.get(pod) ?? null) : null;
    return okMs === null || directMs === null ? (okMs ?? directMs) : Math.min(okMs, directMs);
  };
}

/** In words, what direct probes found of the pod at that time: `direct probes were accepted until 3.20 s`. */
export function describeDirect({ direct }: PodTimeline, atMs: number): string {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
  const accepted = direct?.accepts.findLast(({ fromMs }) => fromMs <= atMs);
  const refused = direct?.refuses.find(
    ({ fromMs, toMs }) => atMs < (toMs ?? Number.POSITIVE_INFINITY) && fromMs >= (accepted?.fromMs ?? fromMs),
  );
  return [
    ...(accepted?.toMs == null ? [] : [`accepted until ${seconds(accepted.toMs)}`]),
    ...(refused === undefined ? [] : [`refused from ${seconds(refused.fromMs)} on`]),
  ].join(' and ');
}

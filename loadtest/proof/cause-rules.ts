import type { CauseId } from './cause.ts';
import type { LossFacts } from './loss-facts.ts';

interface CauseRule {
  readonly cause: CauseId;
  when(facts: LossFacts): boolean;
  /** The facts that point to the cause, in one clause. */
  why(facts: LossFacts): string;
}

/** The cause of a loss, with the facts that point to it. */
export interface Judgement {
  readonly cause: CauseId;
  readonly why: string;
}

/**
 * From the facts of a loss to its cause: the first rule that applies. What happened to the node comes before what the
 * pod did, the end of a process before how it drained, and that before readiness and capacity.
 */
const CAUSE_RULES: readonly CauseRule[] = [
  {
    cause: 'node-lost',
    when: (f) => f.isUnanswered && f.isNodeLost,
    why: (f) => `the node ${f.node} of ${f.pod} was lost${seenAt(f.nodeLostMs)}`,
  },
  {
    cause: 'closes-idle-connections',
    when: (f) => f.isIdledOut,
    why: (f) => toIdleReason(f.pod, f.idleMs),
  },
  {
    cause: 'killed-at-grace-end',
    when: (f) => f.isTerminating && f.isUnanswered && f.graceMs === 0,
    why: (f) => `${f.pod} was deleted with grace period 0: killed at once`,
  },
  {
    cause: 'crashes',
    when: (f) => f.isTerminating && f.isUnanswered && f.hasEnded && (f.exit?.isOomKilled ?? false),
    why: (f) => `${toUnaskedEnd(f)} while it was terminating`,
  },
  {
    cause: 'ignores-sigterm',
    when: (f) => f.isTerminating && f.isUnanswered && f.isKilled && f.isDeaf,
    why: (f) =>
      `${f.pod} was killed${relative(f.exitSinceSigtermMs, 'SIGTERM')}, and had announced on no response that it would go`,
  },
  {
    cause: 'killed-at-grace-end',
    when: (f) => f.isTerminating && f.isUnanswered && f.isKilled,
    why: (f) => `${f.pod} was killed${relative(f.exitSinceSigtermMs, 'SIGTERM')}`,
  },
  {
    // Some runtimes, the JVM among them, exit with 143 after a clean shutdown too.
    cause: 'exits-on-sigterm',
    when: (f) =>
      f.isTerminating &&
      f.isUnanswered &&
      f.hasEnded &&
      (f.exit?.signal === 'SIGTERM' || (f.exit?.code === 143 && f.exitedAtOnce)),
    why: (f) => `SIGTERM ended ${f.pod}; the request failed${afterSigterm(f)}`,
  },
  {
    cause: 'slow-first-requests',
    when: (f) => f.outcome === 'timeout' && f.wasSentBefore && f.isTerminating && f.isUntried,
    why: (f) => `${f.pod} was new, and did not respond in time; it ${f.firstOk}`,
  },
  {
    cause: 'too-little-capacity',
    when: (f) => f.isTerminating && f.outcome === 'timeout' && f.wasSentBefore,
    why: (f) => `${f.pod} received the request before it began terminating, and did not answer in time`,
  },
  {
    // A refused connection would have been lost just the same had the process only stopped listening. A process that
    // exits with 0 has waited for all requests in flight that it knew of.
    cause: 'exits-on-sigterm',
    when: (f) =>
      f.isTerminating &&
      f.isUnanswered &&
      f.isKept &&
      f.exitedAtOnce &&
      (f.exit?.code !== 0 || f.wasInFlight),
    why: (f) => `${f.pod} exited${relative(f.exitSinceSigtermMs, 'SIGTERM')}`,
  },
  {
    cause: 'unknown',
    when: (f) => f.isTerminating && wasDropped(f) && f.sinceSigtermMs === null,
    why: (f) =>
      `${f.pod} dropped a request that had been in flight for ${Math.round(f.waitedMs ?? 0)} ms, ${SIGTERM_UNKNOWN}`,
  },
  {
    cause: 'cut-by-drain-limit',
    when: (f) => f.isTerminating && wasDropped(f) && !f.exitedAtOnce && !f.isKilled && f.isAtExit,
    why: (f) =>
      `${f.pod} exited${relative(f.exitSinceSigtermMs, 'SIGTERM')} with a request that had been in flight for ${Math.round(f.waitedMs ?? 0)} ms`,
  },
  {
    cause: 'exits-on-sigterm',
    when: (f) => f.isTerminating && wasDropped(f),
    why: (f) =>
      `${f.pod} dropped a request that had been in flight for ${Math.round(f.waitedMs ?? 0)} ms${afterSigterm(f)}`,
  },
  {
    cause: 'closes-keep-alive-connections',
    when: (f) => f.isTerminating && f.isCut && f.isKept,
    why: (f) => `${f.pod} closed a keep-alive connection${afterSigterm(f)}`,
  },
  {
    cause: 'stops-listening-early',
    when: (f) => f.isTerminating && f.isUnanswered && !f.isKept,
    why: (f) =>
      f.isOfProxy
        ? `a proxy answered ${f.status} for ${f.pod}${afterSigterm(f)}`
        : f.outcome === 'timeout'
          ? `${f.pod} gave no response on a fresh connection${afterSigterm(f)}`
          : `${f.pod} accepted no fresh connection${afterSigterm(f)}`,
  },
  {
    cause: 'unknown',
    when: (f) => f.isTerminating && f.isRejected && f.sinceSigtermMs === null,
    why: (f) => `${f.pod} answered ${f.status}, ${SIGTERM_UNKNOWN}`,
  },
  {
    cause: 'readiness-flaps',
    when: (f) => f.isTerminating && f.isRejected && f.isFlapping,
    why: (f) => `${f.pod} had become unready around that time before it was terminated`,
  },
  {
    cause: 'too-little-capacity',
    when: (f) => f.isTerminating && f.isRejected && !f.isAfterSigterm,
    why: (f) => `${f.pod} had not been sent SIGTERM and answered ${f.status}`,
  },
  {
    cause: 'rejects-while-draining',
    when: (f) => f.isTerminating && f.isRejected && f.isKept,
    why: (f) => `${f.pod} answered ${f.status} on an open connection${afterSigterm(f)}`,
  },
  {
    cause: 'stops-listening-early',
    when: (f) => f.isTerminating && f.isRejected,
    why: (f) => `${f.pod} answered ${f.status}${afterSigterm(f)}`,
  },
  {
    cause: 'unknown',
    when: (f) => f.isTerminating,
    why: (f) => `${f.pod} was terminating and the request ended as ${f.outcome}`,
  },
  {
    cause: 'crashes',
    when: (f) => f.hasEnded && f.isUnanswered,
    why: (f) => toUnaskedEnd(f),
  },
  {
    cause: 'unknown',
    when: (f) => f.isUntried && f.isBroken,
    why: (f) => `${f.pod} is new, and never answered this endpoint: broken, not early`,
  },
  {
    cause: 'slow-first-requests',
    when: (f) => f.isUntried && f.outcome === 'timeout',
    why: (f) =>
      `${f.pod} was ready for ${Math.round(f.sinceReadyMs ?? 0)} ms and did not respond in time; it ${f.firstOk}`,
  },
  {
    cause: 'ready-too-early',
    when: (f) => f.isUntried,
    why: (f) => `${f.pod} was ready for ${Math.round(f.sinceReadyMs ?? 0)} ms, and ${f.firstOk}`,
  },
  {
    cause: 'readiness-flaps',
    when: (f) => f.isFlapping,
    why: (f) => `${f.pod} became unready around that time without being terminated`,
  },
  {
    cause: 'node-lost',
    when: (f) => f.isSilent && f.lostNode !== null,
    why: (f) =>
      `${f.pod} was ready, and the route to it may have gone through node ${f.lostNode}, which was lost${seenAt(f.nodeLostMs)}`,
  },
  {
    cause: 'too-little-capacity',
    when: (f) => f.isRejected || f.isSilent,
    why: (f) => `${f.pod} was ready and ${f.isRejected ? `answered ${f.status}` : 'did not answer in time'}`,
  },
  {
    cause: 'closes-idle-connections',
    when: (f) => f.isKept && (f.outcome === 'reset' || f.outcome === 'closed_before_response'),
    why: (f) => toIdleReason(`${f.pod} was ready and`, f.idleMs),
  },
  {
    cause: 'unknown',
    when: () => true,
    why: (f) => `${f.pod} was ${f.endPhase} and the request ended as ${f.outcome}`,
  },
];

/** The last rule applies to everything. */
export function judgeLoss(facts: LossFacts): Judgement {
  const rule = CAUSE_RULES.find(({ when }) => when(facts));
  if (rule === undefined) throw new RangeError('no rule applies');
  return { cause: rule.cause, why: rule.why(facts) };
}

/** A request in flight was cut, on a connection that had been accepted. */
function wasDropped({ isCut, outcome, wasInFlight }: LossFacts): boolean {
  return isCut && outcome !== 'refused' && wasInFlight;
}

export function toIdleReason(who: string, idleMs: number): string {
  return `${who} closed a connection that had been idle for ${Math.round(idleMs)} ms`;
}

/** A clause to follow a comma. */
const SIGTERM_UNKNOWN = 'and it is not known when it was sent SIGTERM (preStop of unknown length)';

function afterSigterm({ sinceSigtermMs }: LossFacts): string {
  return sinceSigtermMs === null ? `, ${SIGTERM_UNKNOWN}` : relative(sinceSigtermMs, 'SIGTERM');
}

function relative(sinceMs: number | null, name: string): string {
  if (sinceMs === null) return '';
  const ms = Math.round(sinceMs);
  return ms < 0 ? ` ${-ms} ms before ${name}` : ` ${ms} ms after ${name}`;
}

function seenAt(atMs: number | null): string {
  return atMs === null ? '' : ` (seen at ${(atMs / 1000).toFixed(1)} s)`;
}

function toUnaskedEnd({ pod, exit }: LossFacts): string {
  if (exit?.isOomKilled) return `${pod} was OOMKilled`;
  const how = exit === null ? '' : exit.signal === null ? ` with code ${exit.code}` : ` by ${exit.signal}`;
  return `the process of ${pod} exited without being asked to${how}`;
}

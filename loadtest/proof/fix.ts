import { formatSeconds } from '../cli/format.ts';
import type { Loss } from './attribution.ts';
import { CAUSES, type CauseId } from './cause.ts';
import { type ManifestChange, NO_CHANGE, toWholeSeconds } from './manifest-change.ts';
import { countEndpoints, type PodTimeline } from './timeline.ts';

/** What to change against one cause. */
export interface Fix {
  readonly cause: CauseId;
  /** In the numbers of the proof, where they say something. */
  readonly text: string;
  /** Null: a manifest cannot mend it, or what would be needed was not seen. */
  readonly change: ManifestChange | null;
}

interface Observation {
  readonly causes: Readonly<Partial<Record<CauseId, number>>>;
  readonly losses: readonly Loss[];
  readonly timelines: readonly PodTimeline[];
  /** When the disruption began; Infinity: it was skipped. */
  readonly beganMs: number;
  /** Deadline of each request. */
  readonly deadlineMs: number;
  /** What to do for more pods in a rollout. */
  readonly surgeAdvice: string;
}

/** What a fix is made of: the losses to one cause, each with the timeline of its pod. */
interface Evidence extends Observation {
  readonly own: readonly { readonly loss: Loss; readonly timeline: PodTimeline }[];
}

type Advice = Omit<Fix, 'cause'>;

/** Left between the last connection that was led to a pod and SIGTERM. */
const MARGIN_MS = 2_000;

/** Fixes that take their numbers from the run; null: there are none, and what `CAUSES` says stands alone. */
const ADVISE: Partial<Record<CauseId, (evidence: Evidence) => Advice | null>> = {
  'stops-listening-early': ({ own }) => {
    const told = own.flatMap(({ loss, timeline: { terminatingMs, sigtermMs, graceMs } }) =>
      terminatingMs === null || sigtermMs === null || graceMs === null || graceMs === 0
        ? []
        : [
            {
              ledForMs: openedMsOf(loss) - terminatingMs,
              preStopMs: sigtermMs - terminatingMs,
              graceMs,
            },
          ],
    );
    if (told.length === 0) return null;
    const ledForMs = Math.max(...told.map((each) => each.ledForMs));
    const had = Math.min(...told.map((each) => each.preStopMs));
    const graceMs = Math.max(...told.map((each) => each.graceMs));
    const preStopMs = toWholeSeconds(Math.max(ledForMs, had) + MARGIN_MS);
    const change = { ...NO_CHANGE, preStopMs, graceMs: toWholeSeconds(graceMs + preStopMs - had) };
    return {
      text: `Endpoints were still used ${formatSeconds(ledForMs)} after the deletion, and SIGTERM came after ${formatSeconds(had)}: make \`lifecycle.preStop.sleep\` ${formatSeconds(preStopMs)} and terminationGracePeriodSeconds ${formatSeconds(change.graceMs)}.`,
      change,
    };
  },
  'killed-at-grace-end': ({ own, deadlineMs }) => {
    const told = own.flatMap(({ loss: { settlement }, timeline: { terminatingMs, graceMs } }) =>
      terminatingMs === null || graceMs === null || graceMs === 0 || settlement.sentMs === null
        ? []
        : [{ sentForMs: settlement.sentMs - terminatingMs, graceMs }],
    );
    if (told.length === 0) return null;
    const sentForMs = Math.max(...told.map((each) => each.sentForMs));
    const had = Math.max(...told.map((each) => each.graceMs));
    // By then each request has its response, or is given up by its client.
    const graceMs = toWholeSeconds(Math.max(0, sentForMs) + deadlineMs + MARGIN_MS);
    if (graceMs <= had) return null;
    return {
      text: `The last of these requests was sent ${sentForMs < 0 ? `${formatSeconds(-sentForMs)} before` : `${formatSeconds(sentForMs)} after`} the deletion, a response may take ${formatSeconds(deadlineMs)}, and the pod was killed after ${formatSeconds(had)}: make terminationGracePeriodSeconds ${formatSeconds(graceMs)}, and exit once drained.`,
      change: { ...NO_CHANGE, graceMs },
    };
  },
  'cut-by-drain-limit': ({ own, deadlineMs }) => {
    const ends = own.flatMap(({ timeline: { exit, sigtermMs, terminatingMs, graceMs } }) =>
      exit === null || sigtermMs === null || terminatingMs === null || graceMs === null
        ? []
        : [{ limitMs: exit.atMs - sigtermMs, preStopMs: sigtermMs - terminatingMs, graceMs }],
    );
    const [first] = ends;
    if (first === undefined) return null;
    const longest = Math.max(...own.map(({ loss: { settlement } }) => waitedMsOf(settlement)));
    const graceMs = toWholeSeconds(
      Math.max(...ends.map(({ preStopMs }) => preStopMs)) + deadlineMs + MARGIN_MS,
    );
    const isTight = graceMs > Math.max(...ends.map((each) => each.graceMs));
    return {
      text: `The server exited ${formatSeconds(Math.min(...ends.map(({ limitMs }) => limitMs)))} after SIGTERM with requests that had been under way for up to ${formatSeconds(longest)}: raise its shutdown timeout to ${formatSeconds(toWholeSeconds(deadlineMs))}, the deadline of a request${isTight ? `, and terminationGracePeriodSeconds to ${formatSeconds(graceMs)}` : ''}.`,
      change: isTight ? { ...NO_CHANGE, graceMs } : null,
    };
  },
  crashes: ({ own }) => {
    const killed = own.filter(({ timeline: { exit } }) => exit?.isOomKilled);
    const pods = [...new Set(killed.map(({ timeline: { pod } }) => pod))];
    if (pods.length === 0) return null;
    return {
      text: `${pods.join(', ')} ended by OOMKilled: raise resources.limits.memory above what the server needs under this load, or find what grows.`,
      change: null,
    };
  },
  'too-little-capacity': ({ timelines, beganMs, surgeAdvice }) => {
    const { least, usual } = countServing(timelines, beganMs);
    if (least >= usual) return null;
    return {
      text: `Only ${least} of ${usual} pods were in service for a while. ${surgeAdvice}`,
      change: { ...NO_CHANGE, isSurged: true },
    };
  },
  'ready-too-early': (evidence) => toStartAdvice(evidence, 'ready-too-early'),
  'slow-first-requests': (evidence) => toStartAdvice(evidence, 'slow-first-requests'),
};

/** One for each cause, in the order of the registry. Pure. */
export function toFixes(proof: Observation): Fix[] {
  const timelines = new Map(proof.timelines.map((timeline) => [timeline.pod, timeline]));
  return (Object.keys(proof.causes) as CauseId[]).map((cause) => {
    const own = proof.losses.flatMap((loss) => {
      const timeline = loss.pod === null ? undefined : timelines.get(loss.pod);
      return loss.cause === cause && timeline !== undefined ? [{ loss, timeline }] : [];
    });
    const advice = ADVISE[cause]?.({ ...proof, own }) ?? { text: CAUSES[cause].fix, change: null };
    return { cause, ...advice };
  });
}

/** New pods that fail what comes first: for how long after they became ready. */
function toStartAdvice({ own }: Evidence, cause: CauseId): Advice | null {
  const untilMs = own.flatMap(({ loss: { settlement }, timeline: { ready } }) => {
    const readyMs = ready[0]?.fromMs;
    return readyMs === undefined ? [] : [(settlement.sentMs ?? settlement.endMs) - readyMs];
  });
  if (untilMs.length === 0) return null;
  const lastMs = Math.max(0, ...untilMs);
  return {
    text: `New pods failed requests until ${formatSeconds(lastMs)} after they were ready. ${CAUSES[cause].fix}`,
    change: null,
  };
}

/** The fewest pods in service at a time since the disruption began, and how many there were at its beginning. */
function countServing(timelines: readonly PodTimeline[], beganMs: number): { least: number; usual: number } {
  const countAt = (ms: number) => countEndpoints(timelines, ms);
  const removals = timelines.flatMap(({ endpoint }) => endpoint.flatMap(({ toMs }) => toMs ?? []));
  const usual = countAt(beganMs);
  return { usual, least: Math.min(usual, ...removals.filter((ms) => ms >= beganMs).map(countAt)) };
}

function openedMsOf({ settlement: { sentMs, endMs, connection } }: Loss): number {
  return sentMs === null ? endMs - (connection?.setupMs ?? 0) : sentMs - (connection?.ageMs ?? 0);
}

function waitedMsOf({ sentMs, endMs }: Loss['settlement']): number {
  return sentMs === null ? 0 : endMs - sentMs;
}

import type { Settlement } from '../engine/settlement.ts';
import { CLASSES, classOf, type FailureClass, isOfClass, sentMsOf, toHow } from './failure-class.ts';
import { FREEDOM, type Hypothesis, TIE, toBin, toHypothesis, toWeight } from './hypothesis.ts';
import { MIN_CHANCE, type Observed, toInferenceEvidence } from './inference-evidence.ts';
import {
  HOWS,
  type Stretch,
  type SuspectEvidence,
  type Suspicion,
  type SuspicionKind,
  toLingering,
  toPreStops,
  toSuspectEvidence,
  toSuspicions,
} from './suspicion.ts';

/** What too few pods fail is an average over all of that time: others fit parts of it better by chance. */
const FLEET_YIELDS_AT = 1.15;

/** An explanation that is so much more likely than chance has found a fault; others may have found a coincidence. */
const SOLID = 10;

/** A removed endpoint gets new connections for hardly longer than this. */
const USUAL_PROPAGATION_MS = 2_000;

/** Who may have failed a loss, and on what occasion. */
export interface Suspect {
  /** Null: any pod, for all of them together were too few. */
  readonly pod: string | null;
  /** Null: the pod is the only one to which anything happened. */
  readonly kind: SuspicionKind | null;
}

/**
 * Who may have failed each loss, by its index: one where it is known, several where they are as likely, none where
 * nobody is suspect. Judges all losses and all successes together: of n endpoints one gets every n-th new
 * connection, so a pod that fails them fails that share while its fault lasts, and none before and after. The smallest
 * set of hypotheses wins. Pure.
 */
export function inferSuspects(observed: Observed): Map<number, readonly Suspect[]> {
  const evidence = toSuspectEvidence(toInferenceEvidence(observed));
  const suspicions = toSuspicions(evidence);
  const found = new Map<number, readonly Suspect[]>();
  const foundKinds = new Map<FailureClass['how'], Set<SuspicionKind>>();
  let left = evidence.losses;
  while (left.length > 0) {
    const { explained, score } = explainMost(left, suspicions, evidence);
    if (explained.size === 0) break;
    for (const [{ index, outcome }, suspects] of explained) {
      found.set(index, suspects);
      if (score < SOLID) continue;
      const kinds = foundKinds.get(toHow(outcome)) ?? new Set();
      foundKinds.set(toHow(outcome), kinds);
      for (const { kind } of suspects) if (kind !== null) kinds.add(kind);
    }
    left = left.filter(({ index }) => !found.has(index));
  }
  const grounds = toGrounds(left, suspicions, evidence);
  for (const loss of left) {
    // The like of it was lost before anything happened.
    const failureClass = classOf(loss);
    if (failureClass !== undefined && evidence.chanceOf(failureClass) > MIN_CHANCE) {
      found.set(loss.index, []);
      continue;
    }
    // Rather one more of what has been found than something new.
    const kinds = foundKinds.get(toHow(loss.outcome)) ?? new Set();
    const stretches = [stretchesOf(suspicions, [...kinds]), ...grounds]
      .map((those) => those.filter((stretch) => evidence.isEligible(loss, stretch)))
      .find((those) => those.length > 0);
    const pods = new Set(stretches?.map(({ timeline }) => timeline.pod));
    found.set(
      loss.index,
      [...pods].map((pod) => ({ pod, kind: null })),
    );
  }
  return found;
}

/**
 * The suspects of all losses that the most likely explanation explains, with those of others that are as likely. Losses
 * of one class are left for the next time where another explanation is much better for these alone.
 */
function explainMost(
  losses: readonly Settlement[],
  suspicions: readonly Suspicion[],
  evidence: SuspectEvidence,
): { readonly explained: ReadonlyMap<Settlement, readonly Suspect[]>; readonly score: number } {
  const explanations = [
    toFleetExplanation(losses, evidence),
    ...suspicions.map((suspicion) => toExplanation(suspicion, losses, evidence)),
  ].sort((a, b) => b.score - a.score);
  const [best] = explanations;
  if (best === undefined || best.score <= 0) return { explained: new Map(), score: 0 };
  const rivals = explanations.filter(({ fit }) => fit > 0 && fit > best.fit - TIE);
  const explainable = losses.filter((loss) => best.findSuspects(loss).length > 0);
  const contested = CLASSES.filter((failureClass) =>
    explanations.some(
      (other) => other.partOf(failureClass).fit > best.yieldsAt * best.partOf(failureClass).fit + TIE,
    ),
  );
  const uncontested = explainable.filter((loss) => !contested.some((each) => isOfClass(loss, each)));
  const explained = new Map(
    (uncontested.length === 0 ? explainable : uncontested).map((loss) => [
      loss,
      explanations
        .filter((each) => rivals.includes(each) || isRivalFor(each, best, loss))
        .flatMap((rival) => rival.findSuspects(loss)),
    ]),
  );
  return { explained, score: best.score };
}

/** What no fault explains well may still have one suspect: where to look for it, the likeliest first. */
function toGrounds(
  losses: readonly Settlement[],
  suspicions: readonly Suspicion[],
  evidence: SuspectEvidence,
): (readonly Stretch[])[] {
  const changes = stretchesOf(suspicions, [
    'drain',
    'exit',
    'crash',
    'flap',
    ...(evidence.isNamed ? ['start' as const] : []),
  ]);
  return [
    // Most nodes have learned of a removal by then.
    changes.map((stretch) => ({ ...stretch, reachMs: USUAL_PROPAGATION_MS })),
    changes,
    stretchesOf(suspicions, ['node']),
    // Where responses name no pod, every new pod may be one that has never answered.
    stretchesOf(suspicions, ['start']),
    // A pod in its preStop serves on.
    toPreStops(evidence),
    toLingering(losses, evidence),
  ];
}

function stretchesOf(suspicions: readonly Suspicion[], kinds: readonly SuspicionKind[]): Stretch[] {
  return suspicions.filter(({ kind }) => kinds.includes(kind)).flatMap(({ stretches }) => stretches);
}

/** Is it as likely for the losses of this class alone? Open connections show too little for that. */
function isRivalFor(other: Explanation, best: Explanation, loss: Settlement): boolean {
  const own = classOf(loss);
  if (own?.isFresh !== true) return false;
  const [rival, leader] = [other.partOf(own), best.partOf(own)];
  return rival.score > Math.max(0, leader.score - TIE) && rival.fit > leader.fit - TIE;
}

/** All that one suspicion explains: for each class of requests from when to when it failed them. */
interface Explanation {
  readonly fit: number;
  readonly score: number;
  /** For the losses of this class alone. */
  partOf(failureClass: FailureClass): Pick<Explanation, 'fit' | 'score'>;
  /** Who failed the loss if the explanation is true; empty: it does not explain it. */
  findSuspects(loss: Settlement): readonly Suspect[];
  /** Another explanation takes the losses of a class from it if its fit for those is so many times as good. */
  readonly yieldsAt: number;
}

const NOTHING = { fit: 0, score: 0 };

const NO_EXPLANATION: Explanation = {
  ...NOTHING,
  yieldsAt: 1,
  partOf: () => NOTHING,
  findSuspects: () => [],
};

/**
 * While fewer pods are in service than before the disruption, they fail some share of the requests: which one is free.
 */
function toFleetExplanation(losses: readonly Settlement[], evidence: SuspectEvidence): Explanation {
  const { successes, thinSlots } = evidence;
  const { slotMs, count } = successes;
  const isOverloaded = (loss: Settlement) =>
    toHow(loss.outcome) !== 'cut' && thinSlots.has(Math.floor(sentMsOf(loss) / slotMs));
  const overloaded = losses.filter(isOverloaded);
  if (overloaded.length === 0) return NO_EXPLANATION;
  const fits = CLASSES.map((failureClass) => {
    const failed = overloaded.filter((loss) => isOfClass(loss, failureClass)).length;
    if (failed === 0) return 0;
    const served = [...thinSlots].reduce((sum, slot) => sum + count(slot, failureClass.isFresh), 0);
    const share = failed / (failed + served);
    const chance = evidence.chanceOf(failureClass);
    const full =
      failed * Math.log((chance + share) / chance) + (served === 0 ? 0 : served * Math.log(1 - share));
    return full * toWeight(overloaded, failureClass);
  });
  const fit = fits.reduce((sum, each) => sum + each, 0);
  return {
    fit,
    // The share is free.
    score: fit - FREEDOM * fits.filter((each) => each > 0).length,
    yieldsAt: FLEET_YIELDS_AT,
    partOf: (failureClass) => {
      const part = fits[CLASSES.indexOf(failureClass)] ?? 0;
      return { fit: part, score: part - FREEDOM };
    },
    findSuspects: (loss) => (isOverloaded(loss) ? [{ pod: null, kind: 'fleet' }] : []),
  };
}

function toExplanation(
  suspicion: Suspicion,
  losses: readonly Settlement[],
  evidence: SuspectEvidence,
): Explanation {
  const classes = CLASSES.filter(({ how }) => HOWS[suspicion.kind]?.includes(how) ?? true);
  const toOwn = (isFresh: boolean, lastBin: number) =>
    classes
      .filter((failureClass) => failureClass.isFresh === isFresh)
      .map((failureClass) => {
        const own = losses.filter((loss) => isOfClass(loss, failureClass));
        return toHypothesis(suspicion, failureClass, own, lastBin, evidence);
      })
      .filter(({ score }) => score > 0);
  const fresh = toOwn(true, Number.POSITIVE_INFINITY);
  // A pod that is not up yet fails new connections first, and open ones for no longer than those.
  const isStart = suspicion.kind === 'start';
  if (isStart && fresh.length === 0) return NO_EXPLANATION;
  const lastKept = isStart ? Math.max(...fresh.map(({ lasting }) => lasting)) : Number.POSITIVE_INFINITY;
  const hypotheses = [...fresh, ...toOwn(false, lastKept)];
  return {
    fit: hypotheses.reduce((sum, { fit }) => sum + fit, 0),
    score: hypotheses.reduce((sum, { score }) => sum + score, 0),
    yieldsAt: 1,
    partOf: (failureClass) => hypotheses.find((each) => each.failureClass === failureClass) ?? NOTHING,
    findSuspects: (loss) => findSuspects(loss, hypotheses, evidence),
  };
}

function findSuspects(
  loss: Settlement,
  hypotheses: readonly Hypothesis[],
  evidence: SuspectEvidence,
): Suspect[] {
  const found = hypotheses
    .filter(({ failureClass }) => isOfClass(loss, failureClass))
    .flatMap(({ suspicion: { kind, stretches }, from, ends }) =>
      stretches
        .filter((stretch, index) => {
          const bin = toBin(loss, stretch, evidence);
          return bin >= from && bin <= (ends[index] ?? -1) && evidence.isEligible(loss, stretch);
        })
        .map(({ timeline: { pod } }) => ({ pod, kind })),
    );
  // Two stretches of one pod, such as two flaps, may explain it.
  return found.filter(({ pod }, index) => found.findIndex((other) => other.pod === pod) === index);
}

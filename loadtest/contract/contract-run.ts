import { formatDuration } from '../cli/duration.ts';
import { Fault } from '../cli/fault.ts';
import { type IdleObservation, type IdleWatch, startIdleWatch } from './idle-watch.ts';
import {
  type ContractWork,
  type Observation,
  observeShutdown,
  type Subject,
  type Terms,
} from './observation.ts';

/** Where the server under test comes from. */
export interface SubjectSource {
  open(): Promise<Subject>;
  /** There is one alone, however often it is opened, such as a pod. */
  readonly isSingle: boolean;
}

/** Everything that is observed of one server. */
export interface ContractObservation {
  readonly seen: Observation;
  /** Null: no idle connection was watched to the end. */
  readonly idle: IdleObservation | null;
  /** How uncertain the moment of SIGTERM is. */
  readonly sigtermWithinMs: number;
}

/**
 * Observes idle connections and a shutdown: of a single server one after the other, otherwise of two processes at the
 * same time. What it opens it destroys.
 * @param tell told each step that takes a while
 * @throws {Fault} where the server does not get ready
 */
export async function observeContract(
  { open, isSingle }: SubjectSource,
  work: ContractWork,
  terms: Terms,
  signal: AbortSignal,
  tell: (step: string) => void,
): Promise<ContractObservation> {
  const subjects: Subject[] = [];
  const openNext = async () => {
    const subject = await open();
    subjects.push(subject);
    return subject;
  };
  let watch: IdleWatch | null = null;
  try {
    const first = await openNext();
    if (terms.idleMs > 0) {
      tell(`watching idle connections for ${formatDuration(terms.idleMs)}`);
      watch = await startIdleWatch(first, work, terms, signal);
      if (isSingle) await watch.done();
    }
    const isBeside = watch !== null && !isSingle;
    const subject = isBeside ? await openNext() : first;
    const seen = await observeShutdown(subject, work, terms, signal, tell).catch((error) => {
      throw isBeside ? toBesideFault(error) : error;
    });
    const hasExitedByItself = seen.exit !== null && seen.exit.atMs < 0;
    if (watch?.isOver === false && !hasExitedByItself) tell('waiting for the idle connections');
    const idle = watch === null || hasExitedByItself ? null : await watch.done();
    return { seen, idle, sigtermWithinMs: subject.sigtermWithinMs };
  } finally {
    watch?.stop();
    await Promise.all(subjects.map((subject) => subject.destroy()));
  }
}

/** A server that came up once, and not a second time beside the first. */
function toBesideFault(error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  return new Fault(
    `${error.message}\n  another process of this server runs beside it, whose idle connections are watched: if they exclude each other, give --idle 0ms`,
  );
}

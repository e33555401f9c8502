import { Fault } from '../cli/fault.ts';
import type { ManifestChange } from './manifest-change.ts';
import type { PodEvent } from './timeline.ts';

/** What is done to the target while it is under load. */
export const DISRUPTIONS = {
  rollout: 'replace every pod, by a restart or by a new image',
  scale: 'add replicas, then remove them again',
  drain: 'evict the pods of one node',
  kill: 'delete one pod; with --force, without any grace period',
  run: 'run the command of --do, which disrupts in its own way; on a cluster only',
} as const satisfies Record<string, string>;

export type Disruption = keyof typeof DISRUPTIONS;

/** Something worth a line on the timeline that is not a pod event. */
export interface Mark {
  readonly atMs: number;
  readonly text: string;
}

/** What of a connection tells which pod it leads to. Times are on the clock of `performance.now()`. */
export interface ConnectionTrace {
  readonly localPort: number | null;
  /** The IP address that it leads to; null: not known. */
  readonly remoteAddress: string | null;
  readonly openedMs: number;
  /** A time at which it was open, or had failed to open. */
  readonly atMs: number;
}

/** A target prepared for one proof. Times are on the clock of `performance.now()`. */
export interface Scene {
  /** What is disrupted, in words. */
  readonly name: string;
  readonly url: URL;
  /** All events of this scene so far. */
  readonly events: readonly PodEvent[];
  readonly marks: readonly Mark[];
  /** Why events may be missing or stamped late. */
  readonly gaps: readonly string[];
  /** How far the timestamp of an event may lag behind the event. */
  readonly slackMs: number;
  /** The pod that the connection led to, where that is known. */
  podOf(connection: ConnectionTrace): string | null;
  /**
   * The pod whose name, UID or address (with a port or without) a response had at that time; null: not known.
   */
  podNamed(text: string, atMs: number): string | null;
  /** What may stand for a pod in its responses: its name and, where there are any, its UID and its addresses. */
  identitiesOf(pod: string): readonly string[];
  /** Is the disruption aimed at this pod? Not at those of another workload behind the same Service. */
  isTarget(pod: string): boolean;
  /** What to do for more pods in a rollout, in one sentence. */
  readonly surgeAdvice: string;
  /** The change as a patch of the target's manifest; null: there is no manifest. */
  toPatch(change: ManifestChange): string | null;
  /** Disrupts, and waits until the target is quiet again. Rejects with what failed to happen. */
  disrupt(signal: AbortSignal): Promise<void>;
  /** Checks whether every event was seen; `gaps` then lists what was missed. */
  confirm(): Promise<void>;
  /** Undoes what was done to the target. Returns what could not be undone, in words. Never rejects. */
  close(): Promise<readonly string[]>;
}

/** A prepared target, or why that does not apply: the safeguard to be removed is not there. */
export type Opening =
  | { readonly kind: 'open'; readonly scene: Scene }
  | { readonly kind: 'not-applicable'; readonly reason: string };

/** The error, with what could not be undone: the user must learn that the target was left changed. */
export function withLeftBehind(error: Error, leftBehind: readonly string[]): Error {
  if (leftBehind.length === 0) return error;
  const message = `${error.message}; not undone: ${leftBehind.join(', ')}`;
  return new Fault(message, { exit: 'inconclusive', leftBehind });
}

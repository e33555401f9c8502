import { Fault } from '../cli/fault.ts';
import type { Settlement } from '../engine/settlement.ts';
import type { PodEvent } from './timeline.ts';

/** What is done to the target while it is under load. */
export const DISRUPTIONS = {
  rollout: 'replace every pod, by a restart or by a new image',
  scale: 'add replicas, then take them away again',
  drain: 'evict the pods of one node',
  kill: 'delete one pod; with --force, without any grace period',
  run: 'run the command of --do, which disrupts in a way of its own; on a cluster only',
} as const satisfies Record<string, string>;

export type Disruption = keyof typeof DISRUPTIONS;

/** Something worth a line on the timeline that is no event of a pod. */
export interface Mark {
  readonly atMs: number;
  readonly text: string;
}

/** A target made ready for one proof. Times are of `performance.now()`. */
export interface Scene {
  /** What is disrupted, in words. */
  readonly name: string;
  readonly url: URL;
  /** All seen so far, of this scene. */
  readonly events: readonly PodEvent[];
  readonly marks: readonly Mark[];
  /** Why events may be missing or stamped late. */
  readonly gaps: readonly string[];
  /** How much later than it happened an event may be stamped. */
  readonly slackMs: number;
  /** The pod that the request's connection led to, where the way is known. */
  podOf(settlement: Settlement, startMs: number): string | null;
  /** Disrupts, and waits until the target is quiet again. Rejects with what did not come about. */
  disrupt(signal: AbortSignal): Promise<void>;
  /** Looks whether every event was seen; `gaps` then holds what was not. */
  confirm(): Promise<void>;
  /** Takes back what was done to the target. Returns what could not be, in words. Never rejects. */
  close(): Promise<readonly string[]>;
}

/** A target made ready, or why that does not apply: the safeguard that was to be taken away is not there. */
export type Opening =
  | { readonly kind: 'open'; readonly scene: Scene }
  | { readonly kind: 'not-applicable'; readonly reason: string };

/** The error, with what could not be taken back: nobody may miss that the target is not as it was. */
export function withLeftBehind(error: Error, leftBehind: readonly string[]): Error {
  if (leftBehind.length === 0) return error;
  const message = `${error.message}; not undone: ${leftBehind.join(', ')}`;
  return new Fault(message, { exit: 'inconclusive', leftBehind });
}

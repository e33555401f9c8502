import type { PidOne } from './pid-one.ts';
import type { PreStopAction } from './pre-stop-hook.ts';
import type { Replica } from './replica.ts';

/** What all pods of a fleet have in common. */
export interface PodTemplate {
  /** Run by `sh -c "exec COMMAND"`; it must listen on $PORT. */
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pidOne: PidOne;
  /** Variables of the environment besides PORT that are to hold the port [none]. */
  readonly portVariables?: readonly string[];
  /** Null: no readiness probe, so that a pod is ready as soon as its process runs. */
  readonly readiness: {
    readonly path: string;
    readonly periodMs: number;
    /** From the start of the process until the first probe [0]. */
    readonly initialDelayMs?: number;
    /** Failures in a row that make a ready pod unready. */
    readonly failureThreshold: number;
    /** For the whole response [1 s]. */
    readonly timeoutMs?: number;
  } | null;
  readonly preStop: PreStopAction;
}

/** One pod, as the fleet's parts see and change it. */
export interface Pod {
  readonly name: string;
  readonly revision: number;
  readonly version: string;
  readonly node: string;
  /** Null: its process has not been started yet. */
  replica: Replica | null;
  /** When it became ready; null: it is not ready. */
  readyMs: number | null;
  /** What its last probe saw, in words. */
  seen: string;
  isTerminating: boolean;
  /** Its node has lost power. */
  isFrozen: boolean;
}

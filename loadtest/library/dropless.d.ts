import type { LintReport, ProofReport } from '../report/json.d.ts';
import type { LintFlags, ProveFlags } from './flags.d.ts';

export type { LintFlags, LintReport, ProofReport, ProveFlags };

/** How a task is watched and ended. */
export interface Watch {
  /** Aborted: what was done to the target is undone, and the result is what was found until then. */
  readonly signal?: AbortSignal | undefined;
  /** What the program tells meanwhile, in pieces of text: its steps, and at last the report for people. */
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** What to disrupt, and with which flags of `dropless prove`. */
export interface ProveTask extends ProveFlags, Watch {
  /** In this order, at least one. */
  readonly disruptions: readonly ('rollout' | 'scale' | 'drain' | 'kill' | 'run')[];
  /** For example `deploy/web`; none: a fleet on this machine. */
  readonly target?: string | undefined;
}

/** What to lint, one of three, and with which flags of `dropless lint`. */
export interface LintTask extends LintFlags, Watch {
  /** Files, directories and kustomizations. */
  readonly paths?: readonly string[] | undefined;
  /** Manifests themselves, as YAML or JSON. */
  readonly manifests?: string | undefined;
  /** A live workload, for example `deploy/web`. */
  readonly target?: string | undefined;
}

/** Why there is no report. The message is the program's own sentence. */
export declare class DroplessError extends Error {
  constructor(message: string, exitCode: number | null);
  override readonly name: 'DroplessError';
  /** 2: the task is wrong, and nothing was run; 3: nothing could be found out; null: a signal ended the program. */
  readonly exitCode: number | null;
}

/**
 * Puts a target under load, disrupts it, and accounts for every request. Losses are a result, and no error: see
 * `verdict` of the report.
 * @throws {DroplessError} where there is no report
 */
export declare function prove(task: ProveTask): Promise<ProofReport>;

/**
 * Finds what in manifests, or in a live workload, would lose requests. Findings are a result, and no error.
 * @throws {DroplessError} where there is no report
 */
export declare function lint(task: LintTask): Promise<LintReport>;

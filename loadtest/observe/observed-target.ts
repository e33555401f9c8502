import type { Mark, Scene } from '../proof/scene.ts';
import type { WorkloadChange } from './replacement.ts';

/** A target that is watched and left alone. Times are on the clock of `performance.now()`. */
export interface ObservedTarget
  extends Pick<
    Scene,
    'name' | 'url' | 'events' | 'slackMs' | 'podOf' | 'podNamed' | 'identitiesOf' | 'isTarget' | 'surgeAdvice'
  > {
  /** Why events may be missing or stamped late, and when that was found. */
  readonly gaps: readonly Mark[];
  readonly changes: readonly WorkloadChange[];
  /** Pods that the workload is to have now; null: not known. */
  readonly wanted: number | null;
  /** The number of the revision whose pods have that version; null: not known. */
  revisionOf(version: string): string | null;
  /** Checks whether every event was seen; `gaps` then lists what was missed. */
  confirm(): Promise<void>;
  /** Drops what is of no use for anything after that time. */
  forget(beforeMs: number): void;
  /** Leaves word at the workload that requests were lost in a replacement. */
  tell(note: string): Promise<void>;
  close(): void;
}

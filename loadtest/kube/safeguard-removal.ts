import { nameRemovals, type Removal } from '../proof/safeguard.ts';
import type { Json } from './json.ts';
import type { LiveWorkload } from './live-workload.ts';
import { toRestoredContainers } from './safeguard-containers.ts';
import type { Undo } from './undo.ts';

interface SafeguardRemoval {
  readonly container: string;
  readonly without: readonly Removal[];
  /** The containers without them. */
  readonly reduced: readonly Json[];
}

/** Takes safeguards away by a rollout, and resolves when the workload is quiet again. `undo` gives them back. */
export async function removeSafeguards(
  workload: LiveWorkload,
  { container, without, reduced }: SafeguardRemoval,
  undo: Undo,
  signal: AbortSignal,
  tell: (step: string) => void,
): Promise<void> {
  tell(`taking away ${nameRemovals(without)}, by a rollout`);
  undo.add(`the pod template without ${nameRemovals(without)}`, async () => {
    await workload.changeContainers((now) =>
      toRestoredContainers(now, workload.original, container, without),
    );
    await workload.untilRestored();
  });
  await workload.changeContainers(() => reduced);
  await workload.untilQuiet(signal);
}

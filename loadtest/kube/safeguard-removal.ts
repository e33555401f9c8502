import { nameRemovals, type Removal } from '../proof/safeguard.ts';
import { toRestoredContainers } from './deployment.ts';
import { type Json, textAt } from './json.ts';
import type { LiveDeployment } from './live-deployment.ts';
import type { Undo } from './undo.ts';

interface SafeguardRemoval {
  readonly container: string;
  readonly without: readonly Removal[];
  /** What takes them away from the Deployment as it was at rest. */
  readonly patch: Json;
}

/** Takes safeguards away by a rollout, and resolves when the Deployment is quiet again. `undo` gives them back. */
export async function removeSafeguards(
  deployment: LiveDeployment,
  { container, without, patch }: SafeguardRemoval,
  undo: Undo,
  signal: AbortSignal,
  tell: (step: string) => void,
): Promise<void> {
  tell(`taking away ${nameRemovals(without)}, by a rollout`);
  undo.add(`the pod template without ${nameRemovals(without)}`, async () => {
    const now = await deployment.read();
    await deployment.patch('json', [
      // Refused with 409 where somebody has changed it since it was read: then all of this is done anew.
      {
        op: 'replace',
        path: '/metadata/resourceVersion',
        value: textAt(now, 'metadata', 'resourceVersion'),
      },
      {
        op: 'replace',
        path: '/spec/template/spec/containers',
        value: toRestoredContainers(now, deployment.original, container, without),
      },
    ]);
    await deployment.untilQuiet(null);
  });
  await deployment.patch('strategic', patch);
  await deployment.untilQuiet(signal);
}

import type { World } from '../cli/world.ts';
import { cutToBytes } from './markdown.ts';

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits */
const MAX_SUMMARY_BYTES = 1024 ** 2;

/**
 * Adds to the summary of a job of GitHub Actions, where this is one. What a report says does not depend on it: if it
 * cannot be written, a note says so.
 */
export async function appendStepSummary(markdown: () => string, world: World): Promise<void> {
  const path = world.env.GITHUB_STEP_SUMMARY ?? '';
  if (path === '') return;
  try {
    // The limit is for all that one step writes.
    const before = await world.readText(path).catch(() => '');
    await world.appendText(path, cutToBytes(markdown(), MAX_SUMMARY_BYTES - Buffer.byteLength(before)));
  } catch (error) {
    world.stderr.write(
      `the job summary ${JSON.stringify(path)} (GITHUB_STEP_SUMMARY) was not written: ${(error as Error).message}\n`,
    );
  }
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { toCommand } from './program-path.ts';

/** kustomize itself, or the one inside kubectl, whichever there is: both render our tree the same. */
export const RENDERER: readonly [string, ...string[]] | undefined =
  toCommand('kustomize', 'build') ?? toCommand('kubectl', 'kustomize');

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

/** The objects of a kustomization directory. Throws with kustomize's own message where it refuses. */
export function render(directory: string): Manifest[] {
  if (RENDERER === undefined) throw new Error('neither kustomize nor kubectl is on the PATH');
  const [program, ...args] = RENDERER;
  const run = spawnSync(program, [...args, directory], { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
  if (run.status !== 0) throw new Error(run.stderr || String(run.error));
  return parseAllDocuments(run.stdout).map((document) => document.toJS() as Manifest);
}

/** Renders a kustomization that stands nowhere: `resources` and `components` are paths from kustomize/. */
export function renderOverlay(overlay: {
  resources: readonly string[];
  components?: readonly string[];
  [field: string]: unknown;
}): Manifest[] {
  const directory = mkdtempSync(join(tmpdir(), 'overlay-'));
  try {
    const fromHere = (path: string) => relative(directory, join(import.meta.dirname, '../kustomize', path));
    const kustomization = {
      ...overlay,
      resources: overlay.resources.map(fromHere),
      components: (overlay.components ?? []).map(fromHere),
    };
    writeFileSync(join(directory, 'kustomization.yaml'), stringify(kustomization));
    return render(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

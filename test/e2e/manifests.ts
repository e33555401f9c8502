import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { run } from './cluster.ts';

/** A copy of kustomize/, to be edited as a user edits the original. */
export interface Manifests {
  /** Where an overlay of the copy lies. */
  overlay(name: string): string;
  /** `kustomize edit set image NAME=IMAGE` in an overlay. */
  setImage(overlay: string, image: string, name?: string): Promise<void>;
  /** Writes one more overlay; paths in it are relative to it. Gives its directory. */
  addOverlay(name: string, kustomization: Readonly<Record<string, unknown>>): string;
  remove(): void;
}

export function copyManifests(): Manifests {
  const root = mkdtempSync(join(tmpdir(), 'kustomize-'));
  cpSync(join(import.meta.dirname, '../../kustomize'), root, { recursive: true });
  const overlay = (name: string) => join(root, 'overlays', name);
  return {
    overlay,
    async setImage(name, image, placeholder = 'microservice') {
      const args = ['edit', 'set', 'image', `${placeholder}=${image}`];
      const { code, stderr } = await run('kustomize', args, { cwd: overlay(name) });
      assert.equal(code, 0, stderr);
    },
    addOverlay(name, kustomization) {
      mkdirSync(overlay(name));
      writeFileSync(join(overlay(name), 'kustomization.yaml'), stringify(kustomization));
      return overlay(name);
    },
    remove: () => rmSync(root, { recursive: true }),
  };
}

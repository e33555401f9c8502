/** A release on this machine, as `npm run build:binaries` and release/assets.ts make it, of a program that is a script. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import dropless from '../../loadtest/package.json' with { type: 'json' };
import { PLATFORMS } from '../../release/platforms.ts';

const ROOT = join(import.meta.dirname, '../..');
/** `OWNER/NAME` on GitHub: the package says where it is. */
export const REPOSITORY =
  /github\.com\/(.+)\.git$/.exec(dropless.repository.url)?.[1] ?? assert.fail(dropless.repository.url);
/**
 * Makes one below a directory.
 * @param program of each platform, what its binary is
 * @returns where its assets are
 */
export function makeRelease(directory: string, program: (platform: string) => string): string {
  const binaries = join(directory, 'binaries');
  const assets = join(directory, 'assets');
  mkdirSync(binaries, { recursive: true });
  for (const platform of Object.keys(PLATFORMS)) {
    const file = join(binaries, `dropless-${platform}`);
    writeFileSync(file, program(platform));
    chmodSync(file, 0o755);
  }
  execFileSync(process.execPath, [join(ROOT, 'release/assets.ts'), REPOSITORY, binaries, assets]);
  return assets;
}

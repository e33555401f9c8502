/**
 * Makes what a release consists of, from what `npm run build:binaries` has left: an archive for each platform, their
 * checksums, the SBOM of the program, and what krew and Homebrew are told of them.
 *
 *   bun release/assets.ts OWNER/NAME [BINARIES [DIRECTORY]]    (dist/binaries, dist/release)
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import dropless from '../loadtest/package.json' with { type: 'json' };
import { formatFormula, formatKrewManifest, parseChecksums, type Release } from './channels.ts';

const ROOT = join(import.meta.dirname, '..');
const [repository = '', binaries = join(ROOT, 'dist/binaries'), given = join(ROOT, 'dist/release')] =
  process.argv.slice(2);
if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
  console.error(`the repository is ${JSON.stringify(repository)}: must be OWNER/NAME`);
  process.exit(2);
}
const directory = resolve(given);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });

const checksums = readdirSync(binaries)
  .sort()
  .map((binary) => {
    const name = `${binary}.tar.gz`;
    pack(join(binaries, binary), join(directory, name));
    const sha256 = createHash('sha256')
      .update(readFileSync(join(directory, name)))
      .digest('hex');
    return `${sha256}  ${name}\n`;
  })
  .join('');
const release: Release = { version: dropless.version, repository, archives: parseChecksums(checksums) };
writeFileSync(join(directory, 'SHA256SUMS'), checksums);
cpSync(join(ROOT, 'loadtest/dist/sbom.cdx.json'), join(directory, 'dropless.cdx.json'));
writeFileSync(join(directory, 'dropless.yaml'), formatKrewManifest(release));
writeFileSync(join(directory, 'dropless.rb'), formatFormula(release));

/** In the archive the program is `dropless`, beside its license. */
function pack(binary: string, archive: string): void {
  const folder = mkdtempSync(`${archive}-`);
  linkSync(binary, join(folder, 'dropless'));
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  const tar = execFileSync('tar', ['--create', '--file', '-', '--directory', folder, 'dropless', 'LICENSE'], {
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  writeFileSync(archive, gzipSync(tar));
  rmSync(folder, { recursive: true });
}

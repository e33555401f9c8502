/**
 * Prints the notes of a release, which are its section of CHANGELOG.md; exits with 1 where the tag is not `v` and the
 * version of the package.
 *
 *   bun release/notes.ts TAG > notes.md
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import dropless from '../loadtest/package.json' with { type: 'json' };
import { toSection } from './changelog.ts';

const [tag = ''] = process.argv.slice(2);
const { version } = dropless;
const section = toSection(readFileSync(join(import.meta.dirname, '../CHANGELOG.md'), 'utf8'), version);
if (tag !== `v${version}`) {
  console.error(`the tag is ${JSON.stringify(tag)}, and the version in loadtest/package.json ${version}`);
  process.exitCode = 1;
} else if (section === null) {
  console.error(`CHANGELOG.md has nothing under ${version}`);
  process.exitCode = 1;
} else {
  process.stdout.write(section);
}

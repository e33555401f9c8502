/**
 * Prints what release.yml builds an image of the Dockerfile with, from the bases on standard input.
 *
 *   bun release/outputs.ts TARGET REVISION COMMITTED_S < bases.txt >> "$GITHUB_OUTPUT"
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import dropless from '../loadtest/package.json' with { type: 'json' };
import { parseDockerfile } from './dockerfile.ts';
import { formatOutputs, parseBases } from './image.ts';

const [target = '', revision = '', committedS = ''] = process.argv.slice(2);
const recipe = parseDockerfile(readFileSync(join(import.meta.dirname, '../Dockerfile'), 'utf8'));
const bases = parseBases(readFileSync(0, 'utf8'), recipe);
const built = { version: dropless.version, revision, committedS: Number(committedS), bases };
process.stdout.write(formatOutputs(recipe, target, built));

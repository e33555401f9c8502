/**
 * Prints the images that the Dockerfile starts from, each with the digest that its tag stands for now, as build
 * arguments: `NAME=HOST/NAME:TAG@sha256:DIGITS`. Exits with 1 where one cannot be had for every platform of a release.
 *
 *   bun release/bases.ts [DOCKERFILE] > bases.txt
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDockerfile } from './dockerfile.ts';
import { IMAGE_PLATFORMS } from './image.ts';
import { readIndexDigest } from './registry.ts';

const [dockerfile = join(import.meta.dirname, '../Dockerfile')] = process.argv.slice(2);
const { defaults } = parseDockerfile(readFileSync(dockerfile, 'utf8'));
try {
  const lines = Object.entries(defaults).map(
    async ([name, reference]) =>
      `${name}=${reference}@${await readIndexDigest(reference, IMAGE_PLATFORMS)}\n`,
  );
  process.stdout.write((await Promise.all(lines)).join(''));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

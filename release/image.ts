/** What an image of a release is built with and labelled with: pure. */
import type { Recipe } from './dockerfile.ts';

/** Of each image of a release. */
export const IMAGE_PLATFORMS = ['linux/amd64', 'linux/arm64'] as const;

export interface Built {
  /** Without `v`. */
  readonly version: string;
  /** The commit. */
  readonly revision: string;
  /** When the commit was made, in seconds since 1970: a build says the same whenever it is made. */
  readonly committedS: number;
  /** Each argument of the Dockerfile that names an image, with `REFERENCE@DIGEST`. */
  readonly bases: Readonly<Record<string, string>>;
}

/**
 * Parses what release/bases.ts prints.
 * @throws {Error} where a line is no image by digest, or the images are not those of the Dockerfile
 */
export function parseBases(text: string, { defaults }: Recipe): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  const bases = Object.fromEntries(
    lines.map((line) => {
      const [, name, reference, digest] = /^(\w+)=([^@\s]+)@(sha256:[0-9a-f]{64})$/.exec(line) ?? [];
      if (name === undefined || defaults[name] !== reference)
        throw new Error(`no base of the Dockerfile by digest: ${JSON.stringify(line)}`);
      return [name, `${reference}@${digest}`];
    }),
  );
  const missing = Object.keys(defaults).filter((name) => bases[name] === undefined);
  if (missing.length > 0) throw new Error(`not pinned: ${missing.join(', ')}`);
  return bases;
}

/**
 * The labels of a target as the Dockerfile has them, and those that a release alone knows:
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
 * @throws {Error} where the Dockerfile has no such target
 */
function toLabels(recipe: Recipe, target: string, built: Built): Record<string, string> {
  const stage = recipe.stages.find(({ name }) => name === target);
  if (stage === undefined) throw new Error(`no target of the Dockerfile: ${JSON.stringify(target)}`);
  const known: Readonly<Record<string, string>> = {
    VERSION: built.version,
    REVISION: built.revision,
    ...built.bases,
  };
  const fill = (text: string) => text.replace(/\$\{(\w+)\}/g, (whole, name) => known[name] ?? whole);
  const [base = '', digest = ''] = fill(stage.image).split('@');
  return {
    ...Object.fromEntries(Object.entries(stage.labels).map(([key, value]) => [key, fill(value)])),
    'org.opencontainers.image.created': new Date(built.committedS * 1_000).toISOString(),
    'org.opencontainers.image.base.name': base,
    'org.opencontainers.image.base.digest': digest,
  };
}

/** The outputs of a step of GitHub Actions for docker/build-push-action, each a line for each entry. */
export function formatOutputs(recipe: Recipe, target: string, built: Built): string {
  const list = (record: Readonly<Record<string, string>>, prefix = '') =>
    Object.entries(record).map(([key, value]) => `${prefix}${key}=${value}`);
  const labels = toLabels(recipe, target, built);
  const { version, revision, bases } = built;
  return Object.entries({
    version: [version],
    platforms: [IMAGE_PLATFORMS.join(',')],
    'build-args': list({ VERSION: version, REVISION: revision, ...bases }),
    labels: list(labels),
    // Of the index, which registries show, and of each image in it.
    annotations: list(labels, 'index,manifest:'),
  })
    .map(([name, lines]) => `${name}<<END\n${lines.join('\n')}\nEND\n`)
    .join('');
}

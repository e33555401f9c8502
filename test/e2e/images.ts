import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** Reproducible: no timestamps of its own, and no attestation that holds the time of the build. */
const DOCKER_BUILD = 'docker buildx build --provenance=false --output type=registry,rewrite-timestamp=true';

/** The images of a run: two versions of the service, the second one on Node, and the instrument. */
interface Image {
  version: string;
  target: 'bun' | 'node' | 'dropless';
  /** Where it is pushed to and deployed from. */
  reference: string;
}

export interface Images {
  first: Image;
  second: Image;
  node: Image;
  /** The first one, built once more without a cache: the same bytes, if builds are deterministic. */
  again: Image;
  dropless: Image;
}

const NAMES = {
  bun: 'microservice',
  node: 'microservice-node',
  dropless: 'dropless',
} as const satisfies Record<Image['target'], string>;

/** Where kind's documentation has the local registry, and kind.sh. */
export const DEFAULT_REGISTRY = 'localhost:5001';

/**
 * @param env `E2E_REGISTRY` is where the cluster pulls from, `E2E_TAG` tells this run's images from those that its
 *   nodes may hold already.
 */
export function toImages({ E2E_REGISTRY = DEFAULT_REGISTRY, E2E_TAG }: NodeJS.ProcessEnv): Images {
  if (E2E_TAG === undefined) throw new Error('E2E_TAG is not set: start the suite with `npm run e2e`');
  const image = (version: string, target: Image['target'], suffix: string): Image => ({
    version,
    target,
    reference: `${E2E_REGISTRY}/${NAMES[target]}:${E2E_TAG}-${suffix}`,
  });
  return {
    first: image('1.0.0', 'bun', '1'),
    second: image('2.0.0', 'bun', '2'),
    node: image('2.0.0', 'node', '2'),
    again: image('1.0.0', 'bun', '1-again'),
    dropless: image('1.0.0', 'dropless', '1'),
  };
}

/** Builds and pushes them all, unless E2E_BUILD is empty: then they are there already. Makes up E2E_TAG where it is not set. */
export function buildImages(env: NodeJS.ProcessEnv): void {
  env.E2E_TAG ??= `e2e-${Date.now().toString(36)}`;
  const command = env.E2E_BUILD ?? DOCKER_BUILD;
  if (command === '') return;
  const revision = read('git', ['rev-parse', 'HEAD']);
  env.SOURCE_DATE_EPOCH ??= read('git', ['log', '-1', '--format=%ct']);
  const { first, second, node, again, dropless } = toImages(env);
  for (const image of [first, second, node, dropless]) buildImage(command, image, revision, []);
  buildImage(command, again, revision, ['--no-cache']);
}

function buildImage(
  command: string,
  { reference, target, version }: Image,
  revision: string,
  flags: readonly string[],
): void {
  console.log(`# building ${reference}`);
  const versions = ['--build-arg', `VERSION=${version}`, '--build-arg', `REVISION=${revision}`];
  const args = ['-t', reference, '--target', target, ...versions, ...flags, '.'];
  const { status } = spawnSync('sh', ['-c', `${command} "$@"`, 'build', ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`${reference} could not be built`);
}

function read(program: string, args: readonly string[]): string {
  return spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' }).stdout.trim();
}

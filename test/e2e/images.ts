/** The images of a run: two versions of the service, and the second one on Node. */
export interface Image {
  version: string;
  target: 'bun' | 'node';
  /** Where it is pushed to and deployed from. */
  reference: string;
}

export interface Images {
  first: Image;
  second: Image;
  node: Image;
  /** The first one, built once more without a cache: the same bytes, if builds are deterministic. */
  again: Image;
}

/**
 * @param env `E2E_REGISTRY` is where the cluster pulls from, `E2E_TAG` tells this run's images from those that its
 *   nodes may hold already.
 */
export function toImages({ E2E_REGISTRY = 'localhost:5001', E2E_TAG }: NodeJS.ProcessEnv): Images {
  if (E2E_TAG === undefined) throw new Error('E2E_TAG is not set: start the suite with `npm run e2e`');
  const image = (version: string, target: Image['target'], suffix: string): Image => ({
    version,
    target,
    reference: `${E2E_REGISTRY}/microservice${target === 'node' ? '-node' : ''}:${E2E_TAG}-${suffix}`,
  });
  return {
    first: image('1.0.0', 'bun', '1'),
    second: image('2.0.0', 'bun', '2'),
    node: image('2.0.0', 'node', '2'),
    again: image('1.0.0', 'bun', '1-again'),
  };
}

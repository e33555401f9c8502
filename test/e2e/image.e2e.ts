import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { readImage } from './registry.ts';

const { first, second, node, again, dropless } = toImages(process.env);

describe('the images', () => {
  for (const { reference, target, version } of [first, second, node, dropless]) {
    test(`${version} on ${target} runs as 65532 and says what it is`, async () => {
      const { config, layers, digest } = await readImage(reference);
      assert.equal(config.User, '65532:65532');
      const label = (name: string) => config.Labels?.[`org.opencontainers.image.${name}`] ?? '';
      assert.equal(label('version'), version);
      assert.match(label('revision'), /^[0-9a-f]{40}$/);
      assert.match(label('description'), /\.$/);
      assert.match(label('source'), /^https:/);
      saw(`${reference}@${digest}`);
      for (const { size, digest: layer } of layers)
        saw(`${(size / 1e6).toFixed(2).padStart(8)} MB  ${layer}`);
      const megabytes = layers.reduce((sum, { size }) => sum + size, 0) / 1e6;
      if (version === second.version) {
        recordFigure(
          `image on ${target}, as pulled`,
          `${megabytes.toFixed(1)} MB in ${layers.length} layers`,
        );
      }
    });
  }

  test('the same source makes the same layers and configuration, with and without a cache', async () => {
    const [built, rebuilt] = await Promise.all([readImage(first.reference), readImage(again.reference)]);
    assert.deepEqual(rebuilt.layers, built.layers);
    assert.deepEqual(rebuilt.config, built.config);
    saw(built.layers.map(({ digest }) => digest).join(' '));
  });
});

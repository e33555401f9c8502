/** The SBOM beside each program against the bundles themselves, in which esbuild says above each module where it is from. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const { packages }: { readonly packages: Readonly<Record<string, { readonly version?: string }>> } =
  JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));

interface Sbom {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string }; readonly timestamp?: string };
  readonly components: readonly {
    readonly group?: string;
    readonly name: string;
    readonly version?: string;
    readonly purl: string;
    readonly licenses: readonly unknown[];
  }[];
}

const PROGRAMS = [
  { name: 'microservice', folder: 'dist/service', minified: [], carried: [] },
  // The page's script has no comments, and the example service is a part of this repository.
  { name: 'dropless', folder: 'loadtest/dist', minified: ['node_modules/uplot'], carried: ['microservice'] },
] as const;

for (const { name, folder, minified, carried } of PROGRAMS) {
  describe(`the SBOM of ${name}`, () => {
    const sbom: Sbom = JSON.parse(readFileSync(join(ROOT, folder, 'sbom.cdx.json'), 'utf8'));
    const components = sbom.components.filter(({ name }) => !(carried as readonly string[]).includes(name));

    test('is CycloneDX, and tells no time: the same source makes the same bytes', () => {
      assert.equal(sbom.bomFormat, 'CycloneDX');
      assert.equal(sbom.metadata.component.name, name);
      assert.equal(sbom.metadata.timestamp, undefined);
    });

    test('has every package in the bundles in the version of the lock file, and no other', () => {
      const bundled = [...new Set([...listBundled(join(ROOT, folder)), ...minified])];
      assert.ok(bundled.length > 3, bundled.join());
      assert.deepEqual(
        components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`).sort(),
        bundled.map((path) => `${path.replace(/^.*node_modules\//, '')}@${packages[path]?.version}`).sort(),
      );
      assert.equal(sbom.components.length - components.length, carried.length);
    });

    test('has of each package where it is from and its license', () => {
      for (const { purl, licenses } of components) {
        assert.match(purl, /^pkg:npm\/.+@\d/);
        assert.ok(licenses.length > 0, purl);
      }
    });
  });
}

/** The packages of the scripts in a folder, as paths in the lock file. */
function listBundled(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...readFileSync(join(folder, file), 'utf8').matchAll(
        /^\s*\/\/ ((?:\S*\/)?node_modules\/(?:@[^/\s]+\/)?[^/\s]+)\/\S+$/gm,
      ),
    ])
    .map(([, path = '']) => path);
}

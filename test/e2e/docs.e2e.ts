import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { createNamespace, type Namespace, run } from './cluster.ts';
import { saw } from './figures.ts';
import { toImages } from './images.ts';
import { createScenarios } from './scenario.ts';
import { ask, awaitAddress } from './target.ts';

const { first, second } = toImages(process.env);
const ROOT = join(import.meta.dirname, '../..');

/** What stands in the documents → what is run: dev has one pod, and so is the quicker one. */
const REPLACED = new Map([
  ['registry.example.com/microservice:1.0.0', first.reference],
  ['registry.example.com/microservice:2.0.0', second.reference],
  ['overlays/prod', 'overlays/dev'],
]);

describe('the commands of the documents', () => {
  const directory = mkdtempSync(join(tmpdir(), 'docs-'));
  const kubeconfig = join(directory, 'kubeconfig');
  let namespace: Namespace;
  const scenario = createScenarios(() => namespace);

  before(async () => {
    cpSync(join(ROOT, 'kustomize'), join(directory, 'kustomize'), { recursive: true });
    namespace = await createNamespace('docs');
    await run('sh', ['-c', `kubectl config view --raw --flatten >"${kubeconfig}"`]);
    await run('kubectl', [
      'config',
      'set-context',
      '--current',
      '--namespace',
      namespace.name,
      '--kubeconfig',
      kubeconfig,
    ]);
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await namespace.delete();
  });

  for (const [page, version] of [
    ['deploy', first.version],
    ['promote', second.version],
    ['watch', second.version],
  ] as const) {
    scenario(`docs/${page}.md`, async () => {
      const blocks = readBlocks(join(ROOT, 'docs', `${page}.md`));
      assert.ok(blocks.length > 0);
      for (const block of blocks) {
        const script = [...REPLACED].reduce((text, [from, to]) => text.replaceAll(from, to), block);
        saw(script.trim());
        const { code, stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', script], {
          cwd: directory,
          env: { ...process.env, KUBECONFIG: kubeconfig },
        });
        saw(stdout + stderr);
        assert.equal(code, 0, script);
      }
      assert.equal((await ask(await awaitAddress(namespace), '/version')).body.version, version);
    });
  }
});

/** The blocks of a page that are marked to be run. */
function readBlocks(path: string): string[] {
  const found = readFileSync(path, 'utf8').matchAll(/^```sh e2e\n(.*?)^```$/gms);
  return [...found].flatMap(([, block]) => block ?? []);
}

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import type { ObservationLine } from '../../loadtest/report/json.d.ts';
import { type Namespace, run, toNamespace } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { createScenarios } from './scenario.ts';
import { awaitQuiet, DEPLOYMENT, DEPLOYMENT_NAME } from './target.ts';

const ROOT = join(import.meta.dirname, '../..');

/** `dropless observe`, as its user runs it, beside disruptions of others. */
describe('the observer on a cluster', () => {
  const manifests = copyManifests();
  const namespace: Namespace = toNamespace(`dropless-e2e-observe-${Date.now().toString(36)}`);
  const scenario = createScenarios(() => namespace);
  const directory = manifests.overlay('dev');
  const json = join(directory, 'observed.json');
  const script = join(directory, 'disrupt.sh');

  after(async () => {
    manifests.remove();
    await namespace.delete();
  });

  /** @param steps shell commands, each begun when the one before it has its verdict */
  async function observe(
    steps: readonly string[],
    ...args: readonly string[]
  ): Promise<{ code: number; text: string; lines: readonly ObservationLine[] }> {
    const untilTold = (count: number) => `until [ "$(wc -l < ${json})" -ge ${count} ]; do sleep 0.5; done`;
    writeFileSync(script, steps.flatMap((step, index) => [untilTold(index), step]).join('\n'));
    const program = [join(ROOT, 'loadtest/main.ts'), 'observe', 'svc/microservice-svc', '-n', namespace.name];
    const { code, stdout, stderr } = await run(process.execPath, [
      ...[...program, '--json', json, '--tail', '2s', '--rate', '50', '--do', `sh -e ${script}`],
      ...args,
    ]);
    const text = `${stderr}${stdout}`;
    saw(text.trimEnd());
    const lines = readFileSync(json, 'utf8').split('\n').filter(Boolean);
    return { code, text, lines: lines.map((line) => JSON.parse(line) as ObservationLine) };
  }

  const toReasons = (lines: readonly ObservationLine[]) =>
    lines.flatMap((line) =>
      line.kind === 'replacement' ? [line.reasons.map(({ reason }) => reason).join()] : [],
    );

  scenario('a restart, a deletion and an autoscaler’s new minimum: each named, and 0 lost', async () => {
    await manifests.setImage('dev', toImages(process.env).first.reference);
    await namespace.create();
    await namespace.kubectl(
      'apply',
      '-k',
      manifests.addOverlay('tenant', {
        namespace: namespace.name,
        resources: ['../dev'],
      }),
    );
    await awaitQuiet(namespace);
    const kubectl = `kubectl -n ${namespace.name}`;
    const { code, text, lines } = await observe([
      `${kubectl} rollout restart ${DEPLOYMENT}`,
      `${kubectl} patch hpa microservice-hpa -p '{"spec": {"minReplicas": 2}}'`,
      `${kubectl} delete "$(${kubectl} get pod -l app.kubernetes.io/name=microservice -o name | head -1)"`,
    ]);
    assert.deepEqual(toReasons(lines), ['rollout', 'scale-up', 'deletion'], text);
    const summary = lines.at(-1);
    assert.ok(summary?.kind === 'summary');
    recordFigure('observed, three replacements', summary.verdict.sentence);
    assert.equal(summary.lostInReplacements + summary.lostOutside, 0, text);
    // After the deletion one pod alone is left.
    assert.equal(code, 4, text);
  });

  scenario(
    'a pod that is killed with requests in flight: lost, named, and told at the Deployment',
    async () => {
      await awaitQuiet(namespace);
      const pods = `kubectl -n ${namespace.name} get pod -l app.kubernetes.io/name=microservice -o name`;
      const kill = `kubectl -n ${namespace.name} delete --force --grace-period=0`;
      const { code, text, lines } = await observe(
        [`${kill} "$(${pods} | head -1)"`],
        ...['--events', '--endpoint', 'GET /payload?delayMs=3000'],
      );
      assert.equal(code, 1, text);
      assert.deepEqual(toReasons(lines), ['deletion'], text);
      const told = `involvedObject.name=${DEPLOYMENT_NAME},reason=RequestsLost`;
      const events = await namespace.kubectl('get', 'events', '--field-selector', told, '-o', 'name');
      assert.notEqual(events.trim(), '');
    },
  );
});

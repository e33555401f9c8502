import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { createNamespace, type Deployment, type Namespace, until } from './cluster.ts';
import { startCpuLoad } from './cpu-load.ts';
import { recordFigure, saw } from './figures.ts';
import { toImages } from './images.ts';
import { copyManifests } from './manifests.ts';
import { createScenarios, formatMegabytes, formatSeconds, requireNoLoss } from './scenario.ts';
import { awaitAddress, awaitQuiet, DEPLOYMENT, PORT, readResidentBytes } from './target.ts';

const images = toImages(process.env);
/** Clients that ask for the next payload as soon as they have one: enough to find every pod busy. */
const USERS = 8;
/** Some tens of milliseconds of computing. */
const LOAD = '/payload?n=32';

describe('the autoscaler of the prod overlay', () => {
  const manifests = copyManifests();
  let namespace: Namespace;
  let address: string;
  const scenario = createScenarios(() => namespace);

  before(async () => {
    namespace = await createNamespace('hpa');
  });
  after(async () => {
    manifests.remove();
    await namespace.delete();
  });

  const readReplicas = async () => (await namespace.get<Deployment>(DEPLOYMENT)).spec.replicas;

  scenario('starts at three pods', async () => {
    await manifests.setImage('prod', images.first.reference);
    const directory = manifests.overlay('prod');
    await namespace.kubectl('apply', '-k', directory, '--dry-run=server', '--validate=strict');
    const startMs = performance.now();
    await namespace.kubectl('apply', '-k', directory);
    await awaitQuiet(namespace, 3);
    recordFigure('time from apply to three ready pods', formatSeconds(performance.now() - startMs));
    address = await awaitAddress(namespace);
    const reading = await until('the autoscaler to have a reading', 120_000, async () => {
      const percent = await namespace.kubectl('get', 'hpa/microservice-hpa', '-o', READING);
      return percent === '' ? undefined : percent;
    });
    saw(`${reading} % of the requested CPU is used`);
  });

  scenario('CPU load takes it up', async () => {
    // 70 % of what three pods request is more than a small machine has left beside the load and the cluster.
    const target = { op: 'replace', path: TARGET, value: 40 };
    await namespace.kubectl('patch', 'hpa/microservice-hpa', '--type=json', '-p', JSON.stringify([target]));
    const load = startCpuLoad(new URL(LOAD, `http://${address}:${PORT}`), USERS);
    const startMs = performance.now();
    const top = await until('more than three pods', 300_000, async () => {
      const replicas = await readReplicas();
      return replicas > 3 ? replicas : undefined;
    });
    recordFigure(`time from load to scale-up (3 to ${top})`, formatSeconds(performance.now() - startMs));
    await until('a fourth ready pod', 120_000, async () => {
      const { status } = await namespace.get<Deployment>(DEPLOYMENT);
      return (status.readyReplicas ?? 0) > 3 ? true : undefined;
    });
    recordFigure('time from load to a fourth ready pod', formatSeconds(performance.now() - startMs));
    const [pod] = await namespace.pods();
    const bytes = await readResidentBytes(namespace, pod?.metadata.name ?? '');
    recordFigure('memory of a pod, at full CPU load', formatMegabytes(bytes));
    saw(await namespace.kubectl('get', 'hpa,pods', '-o', 'wide'));
    saw(`load: ${await load.stop()} payloads`);
    const events = await namespace.kubectl('get', 'events', '--field-selector=reason=SuccessfulRescale');
    saw(events);
    assert.match(events, /cpu container resource utilization .* above target/);
  });

  scenario('the end of the load brings it down, and loses nothing', async () => {
    // Five minutes and one pod in four a minute are for production; the path is the same.
    const scaleDown = {
      stabilizationWindowSeconds: 0,
      policies: [{ type: 'Pods', value: 10, periodSeconds: 15 }],
    };
    const patch = JSON.stringify({ spec: { behavior: { scaleDown } } });
    await awaitQuiet(namespace);
    const startMs = performance.now();
    await requireNoLoss('scale-down by the autoscaler', namespace, async () => {
      await namespace.kubectl('patch', 'hpa/microservice-hpa', '--type=merge', '-p', patch);
      await until('three pods', 180_000, async () => ((await readReplicas()) === 3 ? true : undefined));
      recordFigure(
        'time from the end of the load to scale-down (window of 300 s set to 0)',
        formatSeconds(performance.now() - startMs),
      );
      await awaitQuiet(namespace, 3);
    });
  });
});

const READING = 'jsonpath={.status.currentMetrics[0].containerResource.current.averageUtilization}';
const TARGET = '/spec/metrics/0/containerResource/target/averageUtilization';

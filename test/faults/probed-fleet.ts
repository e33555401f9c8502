/** Probes the pods of a local fleet directly, as a cluster's are: their servers leave their ports in a directory. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROCESS_CLOCK } from '../../loadtest/cli/clock.ts';
import { createDirectProbes } from '../../loadtest/kube/direct-probes.ts';
import type { Scene } from '../../loadtest/proof/scene.ts';
import type { PodEvent } from '../../loadtest/proof/timeline.ts';

const HOST = '127.0.0.1';
/** How often new events are looked for. */
const LOOK_MS = 20;

/** @param portsDir where each server writes its port, by the name of its pod */
export async function withDirectProbes(scene: Scene, portsDir: string): Promise<Scene> {
  const found: PodEvent[] = [];
  const text = `GET / HTTP/1.1\r\nHost: ${scene.url.host}\r\n\r\n`;
  const probes = createDirectProbes(
    {
      target: { host: HOST, tls: null },
      request: { method: 'GET', toText: () => text, refresh: () => {}, expectedStatus: undefined },
    },
    (event) => void found.push(event),
    PROCESS_CLOCK,
  );
  let told = 0;
  /** Their servers may not have come so far. */
  const started = new Set<string>();
  const look = () => {
    for (const { pod, kind } of scene.events.slice(told)) {
      if (kind === 'started') started.add(pod);
      if (kind === 'gone') {
        started.delete(pod);
        probes.forget(pod);
      }
      if (kind === 'endpoint-added') probes.setServing(pod, true);
      if (kind === 'endpoint-removed' || kind === 'terminating') probes.setServing(pod, false);
    }
    told = scene.events.length;
    for (const pod of started) {
      const file = join(portsDir, pod);
      if (!existsSync(file)) continue;
      started.delete(pod);
      probes.track(pod, { host: HOST, port: Number(readFileSync(file, 'utf8')) });
    }
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  await probes.start();
  return {
    ...scene,
    get events() {
      return [...scene.events, ...found];
    },
    close() {
      clearInterval(timer);
      probes.stop();
      return scene.close();
    },
  };
}

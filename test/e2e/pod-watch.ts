import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Namespace } from './cluster.ts';

/** One line an event: name, node once scheduled, status of the condition Ready, when it was told to go. */
const EVENT =
  '{.metadata.name}{"|"}{.spec.nodeName}{"|"}{.status.conditions[?(@.type=="Ready")].status}' +
  '{"|"}{.metadata.deletionTimestamp}{"\\n"}';

export interface PodWatch {
  /** Ends the watch. Gives, for each pod that became ready, the ms from being scheduled to that. */
  stop(): number[];
}

/**
 * Takes the times of pods by this machine's clock, as events come: the ones in the objects have whole seconds.
 *
 * @param onTerminating told the name of each pod as soon as it is to go.
 */
export function watchPods(namespace: Namespace, onTerminating: (pod: string) => void): PodWatch {
  const scheduledMs = new Map<string, number>();
  const readyMs = new Map<string, number>();
  const terminating = new Set<string>();
  const args = ['--namespace', namespace.name, 'get', 'pods', '--watch', '-o', `jsonpath=${EVENT}`];
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [name = '', node = '', ready = '', deleted = ''] = line.split('|');
    const nowMs = performance.now();
    if (node !== '' && !scheduledMs.has(name)) scheduledMs.set(name, nowMs);
    if (ready === 'True' && !readyMs.has(name)) readyMs.set(name, nowMs);
    if (deleted === '' || terminating.has(name)) return;
    terminating.add(name);
    onTerminating(name);
  });
  return {
    stop() {
      child.kill();
      return [...readyMs].map(([name, atMs]) => atMs - (scheduledMs.get(name) ?? atMs));
    },
  };
}

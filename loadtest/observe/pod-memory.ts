import type { PodEvent } from '../proof/timeline.ts';

/** What of a pod's past is over once it is in the later state again. */
const UNDONE_BY: Readonly<Partial<Record<PodEvent['kind'], PodEvent['kind']>>> = {
  unready: 'ready',
  exited: 'ready',
  'node-lost': 'ready',
  'probe-failed': 'ready',
  'endpoint-removed': 'endpoint-added',
  'direct-refused': 'direct-accepted',
};

/**
 * The events without what is of no use after that time: pods that were gone by then, and of the others all but their
 * state as it was then. Pure.
 * @param events in the order of their times, except for those of direct probes
 */
export function forgetPast(events: readonly PodEvent[], beforeMs: number): PodEvent[] {
  const latest = new Map<string, Map<PodEvent['kind'], PodEvent>>();
  for (const event of events) {
    if (event.atMs >= beforeMs) continue;
    if (event.kind === 'gone') latest.delete(event.pod);
    else {
      const own = latest.get(event.pod) ?? new Map<PodEvent['kind'], PodEvent>();
      latest.set(event.pod, own);
      own.set(event.kind, event);
      for (const [kind, by] of Object.entries(UNDONE_BY)) {
        if (by === event.kind) own.delete(kind as PodEvent['kind']);
      }
    }
  }
  const kept = new Set([...latest.values()].filter(isThere).flatMap((own) => [...own.values()]));
  return events.filter((event) => event.atMs >= beforeMs || kept.has(event));
}

/** An endpoint may be removed after its pod is gone. */
function isThere(own: ReadonlyMap<PodEvent['kind'], PodEvent>): boolean {
  return own.has('scheduled') || !own.has('endpoint-removed');
}

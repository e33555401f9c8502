import type { Lifecycle, LifecycleState } from '../lifecycle.ts';
import { json, type Reply } from '../reply.ts';

/**
 * Liveness: 200 in every state in which the process can answer, draining included. A failed probe is a restart,
 * which cuts what is in flight and mends none of these states.
 */
export function createHealthHandler(lifecycle: Lifecycle): () => Reply {
  const alive = (state: LifecycleState['state']) => json(200, { status: 'ok', state });
  const replies = {
    starting: alive('starting'),
    ready: alive('ready'),
    draining: alive('draining'),
    closed: alive('closed'),
  };
  return () => replies[lifecycle.current.state];
}

import type { Lifecycle } from '../lifecycle.ts';
import { json, type Reply } from '../reply.ts';

/**
 * Liveness: 200 in every state in which the process can answer, draining included. Eviction and node shutdown
 * go on probing a terminating pod, and a failed probe would kill it in the middle of its drain.
 */
export function createHealthHandler(lifecycle: Lifecycle): () => Reply {
  return () => json(200, { status: 'ok', state: lifecycle.current.state });
}

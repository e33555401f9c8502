import type { Lifecycle } from '../lifecycle.ts';
import { json, type Reply } from '../reply.ts';

/** Readiness: 200 when ready, 503 with the state otherwise. */
export function createReadyHandler(lifecycle: Lifecycle): () => Reply {
  return () => {
    const { current } = lifecycle;
    return json(current.state === 'ready' ? 200 : 503, current);
  };
}

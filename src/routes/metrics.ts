import type { Lifecycle } from '../lifecycle.ts';
import type { Reply } from '../reply.ts';
import { EXPOSITION_TYPE } from '../telemetry/exposition.ts';
import type { RequestMetrics } from '../telemetry/request-metrics.ts';
import { type BuildInfo, createServiceMetrics } from '../telemetry/service-metrics.ts';
import type { Vitals } from '../world.ts';

interface MetricsWorld {
  readonly build: BuildInfo;
  readonly requestMetrics: RequestMetrics;
  readonly lifecycle: Lifecycle;
  readonly vitals: () => Vitals;
  readonly inFlight: () => number;
}

/** Prometheus text format 0.0.4. */
export function createMetricsHandler(world: MetricsWorld): () => Reply {
  const { lifecycle, requestMetrics, vitals, inFlight } = world;
  const renderService = createServiceMetrics(world.build);
  return () => ({
    status: 200,
    contentType: EXPOSITION_TYPE,
    body:
      requestMetrics.render() +
      renderService({
        inFlight: inFlight(),
        state: lifecycle.current.state,
        drainMs: lifecycle.drainMs(),
        vitals: vitals(),
      }),
  });
}

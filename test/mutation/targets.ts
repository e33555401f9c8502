/** Sources that are mutated together, and the unit tests that are to notice it. Paths from the root. */
export interface Target {
  readonly sources: readonly string[];
  readonly tests: readonly string[];
}

/** Everything that `npm run mutate` looks at. */
export const TARGETS: readonly Target[] = [
  {
    sources: ['src/telemetry/request-metrics.ts', 'src/telemetry/exposition.ts'],
    tests: ['src/telemetry/request-metrics.test.ts'],
  },
  { sources: ['src/telemetry/service-metrics.ts'], tests: ['src/telemetry/service-metrics.test.ts'] },
  { sources: ['src/telemetry/log.ts'], tests: ['src/telemetry/log.test.ts'] },
  { sources: ['src/config.ts'], tests: ['src/config.test.ts'] },
  { sources: ['src/lifecycle.ts'], tests: ['src/lifecycle.test.ts'] },
  { sources: ['src/shutdown.ts'], tests: ['src/shutdown.test.ts'] },
  {
    sources: ['src/middleware/dispatch.ts', 'src/middleware/request-id.ts'],
    tests: ['src/middleware/dispatch.test.ts', 'src/middleware/request-id.test.ts'],
  },
  {
    sources: ['src/domain/fibonacci.ts', 'src/routes/payload.ts'],
    tests: ['src/routes/payload.test.ts'],
  },
  {
    sources: [
      'src/app.ts',
      'src/problem.ts',
      'src/routes/health.ts',
      'src/routes/metrics.ts',
      'src/routes/ready.ts',
      'src/routes/version.ts',
    ],
    tests: ['src/app.test.ts'],
  },
  { sources: ['loadtest/contract/points.ts'], tests: ['loadtest/contract/points.test.ts'] },
  { sources: ['loadtest/engine/ledger.ts'], tests: ['loadtest/engine/ledger.test.ts'] },
  {
    sources: ['loadtest/load/failures.ts', 'loadtest/load/phases.ts'],
    tests: ['loadtest/load/failures.test.ts', 'loadtest/load/phases.test.ts'],
  },
  { sources: ['loadtest/load/lag.ts'], tests: ['loadtest/load/lag.test.ts'] },
  { sources: ['loadtest/load/recorder.ts'], tests: ['loadtest/load/recorder.test.ts'] },
  { sources: ['loadtest/proof/pod-responses.ts'], tests: ['loadtest/proof/pod-responses.test.ts'] },
  { sources: ['loadtest/proof/service-times.ts'], tests: ['loadtest/proof/service-times.test.ts'] },
  { sources: ['loadtest/proof/series.ts'], tests: ['loadtest/proof/series.test.ts'] },
  { sources: ['loadtest/proof/attribution.ts'], tests: ['loadtest/proof/attribution.test.ts'] },
  { sources: ['loadtest/proof/verdict.ts'], tests: ['loadtest/proof/verdict.test.ts'] },
];

/**
 * What of `src/` is in no target, and why: only the contract suites reach it, as processes of their own that run
 * the bundle, at seconds a run; or it holds types alone.
 */
export const LEFT_OUT: readonly string[] = ['src/main.ts', 'src/runtime/', 'src/reply.ts', 'src/world.ts'];

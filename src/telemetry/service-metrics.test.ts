import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createServiceMetrics, type ServiceReading } from './service-metrics.ts';

/** Every value another, so that none can stand for one of its neighbours. */
const READING: ServiceReading = {
  inFlight: 1,
  state: 'draining',
  drainMs: 2_500,
  vitals: {
    refusedRequests: 3,
    droppedLogLines: 4,
    eventLoopLagMs: 5,
    eventLoopLagMaxMs: 6_000,
    cpuMs: 7_250,
    residentBytes: 8_192,
    startTimeMs: 1_700_000_000_500,
    pool: {
      workers: 9,
      busy: 10,
      queued: 11,
      computed: 12,
      queueFull: 13,
      timedOut: 14,
      abandoned: 15,
      crashed: 16,
    },
  },
};

const render = createServiceMetrics({ version: '1.2.3', revision: 'abc', runtime: 'node "20"' });

describe('createServiceMetrics()', () => {
  test('renders every reading under its name and unit, with a head for each family', () => {
    const lines = render(READING).split('\n');
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('# HELP')),
      [
        '# TYPE build_info gauge',
        'build_info{version="1.2.3",revision="abc",runtime="node \\"20\\""} 1',
        '# TYPE http_requests_in_flight gauge',
        'http_requests_in_flight 1',
        '# TYPE http_requests_refused_total counter',
        'http_requests_refused_total 3',
        '# TYPE lifecycle_state gauge',
        'lifecycle_state{state="starting"} 0',
        'lifecycle_state{state="ready"} 0',
        'lifecycle_state{state="draining"} 1',
        'lifecycle_state{state="closed"} 0',
        '# TYPE lifecycle_drain_seconds gauge',
        'lifecycle_drain_seconds 2.5',
        '# TYPE payload_pool_workers gauge',
        'payload_pool_workers 9',
        '# TYPE payload_pool_busy_workers gauge',
        'payload_pool_busy_workers 10',
        '# TYPE payload_pool_queue_length gauge',
        'payload_pool_queue_length 11',
        '# TYPE payload_pool_jobs_total counter',
        'payload_pool_jobs_total{result="computed"} 12',
        'payload_pool_jobs_total{result="queue_full"} 13',
        'payload_pool_jobs_total{result="timed_out"} 14',
        'payload_pool_jobs_total{result="abandoned"} 15',
        'payload_pool_jobs_total{result="crashed"} 16',
        '# TYPE event_loop_lag_seconds gauge',
        'event_loop_lag_seconds 0.005',
        '# TYPE event_loop_lag_max_seconds gauge',
        'event_loop_lag_max_seconds 6',
        '# TYPE log_lines_dropped_total counter',
        'log_lines_dropped_total 4',
        '# TYPE process_cpu_seconds_total counter',
        'process_cpu_seconds_total 7.25',
        '# TYPE process_resident_memory_bytes gauge',
        'process_resident_memory_bytes 8192',
        '# TYPE process_start_time_seconds gauge',
        'process_start_time_seconds 1700000000.5',
        '',
      ],
    );
  });

  test('has a help text before each type, of the same family', () => {
    const lines = render(READING).split('\n');
    const helps = lines.flatMap((line) => /^# HELP (\w+) \S/.exec(line)?.[1] ?? []);
    const types = lines.flatMap((line) => /^# TYPE (\w+) /.exec(line)?.[1] ?? []);
    assert.deepEqual(helps, types);
  });
});

import { STATES } from '../lifecycle.ts';
import type { Vitals } from '../world.ts';
import { type Family, toFamilyHead, toLabels } from './exposition.ts';

/** What a scrape reads besides the requests. */
export interface ServiceReading {
  readonly inFlight: number;
  readonly state: (typeof STATES)[number];
  /** Time since the drain began; 0 before it. */
  readonly drainMs: number;
  readonly vitals: Vitals;
}

interface Gauge extends Family {
  /** The label sets of its samples; one sample without labels if absent. */
  readonly labels?: readonly Readonly<Record<string, string>>[];
  /** One value a sample, in the order of the labels. */
  readonly read: (reading: ServiceReading) => number | readonly number[];
}

const FAMILIES: readonly Gauge[] = [
  {
    name: 'http_requests_in_flight',
    type: 'gauge',
    help: 'Requests whose response has not left yet, this one included.',
    read: ({ inFlight }) => inFlight,
  },
  {
    name: 'http_requests_refused_total',
    type: 'counter',
    help: 'Requests refused before routing: malformed, too large or too slow. Bun refuses without telling, so 0 there.',
    read: ({ vitals }) => vitals.refusedRequests,
  },
  {
    name: 'lifecycle_state',
    type: 'gauge',
    help: '1 for the state the process is in, 0 for the others.',
    labels: STATES.map((state) => ({ state })),
    read: ({ state }) => STATES.map((name) => Number(name === state)),
  },
  {
    name: 'lifecycle_drain_seconds',
    type: 'gauge',
    help: 'Time since the drain began; 0 before it.',
    read: ({ drainMs }) => drainMs / 1000,
  },
  {
    name: 'payload_pool_workers',
    type: 'gauge',
    help: 'Worker threads for payloads.',
    read: ({ vitals }) => vitals.pool.workers,
  },
  {
    name: 'payload_pool_busy_workers',
    type: 'gauge',
    help: 'Worker threads that compute a payload.',
    read: ({ vitals }) => vitals.pool.busy,
  },
  {
    name: 'payload_pool_queue_length',
    type: 'gauge',
    help: 'Payloads that wait for a worker.',
    read: ({ vitals }) => vitals.pool.queued,
  },
  {
    name: 'payload_pool_jobs_total',
    type: 'counter',
    help: 'Payloads given to the pool, by how they ended.',
    labels: [
      { result: 'computed' },
      { result: 'queue_full' },
      { result: 'timed_out' },
      { result: 'abandoned' },
      { result: 'crashed' },
    ],
    read: ({ vitals: { pool } }) => [
      pool.computed,
      pool.queueFull,
      pool.timedOut,
      pool.abandoned,
      pool.crashed,
    ],
  },
  {
    name: 'event_loop_lag_seconds',
    type: 'gauge',
    help: 'Latest delay of a timer of the event loop that serves requests.',
    read: ({ vitals }) => vitals.eventLoopLagMs / 1000,
  },
  {
    name: 'event_loop_lag_max_seconds',
    type: 'gauge',
    help: 'Largest delay of such a timer in the last 30 to 60 s.',
    read: ({ vitals }) => vitals.eventLoopLagMaxMs / 1000,
  },
  {
    name: 'log_lines_dropped_total',
    type: 'counter',
    help: 'Log lines given up because nobody read the output.',
    read: ({ vitals }) => vitals.droppedLogLines,
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'User and system CPU time of the process.',
    read: ({ vitals }) => vitals.cpuMs / 1000,
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
    read: ({ vitals }) => vitals.residentBytes,
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'Start of the process, in seconds since the epoch.',
    read: ({ vitals }) => vitals.startTimeMs / 1000,
  },
];

/** Names of the process, told as labels of `build_info`. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly runtime: string;
}

/** @returns a function that renders the reading as exposition text; what cannot change is formatted here, once. */
export function createServiceMetrics(build: BuildInfo): (reading: ServiceReading) => string {
  const families = FAMILIES.map(({ labels = [{}], read, ...family }) => ({
    head: toFamilyHead(family),
    samples: labels.map((set) => `${family.name}${toLabels(set)} `),
    read,
  }));
  const buildInfo =
    toFamilyHead({ name: 'build_info', type: 'gauge', help: 'Always 1; its labels tell what runs here.' }) +
    `build_info${toLabels({ ...build })} 1\n`;

  return (reading) => {
    let text = buildInfo;
    for (const { head, samples, read } of families) {
      const values = read(reading);
      text += head;
      if (typeof values === 'number') text += `${samples[0]}${values}\n`;
      else for (let i = 0; i < samples.length; i++) text += `${samples[i]}${values[i]}\n`;
    }
    return text;
  };
}

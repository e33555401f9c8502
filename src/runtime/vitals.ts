import type { Vitals } from '../world.ts';

type ProcessVitals = Pick<Vitals, 'eventLoopLagMs' | 'eventLoopLagMaxMs' | 'cpuMs' | 'residentBytes'>;

const SAMPLE_INTERVAL_MS = 500;
const WINDOW_SAMPLES = 60;

/**
 * Samples the process twice a second, so that reading costs no system call.
 *
 * Event-loop lag is how late the sampling timer fires. Its maximum covers the current and the last window of
 * 30 s, so that a scrape every 30 s misses no peak.
 */
export function createProcessVitals(now: () => number): () => ProcessVitals {
  let vitals: ProcessVitals = { eventLoopLagMs: 0, eventLoopLagMaxMs: 0, ...measure() };
  let windowMaxMs = 0;
  let lastWindowMaxMs = 0;
  let samples = 0;
  let dueMs = now() + SAMPLE_INTERVAL_MS;
  const timer = setInterval(() => {
    const nowMs = now();
    const eventLoopLagMs = Math.max(0, nowMs - dueMs);
    dueMs = nowMs + SAMPLE_INTERVAL_MS;
    if (samples % WINDOW_SAMPLES === 0) {
      lastWindowMaxMs = windowMaxMs;
      windowMaxMs = 0;
    }
    samples += 1;
    windowMaxMs = Math.max(windowMaxMs, eventLoopLagMs);
    vitals = { eventLoopLagMs, eventLoopLagMaxMs: Math.max(windowMaxMs, lastWindowMaxMs), ...measure() };
  }, SAMPLE_INTERVAL_MS);
  timer.unref();
  return () => vitals;
}

function measure(): Pick<Vitals, 'cpuMs' | 'residentBytes'> {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, residentBytes: process.memoryUsage.rss() };
}

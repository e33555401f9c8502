import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What one run of wrk measured. */
export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** Answers other than 2xx and 3xx, and socket errors. */
  readonly failures: number;
}

const UNITS_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

/** Runs wrk (Debian package `wrk`) on processor 1. */
export async function runWrk(url: string, seconds: number, connections = 64): Promise<WrkResult> {
  const args = ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url];
  const { stdout } = await promisify(execFile)('taskset', args);
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0);
  const [, p99 = '0', unit = 'ms'] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const socketErrors = /connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p99Ms: Number(p99) * (UNITS_MS[unit] ?? 1),
    failures: socketErrors.map(Number).reduce((sum, n) => sum + n, number(/Non-2xx or 3xx responses: (\d+)/)),
  };
}

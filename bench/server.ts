import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A server under measurement, alone on processor 0, its output in a file. */
export interface MeasuredServer {
  readonly url: string;
  /** From exec to the first response. */
  readonly startMs: number;
  /** CPU time of the process so far, user and system, its threads included. */
  cpuMs(): number;
  residentMb(): number;
  stop(): Promise<void>;
}

/** A command line and the environment it wants. */
export interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const TICK_MS = 10; // sysconf(_SC_CLK_TCK) is 100 on Linux

/** Starts a subject, which prints a JSON line with `message: "listening"` and its port, and awaits a first 200. */
export async function startServer({ command, env = {} }: Subject, cpus = '0'): Promise<MeasuredServer> {
  const folder = mkdtempSync(join(tmpdir(), 'dropless-bench-'));
  const outputPath = join(folder, 'output');
  const output = openSync(outputPath, 'w');
  const startedMs = performance.now();
  const child = spawn('taskset', ['-c', cpus, ...command], {
    stdio: ['ignore', output, 'inherit'],
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...env },
  });
  closeSync(output);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${await awaitPort(child, outputPath, command)}`;
  while (!(await fetch(`${url}/ready`).catch(() => undefined))?.ok) await wait(1);
  const startMs = performance.now() - startedMs;
  return {
    url,
    startMs,
    cpuMs: () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    residentMb: () => {
      const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      return Number(kb) / 1024;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

async function awaitPort(
  child: ChildProcess,
  outputPath: string,
  command: readonly string[],
): Promise<number> {
  for (;;) {
    const line = readFileSync(outputPath, 'utf8')
      .split('\n')
      .find((text) => text.includes('"message":"listening"'));
    if (line !== undefined) return JSON.parse(line).port;
    if (child.exitCode !== null) throw new Error(`${command.join(' ')} exited with ${child.exitCode}`);
    await wait(1);
  }
}

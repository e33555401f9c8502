import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Outcome } from '../../loadtest/engine/outcome.ts';
import { MODES } from './modes.ts';

/** Hostile servers under way, each mode on its own port. */
export interface Bed {
  readonly ports: Readonly<Record<string, number>>;
  /** What a mode's server counted so far. */
  count(mode: string): ServerCount;
  close(): Promise<void>;
}

interface ServerCount {
  readonly accepted: number;
  /** In the order they came: the id, and the outcomes that a truthful client may report. */
  readonly received: readonly { readonly id: string; readonly outcomes: readonly Outcome[] }[];
}

const SERVER = join(import.meta.dirname, 'server.ts');

/** Starts the servers, on Node, whose sockets reset and half-close as told; killed modes in processes of their own. */
export async function startBed(): Promise<Bed> {
  const directory = mkdtempSync(join(tmpdir(), 'hostile-'));
  const journal = join(directory, 'journal');
  const shared = MODES.filter(({ isKilled }) => !isKilled).map(({ name }) => name);
  const alone = MODES.filter(({ isKilled }) => isKilled).map(({ name }) => [name]);

  const servers = [shared, ...alone].map((names) =>
    spawn('node', ['--import=tsx', SERVER, journal, ...names], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const ports = Object.assign({}, ...(await Promise.all(servers.map(readPorts))));

  return {
    ports,
    count(mode) {
      const lines = readFileSync(journal, 'utf8')
        .split('\n')
        .map((line) => line.split(' '));
      const own = lines.filter(([name]) => name === mode);
      const isAccept = ([, id, outcomes]: string[]) => id === 'accepted' && outcomes === undefined;
      return {
        accepted: own.filter(isAccept).length,
        received: own
          .filter((fields) => !isAccept(fields))
          .map(([, id = '', outcomes = '']) => ({ id, outcomes: outcomes.split('|') as Outcome[] })),
      };
    },
    async close() {
      await Promise.all(servers.map(end));
      rmSync(directory, { recursive: true });
    },
  };
}

async function readPorts({ stdout }: ChildProcess): Promise<Record<string, number>> {
  if (stdout === null) throw new Error('the server has no standard output');
  for await (const line of createInterface(stdout)) return JSON.parse(line);
  throw new Error('the hostile server ended without a port');
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.stdin?.end();
  await exited;
}

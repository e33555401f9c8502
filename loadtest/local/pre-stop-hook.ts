import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { guardGroup, signalGroup } from './process-group.ts';
import type { Replica } from './replica.ts';

/** What happens between the deletion of a pod and SIGTERM. */
export type PreStopAction = { readonly kind: 'sleep'; readonly ms: number } | PreStopHook;

/** One that takes as long as it takes. */
export type PreStopHook =
  | {
      readonly kind: 'exec';
      readonly argv: readonly [string, ...string[]];
      /** The port of the container: where the command connects to it on localhost, that is the replica's. */
      readonly containerPort: number | null;
    }
  | {
      readonly kind: 'httpGet';
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
    };

/**
 * Runs a hook against a replica to its end, as the kubelet does, or until the signal is aborted. As there, the status
 * of a response does not matter.
 * @returns why it failed, in words; null: it did not
 */
export function runPreStop(hook: PreStopHook, replica: Replica, signal: AbortSignal): Promise<string | null> {
  return hook.kind === 'exec' ? runCommand(hook, replica, signal) : get(hook, replica, signal);
}

function runCommand(
  { argv, containerPort }: Extract<PreStopHook, { kind: 'exec' }>,
  { port, env }: Replica,
  signal: AbortSignal,
): Promise<string | null> {
  const [program, ...args] = argv.map((word) => toLocalPort(word, containerPort, port));
  // A process group of its own, so that all that it starts ends with it.
  const child = spawn(program ?? '', args, { detached: true, env, stdio: 'ignore' });
  const ended = new Promise<string | null>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('exit', (code, by) => resolve(code === 0 ? null : `exited with ${by ?? `code ${code}`}`));
  });
  guardGroup(child, ended);
  const end = () => void signalGroup(child, 'SIGKILL');
  signal.addEventListener('abort', end);
  return ended.finally(() => signal.removeEventListener('abort', end));
}

/** In `curl localhost:8080/drain`, the port of the container is that of the replica. Pure. */
export function toLocalPort(word: string, containerPort: number | null, port: number): string {
  if (containerPort === null) return word;
  const own = new RegExp(`\\b(localhost|127\\.0\\.0\\.1):${containerPort}(?!\\d)`, 'g');
  return word.replaceAll(own, `127.0.0.1:${port}`);
}

function get(
  { path, headers }: Extract<PreStopHook, { kind: 'httpGet' }>,
  { port }: Replica,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      headers: { 'user-agent': 'kube-lifecycle/1.34', accept: '*/*', connection: 'close', ...headers },
      agent: false,
      signal,
    });
    asked.on('response', (response) => {
      response.resume();
      response.on('error', () => {});
      resolve(null);
    });
    asked.on('error', ({ message }) => resolve(message));
    asked.end();
  });
}

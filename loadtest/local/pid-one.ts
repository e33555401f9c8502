import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';

/**
 * How signals reach a server as they reach process 1 of a container, which no signal without a handler ends (SIGKILL
 * and SIGSTOP excepted): `namespace`, it is process 1 of a PID namespace of its own; `handlers`, a signal that it has
 * no handler for is not sent; `none`, it is signalled as any process is.
 *
 * https://man7.org/linux/man-pages/man7/pid_namespaces.7.html
 */
export type PidOne = 'namespace' | 'handlers' | 'none';

/** For the reader of a proof: what the processes are, and what SIGTERM does to one without a handler for it. */
export const PID_ONE_TEXTS: Readonly<Record<PidOne, { readonly name: string; readonly note: string }>> = {
  namespace: {
    name: 'processes on this machine, each PID 1 of a namespace',
    note: 'each pod is PID 1 of a PID namespace: SIGTERM does not end a server that has no handler for it',
  },
  handlers: {
    name: 'processes on this machine, signaled like PID 1',
    note: 'no PID namespaces for this user: SIGTERM is withheld from a server that has no handler for it (Node.js always has one)',
  },
  none: {
    name: 'processes on this machine',
    note: 'no PID namespaces here: SIGTERM ends a server that has no handler for it, though it would not end PID 1 of a container',
  },
};

/**
 * Who the user is stays as it was: servers behave differently as root, and some refuse to run. A `/proc` of its own,
 * because programs look themselves up there by their process id.
 */
const UNSHARE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
const UNSHARE_AS_USER = [...UNSHARE, '--user', '--map-current-user'] as const;

/** Runs a line of the shell as process 1 of a PID namespace, or where that is not asked for, as any process. */
export function toShellArgv(line: string, pidOne: PidOne): readonly [string, ...string[]] {
  const shell = ['/bin/sh', '-c', line] as const;
  if (pidOne !== 'namespace') return shell;
  return [...(process.getuid?.() === 0 ? UNSHARE : UNSHARE_AS_USER), '--', ...shell];
}

/** The best that this machine and its kernel let this user have. */
export async function findPidOne(): Promise<PidOne> {
  if (!existsSync('/proc/self/status')) return 'none';
  return (await canUnshare()) ? 'namespace' : 'handlers';
}

/** Many kernels, containers and security modules forbid it to ordinary users, each in its own way: try it. */
async function canUnshare(): Promise<boolean> {
  // Without this list process 1 of a namespace could not be found from outside.
  if (!existsSync('/proc/thread-self/children')) return false;
  const [program, ...args] = toShellArgv('exec test -e /proc/1/status', 'namespace');
  const attempt = spawn(program, args, { stdio: 'ignore' });
  const failed = once(attempt, 'error').then(() => false);
  return Promise.race([failed, once(attempt, 'exit').then(([code]) => code === 0)]).catch(() => false);
}

/** Signals what was started by `toShellArgv`, as the kubelet signals process 1. */
export function signalPidOne(child: ChildProcess, name: NodeJS.Signals, pidOne: PidOne): void {
  const { pid } = child;
  if (pid === undefined) return;
  switch (pidOne) {
    case 'none':
      child.kill(name);
      return;
    case 'handlers':
      if (takesSignal(readProc(`${pid}/status`), name)) child.kill(name);
      return;
    case 'namespace': {
      // Not forked yet: it has no handlers either.
      const first = Number.parseInt(readProc(`${pid}/task/${pid}/children`), 10);
      if (first > 0) killIfThere(first, name);
    }
  }
}

/**
 * Would the signal do anything to process 1 of a namespace with this `/proc/PID/status`? It is caught, or waited for
 * while it is blocked, as init programs do. Pure.
 */
export function takesSignal(status: string, name: NodeJS.Signals): boolean {
  if (name === 'SIGKILL' || name === 'SIGSTOP') return true;
  const bit = BigInt(constants.signals[name] - 1);
  return ['SigCgt', 'SigBlk'].some((set) => {
    const [, mask = '0'] = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? [];
    return ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
  });
}

/** Empty where the process has ended. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}

function killIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

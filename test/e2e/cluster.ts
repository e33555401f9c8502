import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

/** How often a condition is looked at that kubectl cannot wait for. */
const POLL_INTERVAL_MS = 500;

interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  // Where there is no such program they break off, and the child says why.
  outputs.catch(() => {});
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? (signal === null ? 1 : 128)));
  });
  const [stdout, stderr] = await outputs;
  return { code, stdout, stderr };
}

export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string; labels: Record<string, string> };
  spec: { nodeName?: string; containers: { image: string }[] };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string; lastTransitionTime: string }[];
    containerStatuses?: {
      ready: boolean;
      restartCount: number;
      state: { waiting?: { reason: string; message?: string }; terminated?: { exitCode: number } };
      lastState: { terminated?: { exitCode: number; reason: string } };
    }[];
  };
}

export interface Deployment {
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
  status: {
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    observedGeneration?: number;
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
  metadata: { generation: number };
}

/** A namespace of the cluster in KUBECONFIG, and what the suite does in it. */
export interface Namespace {
  readonly name: string;
  /** Makes it. It enforces Pod Security `restricted`: the API server refuses a pod that does not keep to it. */
  create(): Promise<void>;
  /** Runs kubectl here; throws with its complaint where it fails. */
  kubectl(...args: string[]): Promise<string>;
  /** The same, for calls that are meant to fail. */
  tryKubectl(args: readonly string[], options?: RunOptions): Promise<Finished>;
  get<T>(...args: string[]): Promise<T>;
  /** The pods of the service that are not on their way out. */
  pods(): Promise<Pod[]>;
  /** Prints the state, the events and the logs: for a test that has failed. */
  printState(): Promise<void>;
  delete(): Promise<void>;
}

/** Makes a namespace with a name of its own. */
export async function createNamespace(purpose: string): Promise<Namespace> {
  const name = `dropless-e2e-${purpose}-${Date.now().toString(36)}`;
  const namespace = toNamespace(name);
  await namespace.create();
  return namespace;
}

/** The namespace of that name, which may still have to be made. */
export function toNamespace(name: string): Namespace {
  const tryKubectl = (args: readonly string[], options?: RunOptions) =>
    run('kubectl', ['--namespace', name, ...args], options);
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await tryKubectl(args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  };
  const get = async <T>(...args: string[]) => JSON.parse(await kubectl('get', '-o', 'json', ...args)) as T;
  return {
    name,
    async create() {
      await kubectl('create', 'namespace', name);
      await kubectl('label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted');
    },
    kubectl,
    tryKubectl,
    get,
    async pods() {
      const { items } = await get<{ items: Pod[] }>('pods', '-l', 'app.kubernetes.io/name=microservice');
      return items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    },
    async printState() {
      for (const args of [
        ['get', 'all,endpointslices', '-o', 'wide'],
        ['get', 'events', '--sort-by=.metadata.creationTimestamp'],
        ['logs', '-l', 'app.kubernetes.io/name=microservice', '--prefix', '--tail=20'],
        ['logs', '-l', 'app.kubernetes.io/name=microservice', '--prefix', '--tail=20', '--previous'],
      ]) {
        const { stdout, stderr } = await tryKubectl(args);
        console.log(`--- kubectl ${args.join(' ')}\n${lastLines(stdout)}${stderr}`);
      }
    },
    async delete() {
      await kubectl('delete', 'namespace', name, '--ignore-not-found', '--timeout=120s');
    },
  };
}

function lastLines(text: string): string {
  return text.split('\n').slice(-60).join('\n');
}

/** Looks until the probe gives a value. Throws after the time limit, with what it waited for. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    assert.ok(performance.now() < deadlineMs, `waited ${timeoutMs / 1000} s for ${what}`);
    await wait(POLL_INTERVAL_MS);
  }
}

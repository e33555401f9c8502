import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { EXIT_CODES } from '../cli/exit-code.ts';
import type { LintReport, ProofReport } from '../report/json.d.ts';
import type { LintTask, ProveTask, Watch } from './dropless.d.ts';

/** Why there is no report. The message is the program's own sentence. */
export class DroplessError extends Error {
  override readonly name = 'DroplessError';
  /** Of the program: 2, the task is wrong and nothing was run; 3, nothing could be found out; null: a signal ended it. */
  readonly exitCode: number | null;

  constructor(message: string, exitCode: number | null) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Disrupts a target under load. @throws {DroplessError} where there is no report */
export async function prove(task: ProveTask): Promise<ProofReport> {
  const { disruptions, target, signal, onProgress, ...flags } = task;
  const words = ['prove', ...disruptions, ...(target === undefined ? [] : [target])];
  const report = await run([...words, ...toFlags(flags), '--json=-'], '', { signal, onProgress });
  return report as ProofReport;
}

/** Reads manifests or a live workload. @throws {DroplessError} where there is no report */
export async function lint(task: LintTask): Promise<LintReport> {
  const { paths, manifests, target, signal, onProgress, ...flags } = task;
  const words = manifests !== undefined ? ['-'] : target !== undefined ? [target] : (paths ?? []);
  const args = ['lint', ...words, ...toFlags(flags), '--output=json'];
  return (await run(args, manifests ?? '', { signal, onProgress })) as LintReport;
}

/** The flags of a command line: `{ preStop: '5s', force: true }` is `--pre-stop=5s --force`. */
export function toFlags(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    return [value].flat().map((each) => `${flag}=${each}`);
  });
}

/**
 * The report that the program writes. It runs in a process of its own: a test that is busy must not make the load
 * late, and what was done to a target is undone whatever becomes of the test.
 */
async function run(
  args: readonly string[],
  input: string,
  { signal, onProgress }: Pick<Watch, 'signal' | 'onProgress'>,
): Promise<unknown> {
  signal?.throwIfAborted();
  // Whoever calls a function expects its result, and nothing in the summary of the job besides.
  const { GITHUB_STEP_SUMMARY: _, ...env } = process.env;
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { env, stdio: 'pipe' });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // As Ctrl-C: the program undoes what it did, and ends.
  const interrupt = () => child.kill('SIGINT');
  signal?.addEventListener('abort', interrupt);
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    told += chunk;
    onProgress?.(chunk);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [written, code] = await Promise.all([text(child.stdout), ended]);
  signal?.removeEventListener('abort', interrupt);
  if (code === EXIT_CODES.usage.code || written === '') {
    const [, sentence] = /^dropless: (.*)$/m.exec(told) ?? [];
    throw new DroplessError(sentence ?? told.trim(), code);
  }
  return JSON.parse(written);
}

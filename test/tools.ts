/** The programs that tests run and npm cannot bring, and what happens where one is missing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { toCommand } from '../generate/program-path.ts';
import { RENDERER } from '../generate/render.ts';

export interface Tool {
  /** As a person would say it: `kustomize or kubectl`. */
  readonly name: string;
  /** The command line up to its operands; undefined where this machine cannot run it. */
  readonly command: readonly [string, ...string[]] | undefined;
}

export const TOOLS = {
  renderer: { name: 'kustomize or kubectl', command: RENDERER },
  /** Only the program kustomize can edit a kustomization; kubectl has no such command. */
  editor: { name: 'kustomize', command: toCommand('kustomize', 'edit') },
  promtool: { name: 'promtool', command: toCommand('promtool') },
  curl: { name: 'curl', command: toCommand('curl') },
  tinyproxy: { name: 'tinyproxy', command: toCommand('tinyproxy') },
  /** Checks what the workflows of GitHub Actions say. */
  actionlint: {
    name: 'actionlint or go',
    command:
      toCommand('actionlint') ?? toCommand('go', 'run', 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12'),
  },
  /** Checks the manifest of a plugin for kubectl. */
  krew: { name: 'go', command: toCommand('go', 'run', 'sigs.k8s.io/krew/cmd/validate-krew-manifest@v0.5.0') },
  ruby: { name: 'ruby', command: toCommand('ruby') },
  chromium: { name: 'Chromium, on the PATH or named by CHROMIUM', command: findChromium() },
  kubectl: { name: 'kubectl', command: toCommand('kubectl') },
  /** Mounts of its own for whatever it runs, which may change its root. */
  bareRoot: {
    name: 'unshare, chroot, ldd, and the right to mount',
    get command() {
      const asUser = process.getuid?.() === 0 ? [] : ['--map-root-user'];
      const command = toCommand('unshare', '--mount', ...asUser);
      const [program, ...args] = command ?? ['false'];
      const script = 'mount --rbind /proc /mnt && chroot / true && ldd /bin/sh';
      return spawnSync(program, [...args, 'sh', '-c', script]).status === 0 ? command : undefined;
    },
  },
  /** Its operand is a line for the shell, whose standard streams are a terminal then. */
  terminal: {
    name: 'script, and a pseudo-terminal',
    get command() {
      const command = toCommand('script', '-qe', '/dev/null', '-c');
      const [program, ...args] = command ?? ['false'];
      return spawnSync(program, [...args, 'true']).status === 0 ? command : undefined;
    },
  },
} as const satisfies Record<string, Tool>;

/** Where tests that could not run are told, one line each: a file that whoever runs the tests reads at the end. */
export const NOT_RUN_FILE = 'TESTS_NOT_RUN_FILE';

/**
 * A `test` for bodies that run the tool. Where the tool is missing it is told as not run, and runs nothing;
 * with CI=true it fails.
 */
export function testWith({
  name: tool,
  command,
}: Tool): (name: string, body: () => void | Promise<void>) => void {
  if (command !== undefined) return (name, body) => void test(name, body);
  return (name, body) => {
    const line = `NOT RUN: ${name} needs ${tool}`;
    if (process.env.CI === 'true') return void test(name, () => assert.fail(line));
    const file = process.env[NOT_RUN_FILE];
    if (file === undefined) console.log(line);
    else appendFileSync(file, `${line}\n`);
    test(name, { skip: line }, body);
  };
}

/** Says at the end of a run what was not run: the lines, and how many. */
export function formatNotRun(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n${lines.length} not run\n`;
}

function findChromium(): [string, ...string[]] | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM !== undefined) return [CHROMIUM];
  return toCommand('chromium');
}

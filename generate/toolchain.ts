/**
 * The programs that the tests of the manifests run, and what happens where one is missing: the test says so,
 * counts as skipped, and fails in CI.
 */
import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';

export interface Tool {
  /** As a person would say it: `kustomize or kubectl`. */
  name: string;
  /** The command line up to its operands; undefined where it is not on the PATH. */
  command: readonly [string, ...string[]] | undefined;
}

/** kustomize itself, or the one inside kubectl: both render our tree the same. */
export const RENDERER: Tool = {
  name: 'kustomize or kubectl',
  command: isOnPath('kustomize')
    ? ['kustomize', 'build']
    : isOnPath('kubectl')
      ? ['kubectl', 'kustomize']
      : undefined,
};

/** Only the program kustomize can edit a kustomization; kubectl has no such command. */
export const EDITOR: Tool = {
  name: 'kustomize',
  command: isOnPath('kustomize') ? ['kustomize', 'edit'] : undefined,
};

export const PROMTOOL: Tool = {
  name: 'promtool',
  command: isOnPath('promtool') ? ['promtool'] : undefined,
};

/**
 * A `test` for bodies that run the tool.
 * Where the tool is missing it prints the name of what is not run; with CI set, it fails instead.
 */
export function testWith(tool: Tool): (name: string, body: () => void | Promise<void>) => void {
  if (tool.command !== undefined) return (name, body) => void test(name, body);
  const reason = `${tool.name} is not on the PATH`;
  if (process.env.CI !== undefined) return (name) => void test(name, () => assert.fail(reason));
  return (name, body) => {
    console.log(`NOT RUN, ${reason}: ${name}`);
    test(name, { skip: reason }, body);
  };
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

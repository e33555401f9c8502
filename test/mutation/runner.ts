import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import {
  type DryRunOptions,
  type DryRunResult,
  DryRunStatus,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestRunner,
  TestStatus,
} from '@stryker-mutator/api/test-runner';
import { build } from 'esbuild';
import { createNodeTest, type Failure } from './node-test.ts';
import { TARGETS, type Target } from './targets.ts';

/** Which mutant is on, as the code that Stryker writes into the sources asks for it. */
interface Switch {
  activeMutant: string | undefined;
}

/**
 * Runs a target's tests as one bundle, evaluated anew for each mutant: a process for each would take a hundred
 * times as long. What hangs is ended by Stryker, with the process, and noticed.
 */
export function createBundleRunner(): TestRunner {
  const bundles = new Map<Target, string>();

  async function run(target: Target, activeMutant?: string): Promise<Failure> {
    const code = bundles.get(target) ?? (await toBundle(target.tests));
    bundles.set(target, code);
    (globalThis as { __stryker__?: Switch }).__stryker__ = { activeMutant };
    const nodeTest = createNodeTest();
    const require = createRequire(join(process.cwd(), 'package.json'));
    try {
      new Function('require', 'module', code)(
        (name: string) => (name === 'node:test' ? nodeTest.module : require(name)),
        { exports: {} },
      );
    } catch (error) {
      return { name: 'loading', reason: String(error) };
    }
    return nodeTest.run();
  }

  return {
    capabilities: () => ({ reloadEnvironment: true }),

    async dryRun({ files = [] }: DryRunOptions): Promise<DryRunResult> {
      for (const target of new Set(files.map(toTarget))) {
        const failure = await run(target);
        if (failure === null) continue;
        const errorMessage = `${target.tests.join(', ')}: ${failure.name}: ${failure.reason}`;
        return { status: DryRunStatus.Error, errorMessage };
      }
      const all = { id: 'all', name: 'all', timeSpentMs: 0, status: TestStatus.Success } as const;
      return { status: DryRunStatus.Complete, tests: [all] };
    },

    async mutantRun({ activeMutant, sandboxFileName }: MutantRunOptions): Promise<MutantRunResult> {
      const failure = await run(toTarget(sandboxFileName), activeMutant.id);
      return failure === null
        ? { status: MutantRunStatus.Survived, nrOfTests: 1 }
        : { status: MutantRunStatus.Killed, killedBy: ['all'], failureMessage: failure.reason, nrOfTests: 1 };
    },
  };
}

/** Stryker's way to find the runner: `plugins` and `testRunner` of run.ts. */
export const strykerPlugins = [{ kind: 'TestRunner', name: 'bundle', factory: createBundleRunner }];

function toTarget(file: string): Target {
  const source = relative(process.cwd(), file);
  const target = TARGETS.find(({ sources }) => sources.includes(source));
  if (target === undefined) throw new Error(`${source} is in no target of test/mutation/targets.ts`);
  return target;
}

async function toBundle(tests: readonly string[]): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: tests.map((path) => `import './${path}';`).join('\n'), resolveDir: process.cwd() },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  // The name stands in stack traces, which some tests read.
  return `${outputFiles[0]?.text}\n//# sourceURL=${tests[0]}`;
}

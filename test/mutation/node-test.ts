/** A test file's outcome: null, or what failed first. */
export type Failure = { readonly name: string; readonly reason: string } | null;

/** As much of `node:test` as the unit tests of the targets use. */
export interface NodeTest {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => unknown): void;
}

/**
 * A stand-in for `node:test` that can run the same tests again and again in one process, each time with another
 * mutant. It stops at the first failure.
 */
export function createNodeTest(): { readonly module: NodeTest; run(): Promise<Failure> } {
  const tests: { name: string; body: () => unknown }[] = [];
  return {
    module: {
      describe: (_, body) => body(),
      test: (name, body) => void tests.push({ name, body }),
    },
    async run() {
      for (const { name, body } of tests) {
        try {
          await body();
        } catch (error) {
          return { name, reason: String(error) };
        }
      }
      return null;
    },
  };
}

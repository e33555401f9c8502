import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Proof } from '../../loadtest/proof/judgement.ts';
import { formatStory } from '../../loadtest/proof/summary.ts';
import type { Namespace } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { prove } from './proof.ts';

export type Scenario = (name: string, body: () => Promise<void>) => void;

/**
 * Tests that build on each other, in one namespace. The first that fails prints the namespace's state, its events
 * and its logs; the ones after it fail without being run.
 */
export function createScenarios(namespace: () => Namespace): Scenario {
  let failed: string | undefined;
  return (name, body) =>
    void test(name, async () => {
      assert.equal(failed, undefined, `not run, since this failed: ${failed}`);
      console.log(`\n# ${name}`);
      const startMs = performance.now();
      try {
        await body();
      } catch (error) {
        failed = name;
        await namespace().printState();
        throw error;
      }
      saw(`took ${formatSeconds(performance.now() - startMs)}`);
    });
}

/** Runs a disruption under load and requires the proof that no request was lost. */
export async function requireNoLoss(
  what: string,
  { name }: Namespace,
  disrupt: () => Promise<void>,
): Promise<Proof> {
  const proof = await prove(name, { disruption: 'run', run: disrupt });
  recordFigure(`requests lost, ${what}`, `${proof.lost} of ${proof.planned}`);
  for (const loss of proof.losses.slice(0, 20)) saw(`lost: ${formatStory(loss, proof.endpoints)}`);
  assert.equal(proof.verdict.kind, 'proven', proof.verdict.sentence);
  return proof;
}

/** The versions that answered, in order. */
export function toVersions({ record }: Proof): string[] {
  return [...new Set(record.series.flatMap(({ version }) => version ?? []))].sort();
}

export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function formatMegabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

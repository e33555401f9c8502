import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Namespace } from './cluster.ts';
import { recordFigure, saw } from './figures.ts';
import { PORT } from './target.ts';
import { startWitness, type Testimony } from './witness.ts';

/** Time under load before a disturbance and after it. */
const SETTLE_MS = 2_000;

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

/** Runs a disturbance under load and requires that no request is lost. */
export async function requireNoLoss(
  what: string,
  address: string,
  disturb: () => Promise<void>,
): Promise<Testimony> {
  const testimony = await witnessed(address, disturb);
  recordFigure(`requests lost, ${what}`, `${testimony.lost.length} of ${testimony.sent}`);
  for (const loss of testimony.lost.slice(0, 20)) saw(`lost: ${JSON.stringify(loss)}`);
  assert.equal(testimony.lost.length, 0, 'requests were lost');
  return testimony;
}

/** Runs a disturbance under load, with some seconds of quiet on both sides. */
export async function witnessed(address: string, disturb: () => Promise<void>): Promise<Testimony> {
  const witness = startWitness(address, PORT);
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await disturb();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  } finally {
    await witness.stop();
  }
  const { testimony } = witness;
  const outcomes = [...testimony.outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
  saw(
    `witness: ${testimony.sent} sent; ${outcomes} (${testimony.draining} of /ready while draining); ` +
      `versions ${[...testimony.versions].join(', ')}; ${testimony.pods.size} pods`,
  );
  return testimony;
}

export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function formatMegabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

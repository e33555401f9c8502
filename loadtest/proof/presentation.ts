import type { Exit } from '../cli/exit-code.ts';
import type { TextOutput, World } from '../cli/world.ts';
import { loadPageAssets } from '../report/assets.ts';
import { type ReportFiles, toTextOutput, writeReports } from '../report/presentation.ts';
import { formatFlightPage } from './flight-page.ts';
import type { Proof } from './judgement.ts';
import { mergeChanges } from './manifest-change.ts';
import { formatProofReport } from './proof-report.ts';
import { formatProofMarkdown, toProofSuites } from './proof-results.ts';
import { describeRemovals, nameRemovals } from './safeguard.ts';
import type { Scene } from './scene.ts';
import { formatSeries, type Series, toSeriesVerdict } from './series.ts';
import { formatControls, formatProof, toSentence } from './summary.ts';

/**
 * Shows one proof of a series.
 * @param beside the proof that this one is a control for, in which case one sentence is shown; null: not a control,
 * shown in full
 */
export function presentProof(proof: Proof, beside: Proof | null, output: TextOutput): void {
  const body = beside === null ? formatProof(proof) : toSentence(proof, beside);
  output.write(`${formatHeading(proof)}\n\n${body}\n\n`);
}

function formatHeading({ disruption, without }: Proof): string {
  const lacking = `${disruption}, without ${nameRemovals(without)}: ${describeRemovals(without)}`;
  const heading = without.length === 0 ? disruption : lacking;
  return `${heading}\n${'-'.repeat(heading.length)}`;
}

/**
 * Shows the verdict of a series whose proofs have each been shown, writes the requested reports, and returns the
 * exit.
 * @param toPatch of the target, for `--fix`
 */
export async function presentSeries(
  series: Series,
  toPatch: Scene['toPatch'],
  files: ReportFiles,
  world: World,
): Promise<Exit> {
  const { proofs, controls, cutShort } = series;
  const [first] = proofs;
  const output = toTextOutput(files, world);
  const verdict = toSeriesVerdict(series);
  if (first === undefined) world.stderr.write(`${verdict.sentence}\n`);
  if (first !== undefined && controls.length > 0) {
    output.write(`${formatControls(first, controls)}\n\n${toSentence(first)}\n`);
  }
  if (proofs.length > 1 || (first !== undefined && cutShort !== null)) {
    output.write(`${formatSeries(series)}\n`);
  }
  return writeReports(
    files,
    {
      json: () => formatProofReport(series),
      html: async () => formatFlightPage(series, await loadPageAssets()),
      fix: () => formatPatch(series, toPatch),
      junit: () => toProofSuites(series, world.nowMs()),
      markdown: () => formatProofMarkdown(series),
    },
    verdict.exit,
    world,
  );
}

/** All that a manifest can mend of what the proofs found. */
function formatPatch({ proofs }: Series, toPatch: Scene['toPatch']): string {
  const change = mergeChanges(
    proofs.flatMap(({ fixes, hazards, allowed }) =>
      [...fixes, ...hazards.filter(({ hazard }) => !allowed.includes(hazard))].map((each) => each.change),
    ),
  );
  const patch = change === null ? null : toPatch(change);
  return patch ?? '# Nothing was found that a manifest can mend.\n';
}

/**
 * Proves the local fleet of every faulty server of the tests, once with responses that name their pod and once
 * without any name, and counts the losses whose cause is right, wrong or unknown; writes bench/results/truth.md.
 *
 *   bun bench/truth.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CAUSES, type CauseId } from '../loadtest/proof/cause.ts';
import type { Proof } from '../loadtest/proof/judgement.ts';
import { FAULTLESS, FAULTS, proveFault, type Setting } from '../test/faults/prove-fault.ts';
import { toMarkdownTable } from './table.ts';

const RESULTS = join(import.meta.dirname, 'results/truth.md');

interface Score {
  readonly right: number;
  readonly wrong: number;
  readonly unknown: number;
  /** Causes other than the right one. */
  readonly others: string;
  readonly verdict: string;
}

function toScore(cause: CauseId | null, { causes, verdict, hazards }: Proof): Score {
  const entries = Object.entries(causes) as [CauseId, number][];
  const count = (is: (id: CauseId) => boolean) =>
    entries.filter(([id]) => is(id)).reduce((sum, [, lost]) => sum + lost, 0);
  return {
    right: count((id) => id === cause),
    wrong: count((id) => id !== cause && id !== 'unknown'),
    unknown: cause === 'unknown' ? 0 : count((id) => id === 'unknown'),
    others: entries
      .filter(([id]) => id !== cause)
      .map(([id, lost]) => `${id} ${lost}`)
      .join(', '),
    verdict:
      hazards.length === 0
        ? verdict.kind
        : `${verdict.kind}, ${hazards.length} hazard${hazards.length === 1 ? '' : 's'}`,
  };
}

const rows: string[][] = [];
const total = { right: 0, wrong: 0, unknown: 0 };
const all = [...(Object.entries(FAULTS) as [CauseId, Setting][]), [null, FAULTLESS] as const];
for (const [cause, setting] of all) {
  for (const isNamed of [true, false]) {
    const score = toScore(cause, await proveFault(setting, isNamed));
    total.right += score.right;
    total.wrong += score.wrong;
    total.unknown += score.unknown;
    const row = [
      cause === null ? 'none' : CAUSES[cause].title,
      isNamed ? 'yes' : 'no',
      ...[score.right, score.wrong, score.unknown].map(String),
      score.others,
      score.verdict,
    ];
    rows.push(row);
    console.log(row.join(' | '));
  }
}
const lost = total.right + total.wrong + total.unknown;
const toShare = (count: number) => `${((100 * count) / lost).toFixed(1)} %`;
const table = toMarkdownTable(
  [
    ['Fault', 'left'],
    ['Names', 'left'],
    ['Right', 'right'],
    ['Wrong', 'right'],
    ['Unknown', 'right'],
    ['Other causes', 'left'],
    ['Verdict', 'left'],
  ],
  rows,
);
writeFileSync(
  RESULTS,
  `# How often the cause is right

Written by \`npm run bench:truth\`: a rollout of each faulty server of \`test/faults/\` on the local fleet, three replicas, 300 requests a second, clients 15 ms away. Names: whether responses and connections tell the pod. Of ${lost} losses the cause is right for ${toShare(total.right)}, wrong for ${toShare(total.wrong)}, unknown for ${toShare(total.unknown)}.

${table.join('\n')}
`,
);
console.log(
  `${lost} losses: ${toShare(total.right)} right, ${toShare(total.wrong)} wrong, ${toShare(total.unknown)} unknown`,
);
process.exit(0);

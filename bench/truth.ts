/**
 * Proves every faulty server of the tests, once with responses that name their pod and once without any name, and
 * counts the losses whose cause is right, wrong or unknown; writes its half of bench/results/truth.md.
 *
 *   bun bench/truth.ts [SERVER ...]               as a local fleet; rows of other servers are kept
 *   bun bench/truth.ts --image REF [SERVER ...]   as pods of the cluster of KUBECONFIG; test/faults/Dockerfile makes
 *                                                 the image
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CAUSES, type CauseId } from '../loadtest/proof/cause.ts';
import type { Proof } from '../loadtest/proof/judgement.ts';
import { POD_FAULTS, POD_RATE, provePods } from '../test/faults/fault-pods.ts';
import { FAULTLESS, FAULTS, proveFault, type Setting, VARIANTS } from '../test/faults/prove-fault.ts';
import { toMarkdownTable } from './table.ts';

/** One faulty server, wherever it runs. */
interface Trial {
  readonly server: string;
  /** Null: it has no fault. */
  readonly cause: CauseId | null;
  prove(isNamed: boolean): Promise<Proof>;
}

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

const {
  values: { image },
  positionals: servers,
} = parseArgs({ options: { image: { type: 'string' } }, allowPositionals: true });
const local = [
  ...(Object.entries(FAULTS) as [CauseId, Setting][]),
  ...VARIANTS,
  [null, FAULTLESS] as const,
].map(
  ([cause, setting]): Trial => ({
    server: setting.server,
    cause,
    prove: (isNamed) => proveFault(setting, isNamed),
  }),
);
const trials =
  image === undefined
    ? local
    : POD_FAULTS.map(
        (setting): Trial => ({
          ...setting,
          prove: async (isNamed) => provePods(setting, image, isNamed),
        }),
      );
const half =
  image === undefined
    ? {
        title: '## On the local fleet',
        conditions: 'three replicas, 300 requests a second, clients 15 ms away',
      }
    : {
        title: '## On a cluster',
        conditions: `two or three replicas on two nodes, ${POD_RATE} requests a second, clients 0.2 ms away: a connection that is closed in silence is a hazard, and hardly ever a loss`,
      };

const sections = readFileSync(RESULTS, 'utf8').split(/^(?=## )/m);
const toTitle = (cause: CauseId | null) => (cause === null ? 'none' : CAUSES[cause].title);
const toKey = (server: string, title: string, names: string) => [server, title, names].join('|');
const keyOf = ([server = '', title = '', names = '']: readonly string[]) => toKey(server, title, names);
/** By server, cause and names, as they are in the file until they are measured anew. */
const rows = new Map(
  (sections.find((each) => each.startsWith(`${half.title}\n`)) ?? '')
    .split('\n')
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .map((row) => [keyOf(row), row]),
);
for (const { server, cause, prove } of trials) {
  if (servers.length > 0 && !servers.includes(server)) continue;
  for (const isNamed of [true, false]) {
    const score = toScore(cause, await prove(isNamed));
    const row = [
      server,
      toTitle(cause),
      isNamed ? 'yes' : 'no',
      ...[score.right, score.wrong, score.unknown].map(String),
      score.others,
      score.verdict,
    ];
    rows.set(keyOf(row), row);
    console.log(row.join(' | '));
  }
}
const measured = trials.flatMap(({ server, cause }) =>
  ['yes', 'no'].flatMap((names) => {
    const row = rows.get(toKey(server, toTitle(cause), names));
    return row === undefined ? [] : [row];
  }),
);
const sumOf = (column: number) => measured.reduce((sum, row) => sum + Number(row[column]), 0);
const total = { right: sumOf(3), wrong: sumOf(4), unknown: sumOf(5) };
const lost = total.right + total.wrong + total.unknown;
const toShare = (count: number) => `${((100 * count) / lost).toFixed(1)} %`;
const table = toMarkdownTable(
  [
    ['Server', 'left'],
    ['Cause', 'left'],
    ['Names', 'left'],
    ['Right', 'right'],
    ['Wrong', 'right'],
    ['Unknown', 'right'],
    ['Other causes', 'left'],
    ['Verdict', 'left'],
  ],
  measured,
);
const section = `${half.title}

A rollout of each, where its fault does not need another disruption; ${half.conditions}. Of ${lost} losses the cause is right for ${toShare(total.right)}, wrong for ${toShare(total.wrong)}, unknown for ${toShare(total.unknown)}.

${table.join('\n')}
`;
const others = sections.slice(1).filter((other) => !other.startsWith(`${half.title}\n`));
const all = [sections[0] ?? '', ...[...others, section].sort().reverse()].map((part) => part.trimEnd());
writeFileSync(RESULTS, `${all.join('\n\n')}\n`);
console.log(section.split('\n')[2]);
process.exit(0);

/**
 * Proves every faulty server of the tests, once with responses that name their pod and once without any name, and
 * counts the losses whose cause is right, wrong or unknown; writes its part of bench/results/truth.md.
 *
 *   bun bench/truth.ts [SERVER ...]               as a local fleet; rows of other servers are kept
 *   bun bench/truth.ts --probes [SERVER ...]      as a local fleet without any name, once without direct probes of its
 *                                                 pods and once with them
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
  /** @param is what the part is about: do responses name their pod, or are pods probed? */
  prove(is: boolean): Promise<Proof>;
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

/** For a fault to last until pods are asked directly, and for the load to see them answer. */
const PROBED_FAULT_MS = 4_000;
const PROBED_TAIL_MS = 2_500;
/** Those for which it matters what a pod accepts and answers. */
const PROBED = [
  'stops-listening-early',
  'exits-on-sigterm',
  'ready-too-early',
  'readiness-flaps',
  'closes-idle-connections',
] as const satisfies readonly CauseId[];

/** Trials in one setting, each made twice: a part of the results. */
interface Part {
  readonly title: string;
  readonly conditions: string;
  /** The column that tells one time from the other, and which comes first. */
  readonly variant: string;
  readonly variants: readonly [boolean, boolean];
  readonly trials: readonly Trial[];
}

const toLocal = (
  settings: readonly (readonly [CauseId | null, Setting])[],
  prove: (setting: Setting, is: boolean) => Promise<Proof>,
) =>
  settings.map(
    ([cause, setting]): Trial => ({ server: setting.server, cause, prove: (is) => prove(setting, is) }),
  );

const LOCAL: Part = {
  title: '## On the local fleet',
  conditions:
    'A rollout of each, where its fault does not need another disruption; three replicas, 300 requests a second, clients 15 ms away.',
  variant: 'Names',
  variants: [true, false],
  trials: toLocal(
    [...(Object.entries(FAULTS) as [CauseId, Setting][]), ...VARIANTS, [null, FAULTLESS]],
    (setting, isNamed) => proveFault(setting, isNamed),
  ),
};

const LOCAL_PROBED: Part = {
  title: '## On a local fleet whose pods are probed directly',
  conditions: `As above, with nothing that names a pod, and faults of ${PROBED_FAULT_MS / 1_000} s.`,
  variant: 'Probes',
  variants: [false, true],
  trials: toLocal(
    [...PROBED.map((cause) => [cause, FAULTS[cause]] as const), [null, FAULTLESS]],
    (setting, isProbed) => proveFault({ ...setting, tailMs: PROBED_TAIL_MS }, false, isProbed),
  ),
};

const toCluster = (image: string): Part => ({
  title: '## On a cluster',
  conditions: `A rollout of each, where its fault does not need another disruption; two or three replicas on two nodes, ${POD_RATE} requests a second, clients 0.2 ms away: a connection that is closed in silence is a hazard, and hardly ever a loss.`,
  variant: 'Names',
  variants: [true, false],
  trials: POD_FAULTS.map((setting) => ({
    ...setting,
    prove: async (isNamed: boolean) => provePods(setting, image, isNamed),
  })),
});

const {
  values: { image, probes: isProbed },
  positionals: servers,
} = parseArgs({
  options: { image: { type: 'string' }, probes: { type: 'boolean', default: false } },
  allowPositionals: true,
});
if (isProbed) process.env.FAULT_MS ??= String(PROBED_FAULT_MS);
const part = isProbed ? LOCAL_PROBED : image === undefined ? LOCAL : toCluster(image);

const sections = readFileSync(RESULTS, 'utf8').split(/^(?=## )/m);
const toTitle = (cause: CauseId | null) => (cause === null ? 'none' : CAUSES[cause].title);
const toWord = (is: boolean) => (is ? 'yes' : 'no');
const toKey = (server: string, title: string, variant: string) => [server, title, variant].join('|');
const keyOf = ([server = '', title = '', variant = '']: readonly string[]) => toKey(server, title, variant);
/** By server, cause and variant, as they are in the file until they are measured anew. */
const rows = new Map(
  (sections.find((each) => each.startsWith(`${part.title}\n`)) ?? '')
    .split('\n')
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .map((row) => [keyOf(row), row]),
);
for (const { server, cause, prove } of part.trials) {
  if (servers.length > 0 && !servers.includes(server)) continue;
  for (const is of part.variants) {
    const score = toScore(cause, await prove(is));
    const row = [
      server,
      toTitle(cause),
      toWord(is),
      ...[score.right, score.wrong, score.unknown].map(String),
      score.others,
      score.verdict,
    ];
    rows.set(keyOf(row), row);
    console.log(row.join(' | '));
  }
}
const measured = part.trials.flatMap(({ server, cause }) =>
  part.variants.flatMap((is) => {
    const row = rows.get(toKey(server, toTitle(cause), toWord(is)));
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
    [part.variant, 'left'],
    ['Right', 'right'],
    ['Wrong', 'right'],
    ['Unknown', 'right'],
    ['Other causes', 'left'],
    ['Verdict', 'left'],
  ],
  measured,
);
const section = `${part.title}

${part.conditions} Of ${lost} losses the cause is right for ${toShare(total.right)}, wrong for ${toShare(total.wrong)}, unknown for ${toShare(total.unknown)}.

${table.join('\n')}
`;
const others = sections.slice(1).filter((other) => !other.startsWith(`${part.title}\n`));
const all = [sections[0] ?? '', ...[...others, section].sort().reverse()].map((part) => part.trimEnd());
writeFileSync(RESULTS, `${all.join('\n\n')}\n`);
console.log(section.split('\n')[2]);
process.exit(0);

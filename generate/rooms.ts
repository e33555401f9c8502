import { formatTable } from './markdown-table.ts';

interface Room {
  readonly name: string;
  readonly holds: string;
}

/**
 * The folders of loadtest/, from the top down: a file may import from its own room and from those below it, never
 * from one above. The table in ARCHITECTURE.md is made from this, and test/house/imports.test.ts holds the code to it.
 */
export const ROOMS: readonly Room[] = [
  {
    name: 'library',
    holds:
      'what a program imports: `prove` and `lint`, each of which runs the program in a process of its own',
  },
  {
    name: 'commands',
    holds:
      'one file a command; the registry that the program, `--help` and [the reference](docs/reference-cli.md) come from',
  },
  { name: 'lint', holds: 'manifests and live objects, held to one rule a safeguard' },
  {
    name: 'contract',
    holds: 'one server, held to the order and times of a clean shutdown, and to keeping idle connections',
  },
  {
    name: 'local',
    holds: 'where a proof meets this machine: replicas in processes, behind a balancer that learns late',
  },
  { name: 'runner', holds: 'a command carried out in a pod: its Job, and both sides of what passes between' },
  {
    name: 'kube',
    holds: 'where a proof meets a cluster: watches, preflight, disruptions, and what takes them back',
  },
  {
    name: 'observe',
    holds:
      'replacements of pods that somebody else caused: their reasons, the stretches of load around them, metrics',
  },
  { name: 'proof', holds: 'disruption, pod timelines, attribution, verdict, controls, the flight recorder' },
  { name: 'report', holds: 'what a load run comes to: requirements, verdict, tables, JSON and HTML' },
  {
    name: 'load',
    holds: 'what is due when, the thread that sends it, and the collectors that its settlements go to',
  },
  {
    name: 'engine',
    holds: 'the HTTP client: connections, deadlines, parser, ledger; nothing is ever sent twice',
  },
  { name: 'cli', holds: 'how a program talks to its user: options, help, errors, exit codes, formats' },
];

/** The rooms as a table, from the top down. */
export function formatRooms(): string {
  return formatTable(
    ['Room', 'What it holds'],
    ROOMS.map(({ name, holds }) => [`\`${name}/\``, holds]),
  );
}

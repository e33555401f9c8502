/** The command lines of `dropless` that the documents name: what readers copy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../loadtest/commands/registry.ts';

export interface DocCommand {
  /** The document that names it first, from the project's root. */
  readonly page: string;
  /** As it stands there. */
  readonly line: string;
  /** What follows the program's name, without quotes and redirections. */
  readonly words: readonly string[];
  /** It reads what another program writes into a pipe. */
  readonly isPiped: boolean;
  /** It names something of a cluster. */
  readonly needsCluster: boolean;
}

const ROOT = join(import.meta.dirname, '../..');
const NAMES = COMMANDS.map(({ name }) => name).join('|');
const INVOCATION = new RegExp(`^(?:- (?:run: )?)?(.* \\| )?(?:npx )?dropless ((?:${NAMES})\\b.*|--version)$`);
const TARGET = /^(deploy|sts|ds|rollout|svc|pod)\/.+/;

/** Each line once, page by page in the order of the page: the later ones read what the earlier ones wrote. */
export function readDocCommands(): readonly DocCommand[] {
  const pages = [
    'README.md',
    'loadtest/README.md',
    ...readdirSync(join(ROOT, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .sort()
      .map((name) => `docs/${name}`),
  ];
  const all = pages.flatMap((page) => toCommands(page, readFileSync(join(ROOT, page), 'utf8')));
  return all.filter(({ line }, index) => all.findIndex((other) => other.line === line) === index);
}

/** The lines of code of a Markdown text that start the program. Those that show its usage are left out. */
export function toCommands(page: string, text: string): DocCommand[] {
  return toCodeLines(text).flatMap(({ line }) => {
    const [, pipe, rest] = INVOCATION.exec(line) ?? [];
    if (rest === undefined || rest.includes('[flags]')) return [];
    const words = toWords(rest.replace(/ > \S+$/, ''));
    return [
      {
        page,
        line,
        words,
        isPiped: pipe !== undefined,
        needsCluster: words.some((word) => TARGET.test(word)),
      },
    ];
  });
}

export interface CodeLine {
  readonly line: string;
  /** What its fence says, for example `sh release` for what needs the published release; empty without a fence. */
  readonly fence: string;
}

/** The lines of fenced blocks, and those that four spaces indent. */
export function toCodeLines(text: string): CodeLine[] {
  let fence: string | undefined;
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('```')) fence = fence === undefined ? line.slice(3) : undefined;
    else if (fence !== undefined || line.startsWith('    '))
      return [{ line: line.trim(), fence: fence ?? '' }];
    return [];
  });
}

/** The words of a command line; quotes keep blanks in a word. */
function toWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => {
    return single ?? double ?? plain ?? '';
  });
}

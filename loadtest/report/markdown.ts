import type { Table } from './tables.ts';

/** Text that means nothing to Markdown: on one line, with all of its punctuation as it is (GFM §2.4). */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_{}[\]<>()#|~$&!]/g, '\\$&');
}

/** A section with a table: https://github.github.com/gfm/#tables-extension- */
export function formatMarkdownTable({ title, columns, rows }: Omit<Table, 'note'>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const isFigure = columns.map((_, at) => at > 0 && rows.every((row) => /^[-\d.]/.test(row[at] ?? '')));
  return [
    `### ${escapeMarkdown(title)}`,
    '',
    line(columns.map(escapeMarkdown)),
    line(isFigure.map((figure) => (figure ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map((_, at) => escapeMarkdown(row[at] ?? '')))),
    '',
  ].join('\n');
}

const CUT = '\n_The rest is left out: a job summary may not be longer. The JSON report has all of it._\n';

/** As many whole lines as fit in so many bytes of UTF-8, with a note where some are left out; may be empty. */
export function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  let room = maxBytes - Buffer.byteLength(CUT);
  const kept: string[] = [];
  for (const line of text.split(/(?<=\n)/)) {
    room -= Buffer.byteLength(line);
    if (room < 0) break;
    kept.push(line);
  }
  return kept.length === 0 ? '' : `${kept.join('')}${CUT}`;
}

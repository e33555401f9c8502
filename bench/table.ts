/** A column's alignment: of the cells, and of the rule under its title. */
export type Align = 'left' | 'right';

/** A Markdown table, its cells padded as the formatter wants them. */
export function toMarkdownTable(
  columns: readonly (readonly [title: string, Align])[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = columns.map(([title], i) =>
    Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const toLine = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const toRow = (cells: readonly string[]) =>
    toLine(
      columns.map(([, align], i) =>
        align === 'left'
          ? (cells[i] ?? '').padEnd(widths[i] ?? 0)
          : (cells[i] ?? '').padStart(widths[i] ?? 0),
      ),
    );
  const rule = columns.map(([, align], i) => {
    const width = widths[i] ?? 0;
    return align === 'left' ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`;
  });
  return [toRow(columns.map(([title]) => title)), toLine(rule), ...rows.map(toRow)];
}

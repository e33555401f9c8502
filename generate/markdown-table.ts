/** A Markdown table, each column as wide as its widest cell: as the formatter of the project leaves it. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const format = (cells: readonly string[], filler: string) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, filler)).join(' | ')} |\n`;
  const rule = header.map(() => '');
  return [format(header, ' '), format(rule, '-'), ...rows.map((cells) => format(cells, ' '))].join('');
}

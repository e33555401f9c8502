/** Values for requests: one row each. */
export interface DataTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Stands where the value of that column goes. */
const PLACEHOLDER = /\{\{([^{}\s]+)\}\}/g;

/** The columns that a text names, each once, in order. */
export function findColumns(text: string): readonly string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name))];
}

/**
 * The text as a function of a row; null: it names no column, and is the same for each.
 * @param toSafe what makes a value safe where it goes
 * @throws {RangeError} where it names a column that does not exist
 */
export function createTemplate(
  text: string,
  columns: readonly string[],
  toSafe: (value: string) => string,
): ((row: readonly string[]) => string) | null {
  // Texts and names by turns: `split` keeps what the group has matched.
  const [first = '', ...rest] = text.split(PLACEHOLDER);
  if (rest.length === 0) return null;
  const parts: { readonly column: number; readonly after: string }[] = [];
  for (let at = 0; at < rest.length; at += 2) {
    const column = columns.indexOf(rest[at] ?? '');
    if (column === -1) throw new RangeError(`no column ${rest[at]}`);
    parts.push({ column, after: rest[at + 1] ?? '' });
  }
  return (row) =>
    parts.reduce((filled, { column, after }) => filled + toSafe(row[column] ?? '') + after, first);
}

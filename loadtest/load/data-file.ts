import { parse } from 'csv-parse/sync';
import { Fault } from '../cli/fault.ts';
import { isFieldValue, toBodyText } from '../engine/request-writer.ts';
import type { Endpoint } from '../engine/settlement.ts';
import { type DataTable, findColumns } from '../engine/template.ts';

/**
 * Reads CSV, RFC 4180: the names of the columns in the first line, and a row in each further one.
 * @param path of the file, for the faults
 * @throws {Fault} where it is not CSV, or has no rows or columns that cannot be told apart
 */
export function parseDataFile(text: string, path: string): DataTable {
  const [columns, ...rows] = parseCsv(text, path);
  if (columns === undefined || rows.length === 0) {
    throw new Fault(
      `${path} holds no data: names of columns in the first line, and a row in each further one`,
    );
  }
  for (const [index, column] of columns.entries()) {
    if (!/^[^{}\s]+$/.test(column)) {
      throw new Fault(`${path}:1: column ${JSON.stringify(column)} must be a name without blanks and braces`);
    }
    if (columns.indexOf(column) !== index) throw new Fault(`${path}:1: column ${column} is there twice`);
  }
  return { columns, rows };
}

function parseCsv(text: string, path: string): string[][] {
  try {
    return parse(text, { bom: true, skip_empty_lines: true });
  } catch (error) {
    // The value at fault may be a secret.
    const [reason] = (error as Error).message.split(', value is ');
    throw new Fault(`${path} is not CSV: ${reason}`);
  }
}

/**
 * What a request asks of data and cannot get, by field.
 * @param data null: there is none
 */
export function findColumnFaults(
  { path, headers = {}, body = '' }: Endpoint,
  data: DataTable | null,
): readonly { readonly field: string; readonly message: string }[] {
  const texts = [
    { field: 'path', text: path, isHeader: false },
    ...Object.values(headers).map((text) => ({ field: 'headers', text, isHeader: true })),
    { field: 'body', text: toBodyText(body), isHeader: false },
  ];
  return texts.flatMap(({ field, text, isHeader }) =>
    findColumns(text).flatMap((column) => {
      if (data === null) return [{ field, message: `names {{${column}}}, and there is no --data` }];
      const at = data.columns.indexOf(column);
      if (at === -1) {
        return [{ field, message: `names {{${column}}}: the columns are ${data.columns.join(', ')}` }];
      }
      const row = isHeader ? data.rows.findIndex((values) => !isFieldValue(values[at] ?? '')) : -1;
      if (row === -1) return [];
      const message = `takes {{${column}}}, and row ${row + 1} of the data holds a control or non-Latin-1 character there`;
      return [{ field, message }];
    }),
  );
}

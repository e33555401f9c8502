import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** One line of the table that the suite ends with. */
interface Figure {
  what: string;
  value: string;
}

/** The file that the parts of the suite add their figures to; each part is a process of its own. */
const FILE_VARIABLE = 'E2E_FIGURES';

/** Prints a figure and keeps it for the table. */
export function recordFigure(what: string, value: string): void {
  saw(`${what}: ${value}`);
  const file = process.env[FILE_VARIABLE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, value } satisfies Figure)}\n`);
}

export function readFigures(file: string): Figure[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Figure);
}

/** Tells what a step saw. */
export function saw(what: string): void {
  console.log(`    ${what.replaceAll('\n', '\n    ')}`);
}

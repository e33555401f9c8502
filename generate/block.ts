import { readFileSync } from 'node:fs';

const START = '<!-- made by npm run ';
const END = '<!-- end -->\n';

/** The text of a Markdown file with what is between its two marks replaced. Throws where the marks are missing. */
export function replaceBlock(path: string, block: string): string {
  const text = readFileSync(path, 'utf8');
  const mark = text.indexOf(START);
  const start = text.indexOf('\n', mark) + 1;
  const end = text.indexOf(END, start);
  if (mark < 0 || end < 0) throw new Error(`${path} lacks the marks of a generated block`);
  return `${text.slice(0, start)}\n${block}\n${text.slice(end)}`;
}

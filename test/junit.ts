import { existsSync, readFileSync } from 'node:fs';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Counts the cases of a JUnit report. A runner that dies before it writes one has counted nothing. */
export function countCases(report: string): Counts {
  const xml = existsSync(report) ? readFileSync(report, 'utf8') : '';
  const count = (pattern: RegExp) => xml.match(pattern)?.length ?? 0;
  const cases = count(/<testcase\b/g);
  const failed = count(/<(failure|error)\b/g);
  const skipped = count(/<skipped\b/g);
  return { passed: cases - failed - skipped, failed, skipped };
}

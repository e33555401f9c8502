import { existsSync, readFileSync } from 'node:fs';

export interface Counts {
  passed: number;
  skipped: number;
  /** Their names. */
  failed: string[];
}

/** Counts the cases of a JUnit report. A runner that dies before it writes one has counted nothing. */
export function countCases(report: string): Counts {
  const xml = existsSync(report) ? readFileSync(report, 'utf8') : '';
  const counts: Counts = { passed: 0, skipped: 0, failed: [] };
  // Whatever a test printed is escaped: no tag stands in it.
  for (const testcase of xml.split(/<testcase\b/).slice(1)) {
    if (/<(failure|error)\b/.test(testcase)) counts.failed.push(readName(testcase));
    else if (testcase.includes('<skipped')) counts.skipped += 1;
    else counts.passed += 1;
  }
  return counts;
}

const CHARACTERS: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function readName(testcase: string): string {
  const name = /\bname="([^"]*)"/.exec(testcase)?.[1] ?? 'without a name';
  return name.replace(/&(\w+);/g, (whole, entity: string) => CHARACTERS[entity] ?? whole);
}

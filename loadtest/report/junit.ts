import type { Exit } from '../cli/exit-code.ts';
import type { RequirementResult } from './requirement.ts';
import { formatMetric } from './tables.ts';

/** What a case came to. `failure`: the target is at fault; `error`: nothing can be said of it. */
export type CaseResult =
  | { readonly kind: 'passed' }
  | { readonly kind: 'skipped'; readonly message: string }
  | {
      readonly kind: 'failure' | 'error';
      /** Its class in a word, for example `losses`. */
      readonly type: string;
      /** One sentence. */
      readonly message: string;
      /** All that helps to find the cause. */
      readonly details: string;
    };

export interface TestCase {
  /** The same in each run, so that reporters can tell since when it fails. */
  readonly name: string;
  readonly durationMs: number;
  readonly result: CaseResult;
}

export interface TestSuite {
  readonly name: string;
  /** Start time, RFC 3339. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly cases: readonly TestCase[];
  /** The text that was shown; may be empty. */
  readonly output: string;
}

/**
 * The suites in the format that CI systems read: valid by both schemas that there are, the one of Jenkins and the
 * stricter one of Windy Road, which knows no zone of a timestamp and wants every element.
 *
 * https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
 * https://github.com/windyroad/JUnit-Schema/blob/master/JUnit.xsd
 */
export function formatJunit(suites: readonly TestSuite[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.map(formatSuite).join('')}</testsuites>\n`;
}

function formatSuite(suite: TestSuite, id: number): string {
  const { name, startedAt, durationMs, properties, cases, output } = suite;
  const count = (kind: CaseResult['kind']) => cases.filter(({ result }) => result.kind === kind).length;
  const attributes = {
    name,
    package: 'dropless',
    id,
    hostname: 'localhost',
    timestamp: new Date(startedAt).toISOString().slice(0, 19),
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    time: toSeconds(durationMs),
  };
  return [
    `<testsuite${toAttributes(attributes)}>`,
    '<properties>',
    ...Object.entries(properties).map(([key, value]) => `<property${toAttributes({ name: key, value })}/>`),
    '</properties>',
    ...cases.map((testCase) => formatCase(testCase, name)),
    `<system-out>${escapeXml(output)}</system-out>`,
    '<system-err></system-err>',
    '</testsuite>',
    '',
  ].join('\n');
}

function formatCase({ name, durationMs, result }: TestCase, suite: string): string {
  const start = `<testcase${toAttributes({ name, classname: suite, time: toSeconds(durationMs) })}`;
  if (result.kind === 'passed') return `${start}/>`;
  const inner =
    result.kind === 'skipped'
      ? `<skipped${toAttributes({ message: result.message })}/>`
      : `<${result.kind}${toAttributes({ type: result.type, message: result.message })}>${escapeXml(result.details)}</${result.kind}>`;
  return `${start}>${inner}</testcase>`;
}

function toSeconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

function toAttributes(attributes: Readonly<Record<string, string | number>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value)).replace(/\s+/g, ' ').trim()}"`)
    .join('');
}

/** XML 1.0 has no form for most control characters, escaped or not (§2.2): they become the replacement character. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;');
}

/**
 * One case for each requirement.
 * @param exit of the verdict on all of them: unless that is `failed`, one is missed because the load itself was late
 */
export function toRequirementCases(requirements: readonly RequirementResult[], exit: Exit): TestCase[] {
  return requirements.map(({ text, actual, unit, state }) => ({
    name: `requires ${text}`,
    durationMs: 0,
    result:
      state === 'met'
        ? { kind: 'passed' }
        : {
            kind: state === 'missed' && exit === 'failed' ? 'failure' : 'error',
            type: 'requirement',
            message:
              state === 'missed'
                ? `required ${text}, measured ${formatMetric(actual, unit)}`
                : `there was nothing to measure for ${text}`,
            details: '',
          },
  }));
}

import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { formatPath } from '../kube/field.ts';
import { escapeMarkdown, formatMarkdownTable } from '../report/markdown.ts';
import { type Diagnosis, type Rule, SEVERITIES, type Severity } from './rule.ts';
import type { Inventory } from './workload.ts';

/** Everything a report of `dropless lint` is made of. */
export interface LintReport {
  readonly inventory: Inventory;
  readonly rules: readonly Rule[];
  readonly diagnoses: readonly Diagnosis[];
  /** Kinds of objects that could not be read, so no finding covers them. */
  readonly unseen: readonly string[];
}

export function countSeverities({
  diagnoses,
}: LintReport): Readonly<Record<Severity, number>> & { ignored: number } {
  const counts = { error: 0, warning: 0, info: 0, ignored: 0 };
  for (const { rule, ignoredBecause } of diagnoses) {
    counts[ignoredBecause === undefined ? rule.severity : 'ignored']++;
  }
  return counts;
}

/** For a person: each finding with what would be lost and the fix, worst first, and a summary line. */
export function formatText(report: LintReport): string {
  const ignored = report.diagnoses.filter(({ ignoredBecause }) => ignoredBecause !== undefined);
  return [
    ...toShown(report).map(formatFinding),
    ...ignored.map(
      ({ rule, object, ignoredBecause }) =>
        `ignored ${rule.id}: ${object.kind}/${object.name}: ${ignoredBecause}\n`,
    ),
    ...report.unseen.map(formatUnseen),
    `${formatSummary(report)}\n`,
  ].join('');
}

/** The findings that nobody set aside, worst first. */
function toShown({ diagnoses }: LintReport): readonly Diagnosis[] {
  return diagnoses
    .filter(({ ignoredBecause }) => ignoredBecause === undefined)
    .sort((a, b) => SEVERITIES.indexOf(a.rule.severity) - SEVERITIES.indexOf(b.rule.severity));
}

function formatUnseen(kind: string): string {
  return `not seen: ${kind} could not be read, so no finding covers it\n`;
}

function formatPlace(object: Diagnosis['object'], field: Diagnosis['field']): string {
  const position = object.locate(field);
  return position === undefined ? object.source : `${object.source}:${position.line}:${position.column}`;
}

function formatFinding({ rule, object, field, message }: Diagnosis): string {
  return [
    `${formatPlace(object, field)}: ${rule.severity} ${rule.id}: ${message}`,
    `  at    ${object.kind}/${object.name} ${formatPath(field.path)}`.trimEnd(),
    `  lost  ${rule.lost}`,
    `  fix   ${rule.fix}`,
    '',
    '',
  ].join('\n');
}

function formatSummary(report: LintReport): string {
  const counts = countSeverities(report);
  const found = SEVERITIES.filter((severity) => counts[severity] > 0).map((severity) =>
    severity === 'info' ? `${counts.info} info` : plural(counts[severity], severity),
  );
  const labels = report.inventory.workloads.map(({ label }) => label).join(', ');
  return [
    `${found.length === 0 ? 'nothing found' : found.join(', ')} in ${labels}`,
    `(${plural(report.rules.length, 'rule')} over ${plural(report.inventory.objects.length, 'object')}`,
    counts.ignored === 0 ? ')' : `; ${counts.ignored} ignored)`,
  ]
    .join(' ')
    .replace(' )', ')')
    .replace(' ;', ';');
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Changes with any change that could break a reader. */
export const LINT_SCHEMA = 'dropless.lint/1';

/** For programs. */
export function formatJson(report: LintReport): string {
  return toJson(toLintJson(report));
}

/** What the JSON of a lint holds. */
export function toLintJson(report: LintReport) {
  return {
    schema: LINT_SCHEMA,
    summary: {
      ...countSeverities(report),
      workloads: report.inventory.workloads.map(({ label }) => label),
      objects: report.inventory.objects.length,
      rules: report.rules.length,
      unseen: report.unseen,
    },
    findings: report.diagnoses.map(({ rule, object, field, message, ignoredBecause }) => ({
      rule: rule.id,
      severity: rule.severity,
      message,
      kind: object.kind,
      name: object.name,
      namespace: object.namespace,
      path: formatPath(field.path),
      source: object.source,
      ...object.locate(field),
      lost: rule.lost,
      fix: rule.fix,
      docs: rule.source,
      ...(ignoredBecause === undefined ? {} : { ignoredBecause }),
    })),
  };
}

const ANNOTATION_LEVELS = { error: 'error', warning: 'warning', info: 'notice' } as const;

/**
 * For a job of GitHub Actions: each finding as a workflow command, which makes it an annotation of the changed line,
 * and the summary line.
 *
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
 */
export function formatAnnotations(report: LintReport): string {
  const commands = toShown(report).map(({ rule, object, field, message }) => {
    const position = object.locate(field);
    const properties = {
      // Standard input is no file of the repository.
      file: object.source === '-' ? undefined : posix.normalize(object.source),
      line: position?.line,
      col: position?.column,
      title: `dropless ${rule.id}`,
    };
    const given = Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
    const text = `${object.kind}/${object.name}: ${message}. ${rule.fix}`;
    return `::${ANNOTATION_LEVELS[rule.severity]} ${given.join(',')}::${escapeData(text)}\n`;
  });
  return [...commands, ...report.unseen.map(formatUnseen), `${formatSummary(report)}\n`].join('');
}

/** https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** For the summary of a job of GitHub Actions: the summary line, and a row for each finding, worst first. */
export function formatLintMarkdown(report: LintReport): string {
  const rows = toShown(report).map(({ rule, object, field, message }) => [
    `${rule.severity} ${rule.id}`,
    `${object.kind}/${object.name}`,
    formatPlace(object, field),
    message,
    rule.fix,
  ]);
  const columns = ['Finding', 'Object', 'Place', 'What', 'Fix'];
  return [
    `## dropless lint\n\n**${escapeMarkdown(formatSummary(report))}**\n`,
    ...(rows.length === 0 ? [] : [formatMarkdownTable({ title: 'Findings', columns, rows })]),
    ...report.unseen.map((kind) => escapeMarkdown(formatUnseen(kind))),
    '',
  ].join('\n');
}

const SARIF_LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const;

/**
 * For code scanning: SARIF 2.1.0. Rendered objects have no lines: their findings point at the kustomization.
 * Findings that an annotation ignores are left out, because GitHub shows suppressed results as open alerts.
 *
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
 * https://github.com/github/codeql-action/issues/1230
 */
export function formatSarif({ rules, diagnoses }: LintReport): string {
  const indexes = new Map(rules.map((rule, index) => [rule.id, index]));
  const findings = diagnoses.filter(({ ignoredBecause }) => ignoredBecause === undefined);
  return toJson({
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'dropless lint',
            rules: rules.map(({ id, severity, title, lost, fix, source }) => ({
              id,
              shortDescription: { text: title },
              fullDescription: { text: lost },
              help: { text: `${lost}\n\nFix: ${fix}`, markdown: `${lost}\n\n**Fix:** ${fix}` },
              helpUri: source,
              defaultConfiguration: { level: SARIF_LEVELS[severity] },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(({ rule, object, field, message }) => {
          const position = object.locate(field);
          const name = `${object.kind}/${object.name}`;
          const place = `${rule.id}:${object.namespace}/${name}:${formatPath(field.path)}`;
          return {
            ruleId: rule.id,
            ruleIndex: indexes.get(rule.id),
            level: SARIF_LEVELS[rule.severity],
            message: { text: `${name}: ${message}. ${rule.fix}` },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: toUri(object.source) },
                  region: { startLine: position?.line ?? 1, startColumn: position?.column ?? 1 },
                },
                logicalLocations: [{ fullyQualifiedName: `${name} ${formatPath(field.path)}`.trim() }],
              },
            ],
            partialFingerprints: {
              // A line may move; the place in the object stays.
              'objectPath/v1': place,
              // GitHub distinguishes alerts by this one. Its uploader hashes the line if none is given, and all
              // rendered objects have the same line.
              ...(position === undefined ? { primaryLocationLineHash: toHash(place) } : {}),
            },
          };
        }),
      },
    ],
  });
}

/** Relative: with `cluster:web` the part before the colon would be a scheme, and `#` begins a fragment. */
function toUri(source: string): string {
  return source === '-' ? 'stdin' : posix.normalize(source).split('/').map(encodeURIComponent).join('/');
}

/** As the uploader's are: 16 hexadecimal digits, and which of the equal lines it is. */
function toHash(text: string): string {
  return `${createHash('sha256').update(text).digest('hex').slice(0, 16)}:1`;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

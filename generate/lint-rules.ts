import type { Rule } from '../loadtest/lint/rule.ts';
import { formatTable } from './markdown-table.ts';

/** docs/lint-rules.md, made from the rules: `npm run generate` writes it, a test compares. */
export function formatRulesDoc(rules: readonly Rule[]): string {
  return [
    '# Rules of `dropless lint`\n',
    'Made by `npm run generate` from the rules themselves. How to run and how to ignore them: [lint.md](lint.md).\n',
    'An **error** loses requests in an ordinary rollout, scaling or node drain, or keeps one from being done. A **warning** loses them under a condition that will come: load, a slow start, the loss of a node. An **info** loses nothing by itself. The examples are patches of a service that no rule finds anything in.\n',
    formatTable(
      ['Severity', 'Rule', 'What is wrong'],
      rules.map(({ id, severity, title }) => [severity, `[${id}](#${id})`, title]),
    ),
    ...rules.map(formatRule),
  ].join('\n');
}

function formatRule({ id, severity, title, lost, fix, source, bad, good, assumes }: Rule): string {
  return [
    `## ${id}\n`,
    `**${title}** (${severity})\n`,
    `Lost: ${lost}\n`,
    `Fix: ${fix} [Source](${source})\n`,
    assumes === undefined ? '' : `With \`--kube-version 1.${assumes.kubeMinor}\`:\n`,
    `Bad:\n\n\`\`\`yaml${bad}\`\`\`\n`,
    `Good:\n\n\`\`\`yaml${good}\`\`\`\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

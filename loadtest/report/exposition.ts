/** One metric with its series. */
export interface Family {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  /** One line. */
  readonly help: string;
  /** Values of labels are words that need no escaping. */
  readonly series: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function formatExposition(families: readonly Family[]): string {
  const lines = families.flatMap(({ name, kind, help, series }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${kind}`,
    ...series.map(({ labels, value }) => `${name}${formatLabels(labels)} ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

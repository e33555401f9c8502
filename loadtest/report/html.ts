import { createHash } from 'node:crypto';
import type { PageAssets } from './assets.ts';
import type { Table } from './tables.ts';

/** HTML that may go into the page unescaped. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A template that escapes every value that is not `Html` itself. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (Html | string | number | readonly Html[])[]
): Html {
  const texts = values.map((value) =>
    value instanceof Html
      ? value.text
      : typeof value === 'object'
        ? value.map(({ text }) => text).join('')
        : escapeHtml(String(value)),
  );
  return new Html(String.raw({ raw: parts }, ...texts));
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/**
 * A Content-Security-Policy under which nothing is loaded, and only the script and style in the page itself apply.
 */
export function toPolicy({ script, style }: PageAssets): string {
  return [
    "default-src 'none'",
    ...(script === '' ? [] : [`script-src '${toSource(script)}'`]),
    `style-src '${toSource(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** A source expression of the policy, CSP Level 3 §2.3.1. */
function toSource(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** JSON that cannot close the script element that holds it. */
export function toScriptData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

export const VERDICT_WORDS = {
  proven: { word: 'Proven', mark: '✓' },
  failed: { word: 'Failed', mark: '✗' },
  usage: { word: 'Not run', mark: '?' },
  inconclusive: { word: 'Inconclusive', mark: '?' },
  'at-risk': { word: 'At risk', mark: '!' },
} as const;

export function formatMoment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

export function formatTableElement(
  { columns, rows }: Pick<Table, 'columns' | 'rows'>,
  labelledBy: string,
): Html {
  const isFigure = columns.map((_, at) => at > 0 && rows.every((row) => /^[-\d.]/.test(row[at] ?? '')));
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="${labelledBy}"><table>
<thead><tr>${columns.map((column, at) => html`<th scope="col"${new Html(isFigure[at] ? ' class="figure"' : '')}>${column}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) => html`<tr>${row.map((cell, at) =>
    at === 0
      ? html`<th scope="row">${cell}</th>`
      : html`<td${new Html(isFigure[at] ? ' class="figure"' : '')}>${cell}</td>`,
  )}</tr>
`,
)}</tbody>
</table></div>`;
}

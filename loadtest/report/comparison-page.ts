import type { PageAssets } from './assets.ts';
import { type Comparison, summarize } from './comparison.ts';
import { formatMoment, formatTableElement, Html, html, toPolicy } from './html.ts';
import type { Table } from './tables.ts';

/** A comparison as one self-contained page without a script. */
export function formatComparisonPage(
  comparison: Comparison,
  tables: readonly Table[],
  { style }: Pick<PageAssets, 'style'>,
): string {
  const { kind, target, startedAt } = comparison;
  const moment = (iso: string) => html`<time datetime="${iso}">${formatMoment(iso)}</time>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${toPolicy({ script: '', style })}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Two ${kind}s of ${target.new}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<p class="kicker">dropless report</p>
<h1>Two ${kind}s of <span class="target">${target.new}</span></h1>
<p class="when">Old: ${moment(startedAt.old)}. New: ${moment(startedAt.new)}.</p>
</header>
<main>
<section class="verdict" aria-label="Summary">
<p class="sentence">${summarize(comparison)}</p>
</section>
${tables.map((table) => {
  const id = table.title.toLowerCase();
  return html`<section>
<h2 id="${id}">${table.title}</h2>
${table.note === null ? '' : html`<p class="note">${table.note}</p>`}
${formatTableElement(table, id)}
</section>
`;
})}
</main>
<footer><p>Percentiles come from the merged histograms of all requests, within 0.1 %.</p></footer>
</body>
</html>
`.text;
}

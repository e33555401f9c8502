import { formatDuration } from '../cli/duration.ts';
import { formatCount, formatFixed, formatMs, formatPercent } from '../cli/format.ts';
import { upperBound95 } from '../load/evidence.ts';
import type { PageAssets } from './assets.ts';
import { type Chart, toCharts } from './chart.ts';
import {
  formatMoment,
  formatTableElement,
  Html,
  html,
  toPolicy,
  toScriptData,
  VERDICT_WORDS,
} from './html.ts';
import type { Report } from './report.ts';
import type { RunFindings } from './summary.ts';
import type { Table } from './tables.ts';

/**
 * The report as one self-contained page: its policy lets nothing be loaded, and only its own script and style
 * apply. Without script, everything but the charts is there.
 */
export function formatPage(
  report: Report,
  findings: RunFindings,
  tables: readonly Table[],
  assets: PageAssets,
): string {
  const { script, style } = assets;
  const charts = toCharts(report);
  const [endpoints, ...others] = tables;
  const failures = others.filter(({ title }) => title === 'Failures');
  const figures = others.filter(({ title }) => title !== 'Failures');
  const { kind, exit, sentence, latency } = findings.verdict;

  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${toPolicy(assets)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${VERDICT_WORDS[exit].word}: load on ${report.setup.target}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<p class="kicker">dropless</p>
<h1>Load on <span class="target">${report.setup.target}</span></h1>
<p class="when"><time datetime="${report.startedAt}">${formatMoment(report.startedAt)}</time>, ${describeModel(report)}</p>
</header>
<main>
<section class="verdict ${exit}" aria-label="Verdict">
<p class="word"><span class="mark" aria-hidden="true">${VERDICT_WORDS[exit].mark}</span> ${VERDICT_WORDS[exit].word} <span class="kind">${kind}</span></p>
<p class="sentence">${sentence}</p>
<p>${latency.sentence}</p>
</section>
${formatHeadline(report, findings)}
${endpoints === undefined ? '' : formatTableSection(endpoints)}
<section>
<h2>Over time</h2>
<p class="note" id="unscripted">The charts are drawn by a script. Without it, the figures are in the table below each chart.</p>
<div class="charts">${charts.map(formatChart)}</div>
</section>
${figures.map(formatTableSection)}
${failures.map(formatTableSection)}
${formatSetup(report)}
</main>
<footer><p>Response time counts from the moment a request was due, so a stalled target cannot hide its delay. Every request is counted once, by how it ended.</p></footer>
<script type="application/json" id="charts">${new Html(toScriptData({ charts, phases: report.record.phases }))}</script>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

function describeModel({ setup: { model }, durationMs }: Report): string {
  const lasted = `${formatFixed(durationMs / 1_000, 1)} s`;
  if (model.kind === 'closed') return `${model.connections} users in a closed loop for ${lasted}`;
  const stages = model.stages.map(({ durationMs: ms, fromRate, toRate }) => {
    const rate = fromRate === toRate ? `${fromRate}` : `${fromRate} to ${toRate}`;
    return `${rate} requests/s for ${formatDuration(ms)}`;
  });
  return `${stages.join(', then ')} (${lasted})`;
}

function formatHeadline({ durationMs }: Report, { summary }: RunFindings): Html {
  const { response } = summary.latency;
  const figures: readonly (readonly [string, string, string])[] = [
    ['Requests', formatCount(summary.requests), `${formatFixed(summary.ratePerSecond, 1)} ok/s`],
    [
      'Lost',
      formatCount(summary.lost),
      summary.requests === 0
        ? '-'
        : summary.lost === 0
          ? `under ${formatPercent(upperBound95(summary.requests))} at 95 % confidence`
          : formatPercent(summary.lost / summary.requests),
    ],
    ['Median', formatMs(response.p50Ms), 'response time'],
    ['p99', formatMs(response.p99Ms), `max ${formatMs(response.maxMs)}`],
    [
      'Duration',
      `${formatFixed(durationMs / 1_000, 1)} s`,
      `generator lag p99 ${formatMs(summary.latency.lag.p99Ms)}`,
    ],
  ];
  return html`<dl class="headline">${figures.map(
    ([name, value, more]) => html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`,
  )}</dl>`;
}

function formatTableSection(table: Table): Html {
  const id = table.title.toLowerCase();
  return html`<section>
<h2 id="${id}">${table.title}</h2>
${table.note === null ? '' : html`<p class="note">${table.note}</p>`}
${formatTableElement(table, id)}
</section>
`;
}

function formatChart({ id, title, caption, timesS, lines, leftUnit }: Chart): Html {
  const rows = timesS.map((time, at) => [
    `${formatFixed(time, 0)} s`,
    ...lines.map(({ values }) => {
      const value = values[at] ?? null;
      return value === null ? '-' : formatFixed(value, leftUnit === 'ms' ? 2 : 0);
    }),
  ]);
  return html`<figure>
<figcaption id="${id}-caption"><strong id="${id}-title">${title}</strong> ${caption}</figcaption>
<div class="chart" data-chart="${id}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-caption"></div>
<details><summary>Figures of this chart</summary>
${formatTableElement({ columns: ['Time', ...lines.map(({ label }) => label)], rows }, `${id}-title`)}
</details>
</figure>
`;
}

function formatSetup({ setup, runtime, shards, isInterrupted }: Report): Html {
  const facts: readonly (readonly [string, string])[] = [
    ['Target', setup.target],
    ['Endpoints', setup.endpoints.map(({ name, weight }) => `${name} × ${weight}`).join(', ')],
    ['Fresh connections', formatPercent(setup.freshShare)],
    ['Time-out', formatDuration(setup.timeoutMs)],
    ['Seed', String(setup.seed)],
    ['Generator', runtime],
    ...(shards.of > 1
      ? [['Parts', `${shards.present.map((index) => index).join(', ')} of 0 to ${shards.of - 1}`] as const]
      : []),
    ...(isInterrupted ? [['Interrupted', 'before the end of the plan'] as const] : []),
  ];
  return html`<section>
<h2>Setup</h2>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</section>
`;
}

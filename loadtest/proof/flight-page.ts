import { formatCount, formatFixed, formatMs, formatPercent } from '../cli/format.ts';
import type { PageAssets } from '../report/assets.ts';
import { formatMoment, formatTableElement, Html, html, toPolicy, VERDICT_WORDS } from '../report/html.ts';
import { toConnectionTable, toRequirementTable } from '../report/tables.ts';
import { CAUSES } from './cause.ts';
import { FLIGHT, type Flight, type Lane, toFlight } from './flight.ts';
import type { Proof } from './judgement.ts';
import { toPhaseLatencyTable } from './latency.ts';
import { formatMargins } from './margin.ts';
import { describeRemovals, formatRemoval, nameRemovals, type Removal } from './safeguard.ts';
import { type Series, toSeriesTable, toSeriesVerdict } from './series.ts';
import { formatStory, toControlRows, toHazardTable, toSentence } from './summary.ts';
import { type ContainerExit, countEnded, type PodTimeline } from './timeline.ts';
import { toVantageTable } from './vantage-point.ts';
import { formatVerdict, type ProofVerdict } from './verdict.ts';

/** Stories shown one by one; the JSON report has more. */
const MAX_STORIES = 300;

/** The flight recorder: all proofs on one self-contained page, even without a script. */
export function formatFlightPage(series: Series, { style }: Pick<PageAssets, 'style'>): string {
  const { proofs, controls } = series;
  const [first] = proofs;
  const verdict = toSeriesVerdict(series);
  const isAlone = first !== undefined && proofs.length === 1 && series.cutShort === null;
  const what = first !== undefined && proofs.length === 1 ? first.disruption : `${proofs.length} disruptions`;
  const target = first?.target ?? 'nothing';
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${toPolicy({ script: '', style })}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${VERDICT_WORDS[verdict.exit].word}: ${what} of ${target}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<p class="kicker">dropless prove</p>
<h1>${capitalise(what)} of <span class="target">${target}</span></h1>
${first === undefined ? '' : html`<p class="when"><time datetime="${first.startedAt}">${formatMoment(first.startedAt)}</time></p>`}
</header>
<main>
${formatVerdictBox(verdict, isAlone ? toSentence(first) : formatVerdict(verdict))}
${isAlone || first === undefined ? '' : formatDisruptions(proofs)}
${first === undefined || controls.length === 0 ? '' : formatControls(first, controls)}
${isAlone && controls.length > 0 ? html`<h2 id="proof">With all safeguards</h2>` : ''}
${isAlone ? formatProof(first, 0) : proofs.map(formatSection)}
${controls.map(
  (control, index) => html`<section>
<h2 id="control-${control.without.map(toAnchor).join('-')}">Without ${nameRemovals(control.without)}</h2>
<p class="note">Removed: ${describeRemovals(control.without)}.</p>
${formatVerdictBox(control.verdict, toSentence(control, first ?? null))}
${formatProof(control, proofs.length + index)}
</section>`,
)}
</main>
<footer><p>Every request is counted once, by how it ended, and none was sent twice. Times are on the load’s clock.</p></footer>
</body>
</html>
`.text;
}

function formatVerdictBox({ exit, kind }: ProofVerdict, sentence: string): Html {
  const { word, mark } = VERDICT_WORDS[exit];
  return html`<section class="verdict ${exit}" aria-label="Verdict">
<p class="word"><span class="mark" aria-hidden="true">${mark}</span> ${word} <span class="kind">${kind}</span></p>
<p class="sentence">${sentence}</p>
</section>`;
}

function formatDisruptions(proofs: readonly Proof[]): Html {
  return html`<section>
<h2 id="disruptions">Disruptions</h2>
<p class="note">One after another, each with its flight recorder below.</p>
${formatTableElement(toSeriesTable(proofs), 'disruptions')}
</section>`;
}

function formatSection(proof: Proof, index: number): Html {
  return html`<section>
<h2 id="disruption-${index + 1}">${index + 1} ${capitalise(proof.disruption)}</h2>
<p class="note"><time datetime="${proof.startedAt}">${formatMoment(proof.startedAt)}</time>. ${toSentence(proof)}</p>
${formatProof(proof, index)}
</section>`;
}

function formatControls(proof: Proof, controls: readonly Proof[]): Html {
  return html`<section>
<h2 id="controls">Controls</h2>
<p class="note">The same disruption with one safeguard removed. If no more is lost without it, it is not shown to matter.</p>
${formatTableElement(toControlRows(proof, controls), 'controls')}
</section>`;
}

function formatProof(proof: Proof, position: number): Html {
  const { planned, ok, lost, durationMs, timelines, endpoints, lagP99Ms } = proof;
  const figures: readonly (readonly [string, string, string])[] = [
    ['Requests', formatCount(planned), `${formatCount(ok)} ok`],
    ['Lost', formatCount(lost), planned === 0 ? '-' : formatPercent(lost / planned)],
    ['Pods', formatCount(timelines.length), `${countEnded(timelines)} ended`],
    ['Lag', formatMs(lagP99Ms), '99 % sent no later'],
    ['Duration', `${formatFixed(durationMs / 1_000, 1)} s`, endpoints.join(', ')],
  ];
  const id = `p${position}`;
  return html`<dl class="headline">${figures.map(
    ([name, value, more]) => html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`,
  )}</dl>
${formatFlight(proof, id)}
${lost === 0 ? '' : formatLosses(proof, id)}
${proof.hazards.length === 0 ? '' : formatHazards(proof, id)}
${formatLatency(proof, id)}
${formatConnections(proof, id)}
${formatPods(timelines, id)}
${formatMarks(proof, id)}`;
}

function formatFlight(proof: Proof, id: string): Html {
  const flight = toFlight(proof);
  const { width, left, right, top, chartHeight } = FLIGHT;
  const lossesY = top + chartHeight;
  const { losses, lost } = proof;
  // The rest appear only in the bars, by outcome.
  const untold =
    losses.length < lost
      ? ` Of ${formatCount(lost)} losses, the first ${formatCount(losses.length)} are marked.`
      : '';
  return html`<figure class="flight">
<figcaption><strong>Flight recorder</strong> Requests per second by the version that answered, the pods below on the same time axis, and each loss as a mark that links to its story.${untold}</figcaption>
<div class="scroll"><svg viewBox="0 0 ${width} ${flight.height}" width="${width}" height="${flight.height}" role="img" aria-label="Requests and pods over time">
<g class="grid">${flight.ticks.map(({ x }) => html`<line x1="${px(x)}" x2="${px(x)}" y1="${top}" y2="${flight.axisY}"/>`)}</g>
<text class="name" x="${left - 8}" y="${top + 10}" text-anchor="end">${formatCount(flight.maxPerSecond)}/s</text>
<text class="name" x="${left - 8}" y="${lossesY}" text-anchor="end">0</text>
<g>${flight.bars.map(
    ({ x, y, width: wide, height, series }) =>
      html`<rect class="${series === 'lost' ? 'lost' : `v${series % 4}`}" x="${px(x)}" y="${px(y)}" width="${px(wide)}" height="${px(height)}"/>`,
  )}</g>
<text class="name" x="${left - 8}" y="${lossesY + 18}" text-anchor="end">lost</text>
<line class="base" x1="${left}" x2="${width - right}" y1="${lossesY}" y2="${lossesY}"/>
${flight.losses.map(
  ({ x, loss, count }) =>
    html`<a href="#${toTarget(id, loss)}"><circle class="loss" cx="${px(x)}" cy="${lossesY + 13}" r="${Math.min(10, 4 + Math.log2(count))}"><title>${formatCount(count)} lost</title></circle></a>`,
)}
${flight.lanes.map((lane) => formatLane(lane, id))}
<g class="marks">${flight.marks.map(
    ({ x, text }) =>
      html`<line x1="${px(x)}" x2="${px(x)}" y1="${top - 6}" y2="${flight.axisY}"><title>${text}</title></line>`,
  )}${toNamedMarks(flight).map(({ x, text }) => html`<text x="${px(x + 3)}" y="${top - 10}">${text}</text>`)}</g>
<g class="axis">${flight.ticks.map(
    ({ x, label }) => html`<text x="${px(x)}" y="${flight.axisY + 20}" text-anchor="middle">${label}</text>`,
  )}</g>
</svg></div>
<ul class="legend">${flight.versions.map(
    (version, index) => html`<li><span class="key v${index % 4}"></span>${version ?? 'no version'}</li>`,
  )}<li><span class="key lost"></span>lost</li><li><span class="key s-starting"></span>starting</li><li><span class="key s-ready"></span>ready</li><li><span class="key s-unready"></span>unready</li><li><span class="key s-terminating"></span>terminating</li><li><span class="key s-draining"></span>after SIGTERM</li><li><span class="key endpoint"></span>endpoint</li>${flight.lanes.some(({ accepts }) => accepts.length > 0) ? html`<li><span class="key accepts"></span>accepts direct probes</li>` : ''}<li>▼ SIGTERM</li><li>✕ killed</li><li>■ exited</li><li>⊘ node lost</li><li>◆ hazard</li></ul>
</figure>`;
}

/** Marks whose names do not run into one another. */
function toNamedMarks({ marks }: Flight): Flight['marks'] {
  const named: { x: number; text: string }[] = [];
  for (const mark of marks) {
    const last = named.at(-1);
    if (last === undefined || mark.x - last.x > 12 + 6.5 * last.text.length) named.push(mark);
  }
  return named.filter(({ text, x }) => text.length < 40 && x + 6.5 * text.length < FLIGHT.width);
}

const TICKS = { sigterm: '▼', killed: '✕', exited: '■', 'node-lost': '⊘' } as const;

function formatLane(
  { timeline, y, stretches, endpoints, accepts, ticks, losses, hazards }: Lane,
  id: string,
): Html {
  const middle = y + FLIGHT.laneHeight / 2;
  return html`<g><text class="name" x="${FLIGHT.left - 8}" y="${middle + 4}" text-anchor="end">${shorten(timeline.pod)}<title>${timeline.pod}</title></text>
${stretches.map(
  ({ x, width, stage }) =>
    html`<rect class="s-${stage}" x="${px(x)}" y="${y + 7}" width="${px(width)}" height="12"><title>${timeline.pod}: ${stage}</title></rect>`,
)}${endpoints.map(
  ({ x, width }) => html`<rect class="endpoint" x="${px(x)}" y="${y + 20}" width="${px(width)}" height="3"/>`,
)}${accepts.map(
  ({ x, width }) =>
    html`<rect class="accepts" x="${px(x)}" y="${y + 3}" width="${px(width)}" height="3"><title>${timeline.pod}: accepts direct probes</title></rect>`,
)}${ticks.map(
  ({ x, kind }) =>
    html`<text class="tick" x="${px(x)}" y="${middle + 4}" text-anchor="middle">${TICKS[kind]}<title>${kind}</title></text>`,
)}${losses
  .slice(0, MAX_STORIES)
  .map(
    ({ x, loss }) =>
      html`<a href="#${toTarget(id, loss)}"><circle class="loss" cx="${px(x)}" cy="${y + 13}" r="3"/></a>`,
  )}${hazards.map(
  ({ x, hazard }) =>
    html`<a href="#${id}-hazard-${hazard}"><text class="hazard" x="${px(x)}" y="${y + 17}" text-anchor="middle">◆<title>hazard</title></text></a>`,
)}</g>
`;
}

function formatLosses(proof: Proof, id: string): Html {
  const { causes, fixes, losses, endpoints, lost } = proof;
  return html`<section>
<h2 id="${id}-causes">Causes</h2>
${fixes.map(
  ({
    cause,
    text,
  }) => html`<article class="cause"><h3>${plain(CAUSES[cause].title)} <span class="kind">${formatCount(causes[cause] ?? 0)} of ${formatCount(lost)}</span></h3>
<p>${plain(CAUSES[cause].shows)}</p><p><strong>Fix:</strong> ${plain(text)}</p></article>`,
)}
<h2 id="${id}-losses">Losses</h2>
<p class="note">${lost > MAX_STORIES ? `The first ${formatCount(Math.min(MAX_STORIES, losses.length))} of ${formatCount(lost)}.` : `All ${formatCount(lost)} of them.`}</p>
<ol class="stories">${losses
    .slice(0, MAX_STORIES)
    .map((loss, index) => html`<li id="${storyId(id, index)}">${formatStory(loss, endpoints)}</li>\n`)}</ol>
</section>`;
}

function formatHazards(proof: Proof, id: string): Html {
  const table = toHazardTable(proof);
  return html`<section>
<h2 id="${id}-hazards">Hazards</h2>
<p class="note">${table.note ?? ''}</p>
${formatTableElement(table, `${id}-hazards`)}
<ol class="stories">${proof.hazards.map(
    ({ atMs, why, fix }, index) =>
      html`<li id="${id}-hazard-${index}">${formatFixed(atMs / 1_000, 3)} s: ${why}. <strong>Fix:</strong> ${plain(fix)}</li>\n`,
  )}</ol>
</section>`;
}

function formatLatency({ record, requirements }: Proof, id: string): Html {
  const table = toPhaseLatencyTable(record);
  return html`<section>
<h2 id="${id}-latency">Latency</h2>
<p class="note">${table.note ?? ''}</p>
${formatTableElement(table, `${id}-latency`)}
${
  requirements.length === 0
    ? ''
    : html`<h3 id="${id}-requirements">Requirements</h3>
${formatTableElement(toRequirementTable({ requirements }), `${id}-requirements`)}`
}
</section>`;
}

function formatConnections({ record, margins, vantagePoints }: Proof, id: string): Html {
  return html`<section>
<h2 id="${id}-connections">Connections</h2>
<p class="note">${formatMargins(margins)}</p>
${formatTableElement(toConnectionTable(record), `${id}-connections`)}
${
  vantagePoints.length === 0
    ? ''
    : html`<h2 id="${id}-vantage-points">Vantage points</h2>
${formatTableElement(toVantageTable(vantagePoints), `${id}-vantage-points`)}`
}
</section>`;
}

function formatPods(timelines: readonly PodTimeline[], id: string): Html {
  const seconds = (ms: number | null | undefined) => (ms == null ? '-' : formatFixed(ms / 1_000, 2));
  const rows = timelines.map((timeline) => [
    timeline.pod,
    timeline.version ?? '-',
    timeline.node ?? '-',
    ...[
      timeline.scheduledMs,
      timeline.ready[0]?.fromMs,
      timeline.terminatingMs,
      timeline.terminatingMs === null ? null : timeline.endpoint.at(-1)?.toMs,
      timeline.graceMs === 0 ? null : timeline.sigtermMs,
      timeline.exit?.atMs,
      timeline.goneMs,
      timeline.direct?.accepts[0]?.fromMs,
      timeline.direct?.answeredMs,
      timeline.direct?.accepts.at(-1)?.toMs,
    ].map(seconds),
    toExitText(timeline.exit),
  ]);
  const columns = [
    'Pod',
    'Template',
    'Node',
    'Scheduled',
    'Ready',
    'Terminating',
    'Endpoint removed',
    'SIGTERM',
    'Exited',
    'Gone',
    'Accepts (probed)',
    'Answers (probed)',
    'Accepts until (probed)',
    'How',
  ];
  return html`<section>
<h2 id="${id}-pods">Pods</h2>
<p class="note">Seconds since the load began; negative: before it, or before the pod was first observed.</p>
${formatTableElement({ columns, rows }, `${id}-pods`)}
</section>`;
}

function formatMarks({ marks, leftBehind }: Proof, id: string): Html {
  return html`<section>
<h2 id="${id}-events">Events</h2>
${formatTableElement(
  {
    columns: ['Time', 'Event'],
    rows: marks.map(({ atMs, text }) => [`${formatFixed(atMs / 1_000, 2)} s`, text]),
  },
  `${id}-events`,
)}
${leftBehind.map((what) => html`<p class="note">Not undone: ${what}</p>`)}
</section>`;
}

const MAX_NAME = 24;

/** The end of a pod's name is what distinguishes it. */
function shorten(name: string): string {
  return name.length <= MAX_NAME ? name : `…${name.slice(1 - MAX_NAME)}`;
}

/** The anchor of a loss's story, or that of all stories where this one is not shown. */
function toTarget(id: string, loss: number): string {
  return loss < MAX_STORIES ? storyId(id, loss) : `${id}-losses`;
}

function storyId(id: string, loss: number): string {
  return `${id}-loss-${loss}`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function plain(text: string): string {
  return text.replaceAll('`', '');
}

function capitalise(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Anchors have no spaces. */
function toAnchor(removal: Removal): string {
  return formatRemoval(removal).replace(/[^\w-]+/g, '-');
}

function toExitText(exit: ContainerExit | null): string {
  if (exit === null) return '-';
  return exit.isOomKilled ? 'OOMKilled' : (exit.signal ?? `code ${exit.code}`);
}
